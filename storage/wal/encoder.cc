#include "storage/wal/encoder.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <string>

#include "absl/base/attributes.h"
#include "raftpb/wire.h"
#include "storage/wal/checksum.h"

namespace storage::wal {

uint64_t BatchEncoder::MaxBytes(size_t entries, size_t payload_bytes, size_t items,
                                size_t other_bytes, uint32_t block_bytes) const {
  const uint64_t per_entry = kEntryHeaderBytes;
  const uint64_t per_item = kItemHeaderBytes + kEntriesHeaderBytes;
  const uint64_t content = entries * per_entry + items * per_item + payload_bytes + other_bytes;
  // A frame is closed when it has reached record_bytes_: at most so many; each splits one run, and
  // so does each entry that is as large by itself.
  const uint64_t frames = content / record_bytes_ + 2;
  return content + frames * (kFrameHeaderBytes + kFrameAlignment + 2 * per_item) + block_bytes;
}

namespace {

// (Not by TryFlat: what it returns is stored by parts and copied as a whole, see AddRun.)
void CopyTo(const absl::Cord& data, char* to) {
  for (const absl::string_view piece : data.Chunks()) {
    std::memcpy(to, piece.data(), piece.size());
    to += piece.size();
  }
}

}  // namespace

void BatchEncoder::Start(const Position& position, uint32_t salt, uint32_t block_bytes,
                         size_t payload_bytes) {
  position_ = position;
  start_ = position.offset;
  salt_ = salt;
  block_bytes_ = block_bytes;
  gather_all_ = payload_bytes <= kGatheredBatchBytes;
  type_ = FrameType::kItems;
  buffer_.Clear();
  cuts_.clear();
  pieces_.clear();
  placed_.clear();
  frame_open_ = false;
}

// A new one, whether the last is open or not.
void BatchEncoder::BeginFrame() {
  if (frame_open_) CloseFrame(false);
  OpenFrame();
}

void BatchEncoder::OpenFrame() {
  frame_open_ = true;
  frame_start_ = buffer_.size();
  frame_cut_ = cuts_.size();
  payload_bytes_ = 0;
  buffer_.Add(kFrameHeaderBytes);
}

// Calls visit with all pieces of the buffer from `from` on, and of the cuts from first_cut on.
template <typename Visit>
void BatchEncoder::VisitPieces(size_t first_cut, size_t from, Visit visit) const {
  for (size_t i = first_cut; i < cuts_.size(); ++i) {
    if (cuts_[i].buffer_end > from) visit({buffer_.data() + from, cuts_[i].buffer_end - from});
    visit(cuts_[i].payload);
    from = cuts_[i].buffer_end;
  }
  if (buffer_.size() > from) visit({buffer_.data() + from, buffer_.size() - from});
}

void BatchEncoder::CloseFrame(bool last) {
  FrameHeader header;
  header.type = type_;
  header.flags = last ? kLastOfBatch : 0;
  header.payload_bytes = static_cast<uint32_t>(payload_bytes_);
  const uint64_t unpadded = position_.offset + kFrameHeaderBytes + payload_bytes_;
  const uint64_t alignment = last ? block_bytes_ : kFrameAlignment;
  header.padding_bytes = static_cast<uint32_t>((alignment - unpadded % alignment) % alignment);
  header.segment = position_.segment;
  header.sequence = position_.sequence;
  header.batch = position_.batch;
  header.previous = position_.previous;
  std::memset(buffer_.Add(header.padding_bytes), 0, header.padding_bytes);

  const uint32_t salt = type_ == FrameType::kHead ? 0 : salt_;
  EncodeBodyPrefix(header, buffer_.data() + frame_start_);
  Checksum checksum(salt);
  checksum.Add({buffer_.data() + frame_start_, kFrameBodyPrefixBytes});
  VisitPieces(frame_cut_, frame_start_ + kFrameHeaderBytes,
              [&checksum](absl::string_view piece) { checksum.Add(piece); });
  header.body_checksum = checksum.value();
  position_.previous = EncodeHeaderEnd(header, salt, buffer_.data() + frame_start_);
  position_.offset += header.frame_bytes();
  ++position_.sequence;
  if (last) ++position_.batch;
  position_.batch_open = !last;
  frame_open_ = false;
}

// Adds an item's header, and room for the first `bytes_now` bytes of its body: returns where, until
// something is added.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline char* BatchEncoder::BeginItem(ItemKind kind, GroupId group,
                                                                  uint64_t body_bytes,
                                                                  size_t bytes_now) {
  if (!frame_open_ || payload_bytes_ >= record_bytes_) BeginFrame();
  char* const header = buffer_.Add(kItemHeaderBytes + bytes_now);
  StoreLittleEndian(static_cast<uint32_t>(kind), header);
  StoreLittleEndian(static_cast<uint32_t>(body_bytes), header + 4);
  StoreLittleEndian(group, header + 8);
  payload_bytes_ += kItemHeaderBytes + body_bytes;
  return header + kItemHeaderBytes;
}

void BatchEncoder::AddEntries(GroupId group, const raftpb::EntryList& entries, size_t begin) {
  if (begin == entries.size()) return;
  const auto first = entries.begin();
  if (begin == 0 && first->term == entries.back().term) {  // Mostly they are one run.
    const size_t count = entries.size();
    const uint64_t body_bytes =
        kEntriesHeaderBytes + count * kEntryHeaderBytes + entries.PayloadSize();
    if (BytesUsed() + body_bytes < record_bytes_) return AddRun(group, first, count, body_bytes);
  }
  AddRuns(group, entries, begin);
}

