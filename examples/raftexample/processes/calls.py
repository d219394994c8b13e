"""What record_calls.cc has recorded: reading it, what of it was durable when, and playing a crash
of the machine that loses all of the rest."""

import collections
import os
import struct

WRITE, WROTE, SYNC, SYNC_DIRECTORY, CREATE, RENAME, REMOVE, RESIZE, SEND = range(1, 10)

_RECORD = struct.Struct("<IIQQQQQIHHIIII")

Call = collections.namedtuple(
    "Call",
    "kind number begun ended offset size descriptor local_port peer_port synced path data before")


def read(path):
    """All calls, in order. The last record of a killed process may be cut off."""
    calls = []
    with open(path, "rb") as file:
        recording = file.read()
    at = 0
    while at + _RECORD.size <= len(recording):
        fields = _RECORD.unpack_from(recording, at)
        total, lengths = fields[0], fields[-3:]
        if at + total > len(recording):
            break
        parts = []
        begin = at + _RECORD.size
        for length in lengths:
            parts.append(recording[begin:begin + length])
            begin += length
        calls.append(Call(*fields[1:-3], parts[0].decode(), *parts[1:]))
        at += total
    return calls


def durable_times(calls):
    """{number of a write: when the sync that covers it had returned}. Writes without are missing.

    A sync covers the writes to its file that had returned when it began."""
    durable = {}
    waiting = collections.defaultdict(list)
    for call in calls:
        if call.kind == WROTE and call.synced:
            durable[call.number] = call.ended
        elif call.kind == WROTE:
            waiting[call.path].append(call)
        elif call.kind == RENAME:
            waiting[call.data.decode()] = waiting.pop(call.path, [])
        elif call.kind == SYNC:
            for wrote in waiting[call.path]:
                if wrote.ended <= call.begun:
                    durable[wrote.number] = call.ended
            waiting[call.path] = [w for w in waiting[call.path] if w.number not in durable]
    return durable


def lose_unsynced(calls):
    """Undoes, newest first, what no sync has made durable: as a machine that loses its power. The
    process must be dead, and its files as it left them. Returns how many calls were undone."""
    durable = durable_times(calls)
    synced_directories = []  # From behind: those that are synced later.
    undone = 0
    for call in reversed(calls):
        if call.kind == SYNC_DIRECTORY:
            synced_directories.append((call.path, call.begun))
        elif call.kind == WRITE and call.number not in durable:
            undone += _undo_write(call)
        elif call.kind in (RENAME, CREATE):
            name = call.data.decode() if call.kind == RENAME else call.path
            kept = any(directory == os.path.dirname(name) and begun >= call.ended
                       for directory, begun in synced_directories)
            if kept or not os.path.exists(name):
                continue
            if call.kind == RENAME:
                os.rename(name, call.path)
                undone += 1
            elif os.path.isfile(name):
                os.remove(name)
                undone += 1
    return undone


def _undo_write(call):
    path = _where_now(call)
    if path is None:
        return 0
    with open(path, "r+b") as file:
        file.seek(call.offset)
        file.write(call.before)
        if call.size < call.offset + len(call.data):
            file.truncate(max(call.size, call.offset + len(call.before)))
    return 1


def _where_now(call):
    """Unfinished files are renamed; of the others each keeps its name."""
    for path in (call.path, call.path.removesuffix(".tmp"), call.path.removesuffix(".part") + ".snap"):
        if os.path.exists(path):
            return path
    return None
