"""As much of the log's and the network's bytes as a test of order has to read
(docs/storage-format.md, transport/peer.proto, raftpb/raft.proto)."""

import collections
import struct

MSG_APP_RESP, MSG_VOTE_RESP = 4, 6

_FRAME_HEADER_BYTES = 56
_ITEMS, _ENTRIES, _HARD_STATE = 2, 1, 2

Message = collections.namedtuple("Message", "type to term index reject")


class LogState:
    """What the log of a server of one group says after the batches that were added."""

    def __init__(self):
        self.last = self.term = self.vote = 0

    def add(self, batch):
        """`batch`: the bytes of one write to a segment."""
        at = 0
        while batch[at:at + 4] == b"RWL1":
            kind = batch[at + 5]
            payload_bytes, padding_bytes = struct.unpack_from("<II", batch, at + 8)
            begin = at + _FRAME_HEADER_BYTES
            if kind == _ITEMS:
                self._add_items(batch[begin:begin + payload_bytes])
            at = begin + payload_bytes + padding_bytes

    def _add_items(self, payload):
        at = 0
        while at < len(payload):
            kind, body_bytes, _ = struct.unpack_from("<IIQ", payload, at)
            at += 16
            if kind == _ENTRIES:
                first, _, count = struct.unpack_from("<QQI", payload, at)
                self.last = first + count - 1
            elif kind == _HARD_STATE:
                self.term, self.vote, _ = struct.unpack_from("<QQQ", payload, at)
            at += body_bytes


class Connection:
    """What one end of an HTTP/2 connection says: gRPC messages as they become whole."""

    _PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    def __init__(self):
        self._bytes = bytearray()
        self._streams = collections.defaultdict(bytearray)

    def feed(self, data):
        """The gRPC messages that end in `data`."""
        self._bytes += data
        if self._bytes.startswith(self._PREFACE):
            del self._bytes[:len(self._PREFACE)]
        messages = []
        while len(self._bytes) >= 9:
            length = int.from_bytes(self._bytes[:3], "big")
            if len(self._bytes) < 9 + length:
                break
            kind, flags = self._bytes[3], self._bytes[4]
            stream = int.from_bytes(self._bytes[5:9], "big") & 0x7FFFFFFF
            body = bytes(self._bytes[9:9 + length])
            del self._bytes[:9 + length]
            if kind != 0:  # Not DATA.
                continue
            if flags & 8:  # Padded.
                body = body[1:len(body) - body[0]]
            messages += self._take(self._streams[stream], body)
        return messages

    @staticmethod
    def _take(stream, body):
        stream += body
        whole = []
        while len(stream) >= 5:
            length = int.from_bytes(stream[1:5], "big")
            if len(stream) < 5 + length:
                break
            whole.append(bytes(stream[5:5 + length]))
            del stream[:5 + length]
        return whole


def _fields(data):
    """(number, value) of a protobuf message; ValueError for what is none."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            if at >= len(data) or shift > 63:
                raise ValueError("no varint")
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 2:
            length = varint()
            if at + length > len(data):
                raise ValueError("too short")
            yield key >> 3, data[at:at + length]
            at += length
        else:
            raise ValueError("a kind of field that is not used")


def raft_messages(frame):
    """The messages of a peer.Frame."""
    messages = []
    for number, value in _fields(frame):
        if number != 1 or not isinstance(value, bytes):
            raise ValueError("no frame")
        fields = dict(_fields(value))
        messages.append(Message(fields.get(1, 0), fields.get(2, 0), fields.get(4, 0),
                                fields.get(6, 0), fields.get(10, 0)))
    return messages