void BatchEncoder::AddRuns(GroupId group, const raftpb::EntryList& entries, size_t begin) {
  auto next = entries.begin();
  std::advance(next, static_cast<std::ptrdiff_t>(begin));
  while (next != entries.end()) {
    std::advance(next, AddSomeEntries(group, next, entries.end()));
  }
}

// As many entries from `begin` on as have the same term and fit; returns how many.
size_t BatchEncoder::AddSomeEntries(GroupId group, EntryIterator begin, const EntryIterator& end) {
  const uint64_t used = BytesUsed();
  uint64_t body_bytes = kEntriesHeaderBytes;
  size_t count = 0;
  EntryIterator next = begin;
  do {
    body_bytes += kEntryHeaderBytes + next->data.size();
    ++count;
    ++next;
  } while (next != end && next->term == begin->term && used + body_bytes < record_bytes_ &&
           next->data.size() < record_bytes_);  // A large one gets a frame of its own.
  AddRun(group, begin, count, body_bytes);
  return count;
}

// `count` entries of one term from `next` on. (Inline, so that iterators stay in registers: one
// that was stored by parts and is copied as a whole waits until the parts have left the store
// buffer.)
ABSL_ATTRIBUTE_ALWAYS_INLINE inline void BatchEncoder::AddRun(GroupId group, EntryIterator next,
                                                              size_t count, uint64_t body_bytes) {
  const raftpb::Entry& first = *next;
  const size_t header_bytes = kEntriesHeaderBytes + count * kEntryHeaderBytes;
  char* header =
      BeginItem(ItemKind::kEntries, group, body_bytes, gather_all_ ? body_bytes : header_bytes);
  StoreLittleEndian(first.index, header);
  StoreLittleEndian(first.term, header + 8);
  StoreLittleEndian(static_cast<uint32_t>(count), header + 16);
  StoreLittleEndian(uint32_t{0}, header + 20);

  const uint32_t item_bytes = static_cast<uint32_t>(kItemHeaderBytes + body_bytes);
  Placed& placed = placed_.emplace_back();
  placed.group = group;
  placed.run.first = first.index;
  placed.run.last = first.index + count - 1;
  placed.run.term = first.term;
  placed.run.segment = position_.segment;
  placed.run.frame = position_.offset;
  placed.run.item = static_cast<uint32_t>(payload_bytes_ - item_bytes);
  placed.run.bytes = item_bytes;

  EntryIterator with_payload = next;
  char* payload = header + header_bytes;  // All headers, then all payloads.
  header += kEntriesHeaderBytes;
  for (size_t i = count; i > 0; --i, ++next, header += kEntryHeaderBytes) {
    const raftpb::Entry& entry = *next;
    const uint32_t flag = entry.type_is_explicit ? kExplicitType : 0;
    const size_t bytes = entry.data.size();
    StoreLittleEndian(static_cast<uint32_t>(bytes) | flag, header);
    StoreLittleEndian(static_cast<uint32_t>(entry.type), header + 4);
    if (!gather_all_) continue;
    CopyTo(entry.data, payload);
    payload += bytes;
  }
  if (gather_all_) return;
  for (size_t i = count; i > 0; --i, ++with_payload) AddPayload(with_payload->data);
}

// Copies small pieces behind what is there, and leaves large ones where they are.
void BatchEncoder::AddPayload(const absl::Cord& data) {
  for (const absl::string_view piece : data.Chunks()) {
    if (piece.size() < kGatheredPieceBytes) {
      buffer_.Add(piece);
    } else {
      cuts_.push_back({buffer_.size(), piece});
    }
  }
}

void BatchEncoder::AddHardState(GroupId group, const raftpb::HardState& hard_state) {
  char* const body = BeginItem(ItemKind::kHardState, group, 24, 24);
  StoreLittleEndian(hard_state.term, body);
  StoreLittleEndian(hard_state.vote, body + 8);
  StoreLittleEndian(hard_state.commit, body + 16);
}

void BatchEncoder::AddSnapshot(ItemKind kind, GroupId group,
                               const raftpb::SnapshotMetadata& metadata) {
  const std::string bytes = raftpb::Encode(metadata);
  bytes.copy(BeginItem(kind, group, bytes.size(), bytes.size()), bytes.size());
}

void BatchEncoder::AddCompact(GroupId group, raft::EntryId compacted) {
  char* const body = BeginItem(ItemKind::kCompact, group, 16, 16);
  StoreLittleEndian(compacted.index, body);
  StoreLittleEndian(compacted.term, body + 8);
}

void BatchEncoder::AddForget(GroupId group) { BeginItem(ItemKind::kForget, group, 0, 0); }

void BatchEncoder::AddPurge(uint64_t first_needed_segment) {
  StoreLittleEndian(first_needed_segment, BeginItem(ItemKind::kPurge, 0, 8, 8));
}

void BatchEncoder::AddHead(const SegmentHead& head) {
  type_ = FrameType::kHead;
  OpenFrame();
  EncodeTo(head, buffer_);
  payload_bytes_ = kSegmentHeadBytes;
}

void BatchEncoder::Finish() {
  if (!frame_open_) OpenFrame();
  CloseFrame(true);
  if (cuts_.empty() && buffer_.size() <= kOutgoingBytes) {
    pieces_.push_back(outgoing_.Copy({buffer_.data(), buffer_.size()}));
  } else {
    VisitPieces(0, 0, [this](absl::string_view piece) { pieces_.push_back(piece); });
  }
}

}  // namespace storage::wal
