#include "storage/wal/format.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "raftpb/wire.h"
#include "storage/wal/bytes.h"
#include "storage/wal/checksum.h"

namespace storage::wal {

namespace {

constexpr absl::string_view kSegmentSuffix = ".wal";
constexpr size_t kSealedBytes = 52;  // Of a header, before its own checksum.
constexpr char kReserved[4] = {};

}  // namespace

void EncodeBodyPrefix(const FrameHeader& header, char* to) {
  StoreLittleEndian(kFrameMagic, to);
  to[4] = static_cast<char>(header.version);
  to[5] = static_cast<char>(header.type);
  StoreLittleEndian(header.flags, to + 6);
  StoreLittleEndian(header.payload_bytes, to + 8);
  StoreLittleEndian(header.padding_bytes, to + 12);
  StoreLittleEndian(header.segment, to + 16);
  StoreLittleEndian(header.sequence, to + 24);
  StoreLittleEndian(header.batch, to + 32);
  StoreLittleEndian(header.previous, to + 40);
}

uint32_t EncodeHeaderEnd(const FrameHeader& header, uint32_t salt, char* to) {
  StoreLittleEndian(header.body_checksum, to + kFrameBodyPrefixBytes);
  std::copy(std::begin(kReserved), std::end(kReserved), to + 48);
  const uint32_t checksum = ChecksumOf({to, kSealedBytes}, salt);
  StoreLittleEndian(checksum, to + kSealedBytes);
  return checksum;
}

absl::optional<FrameHeader> DecodeHeader(const char* bytes, uint32_t salt) {
  if (LoadLittleEndian<uint32_t>(bytes) != kFrameMagic) return absl::nullopt;
  FrameHeader header;
  header.version = static_cast<uint8_t>(bytes[4]);
  header.type = static_cast<FrameType>(bytes[5]);
  if (ChecksumOf({bytes, kSealedBytes}, header.type == FrameType::kHead ? 0 : salt) !=
      HeaderChecksum(bytes)) {
    return absl::nullopt;
  }
  header.flags = LoadLittleEndian<uint16_t>(bytes + 6);
  header.payload_bytes = LoadLittleEndian<uint32_t>(bytes + 8);
  header.padding_bytes = LoadLittleEndian<uint32_t>(bytes + 12);
  header.segment = LoadLittleEndian<uint64_t>(bytes + 16);
  header.sequence = LoadLittleEndian<uint64_t>(bytes + 24);
  header.batch = LoadLittleEndian<uint64_t>(bytes + 32);
  header.previous = LoadLittleEndian<uint32_t>(bytes + 40);
  header.body_checksum = LoadLittleEndian<uint32_t>(bytes + kFrameBodyPrefixBytes);
  return header;
}

uint32_t HeaderChecksum(const char* bytes) {
  return LoadLittleEndian<uint32_t>(bytes + kSealedBytes);
}

void EncodeTo(const SegmentHead& head, ByteBuffer& out) {
  out.AddLittleEndian(head.identity.cluster_id);
  out.AddLittleEndian(head.identity.node_id);
  out.AddLittleEndian(head.block_bytes);
  out.AddLittleEndian(head.salt);
  out.AddLittleEndian(head.file_bytes);
}

absl::optional<SegmentHead> DecodeSegmentHead(absl::string_view payload) {
  if (payload.size() != kSegmentHeadBytes) return absl::nullopt;
  ByteReader reader(payload);
  SegmentHead head;
  head.identity.cluster_id = reader.Read<uint64_t>();
  head.identity.node_id = reader.Read<uint64_t>();
  head.block_bytes = reader.Read<uint32_t>();
  head.salt = reader.Read<uint32_t>();
  head.file_bytes = reader.Read<uint64_t>();
  const bool power_of_two = (head.block_bytes & (head.block_bytes - 1)) == 0;
  if (head.block_bytes < kFrameAlignment || head.block_bytes > kMaxBlockBytes || !power_of_two) {
    return absl::nullopt;
  }
  return head;
}

std::string SegmentName(uint64_t segment) {
  return absl::StrCat(absl::Hex(segment, absl::kZeroPad16), kSegmentSuffix);
}

absl::optional<uint64_t> ParseSegmentName(absl::string_view name) {
  uint64_t segment = 0;
  if (name.size() != 16 + kSegmentSuffix.size() || !absl::EndsWith(name, kSegmentSuffix) ||
      !absl::SimpleHexAtoi(name.substr(0, 16), &segment) || SegmentName(segment) != name) {
    return absl::nullopt;
  }
  return segment;
}

absl::string_view Name(ItemKind kind) {
  switch (kind) {
    case ItemKind::kEntries: return "entries";
    case ItemKind::kHardState: return "hard-state";
    case ItemKind::kMarkSnapshot: return "mark-snapshot";
    case ItemKind::kRestoreSnapshot: return "restore-snapshot";
    case ItemKind::kCompact: return "compact";
    case ItemKind::kForget: return "forget";
    case ItemKind::kPurge: return "purge";
  }
  return "unknown";
}

ItemReader::ItemReader(absl::string_view payload, uint32_t offset)
    : payload_(payload), position_(offset) {}

bool ItemReader::Fail(absl::string_view why) {
  error_ = absl::StrCat(why, " in the item at byte ", position_, " of the payload");
  return false;
}

bool ItemReader::Next(Item& item) {
  if (!error_.empty() || position_ == payload_.size()) return false;
  if (position_ > payload_.size()) return Fail("nothing");
  ByteReader reader(payload_.substr(position_));
  item.kind = static_cast<ItemKind>(reader.Read<uint32_t>());
  const uint32_t body_bytes = reader.Read<uint32_t>();
  item.group = reader.Read<uint64_t>();
  item.offset = static_cast<uint32_t>(position_);
  const absl::string_view body = reader.ReadBytes(body_bytes);
  if (!reader.ok()) return Fail("too few bytes");
  if (!DecodeBody(body, item)) return false;
  position_ += kItemHeaderBytes + body_bytes;
  return true;
}

bool ItemReader::DecodeBody(absl::string_view body, Item& item) {
  ByteReader reader(body);
  switch (item.kind) {
    case ItemKind::kEntries: {
      item.first = reader.Read<uint64_t>();
      item.term = reader.Read<uint64_t>();
      item.count = reader.Read<uint32_t>();
      reader.Read<uint32_t>();
      item.entry_headers = reader.ReadBytes(uint64_t{item.count} * kEntryHeaderBytes);
      item.entry_payloads = reader.rest();
      if (!reader.ok()) return Fail("too few bytes");
      if (item.count == 0 || item.first == 0 || item.first > raft::kMaxIndex ||
          item.term > raft::kMaxTerm) {
        return Fail("impossible indexes");
      }
      uint64_t payload_bytes = 0;
      for (size_t i = 0; i < item.count; ++i) {
        const char* const header = item.entry_headers.data() + i * kEntryHeaderBytes;
        payload_bytes += LoadLittleEndian<uint32_t>(header) & ~kExplicitType;
      }
      return payload_bytes == item.entry_payloads.size() || Fail("wrong lengths");
    }
    case ItemKind::kHardState:
      item.hard_state.term = reader.Read<uint64_t>();
      item.hard_state.vote = reader.Read<uint64_t>();
      item.hard_state.commit = reader.Read<uint64_t>();
      break;
    case ItemKind::kMarkSnapshot:
    case ItemKind::kRestoreSnapshot:
      item.snapshot = {};
      return Decode(body, item.snapshot).ok() || Fail("bad metadata");
    case ItemKind::kCompact:
      item.compacted.index = reader.Read<uint64_t>();
      item.compacted.term = reader.Read<uint64_t>();
      break;
    case ItemKind::kForget: break;
    case ItemKind::kPurge: item.segment = reader.Read<uint64_t>(); break;
    default: return Fail("an unknown kind");
  }
  return (reader.ok() && reader.rest().empty()) || Fail("a wrong size");
}

bool EntryReader::Next(raftpb::Entry& entry, absl::string_view& payload) {
  if (next_ == item_.count) return false;
  const char* const header = item_.entry_headers.data() + next_ * kEntryHeaderBytes;
  const uint32_t length = LoadLittleEndian<uint32_t>(header);
  entry.term = item_.term;
  entry.index = item_.first + next_;
  entry.type = static_cast<raftpb::EntryType>(LoadLittleEndian<uint32_t>(header + 4));
  entry.type_is_explicit = (length & kExplicitType) != 0;
  payload = item_.entry_payloads.substr(payload_offset_, length & ~kExplicitType);
  payload_offset_ += payload.size();
  ++next_;
  return true;
}

}  // namespace storage::wal
