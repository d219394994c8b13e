#include "storage/wal/encoder.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <string>

#include "absl/types/optional.h"
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

void BatchEncoder::Start(const Position& position, uint32_t salt, uint32_t block_bytes) {
  position_ = position;
  start_ = position.offset;
  salt_ = salt;
  block_bytes_ = block_bytes;
  type_ = FrameType::kItems;
  buffer_.Clear();
  cuts_.clear();
  pieces_.clear();
  placed_.clear();
  frame_open_ = false;
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

void BatchEncoder::BeginItem(ItemKind kind, GroupId group, uint64_t body_bytes) {
  if (frame_open_ && payload_bytes_ >= record_bytes_) CloseFrame(false);
  if (!frame_open_) OpenFrame();
  char* const header = buffer_.Add(kItemHeaderBytes);
  StoreLittleEndian(static_cast<uint32_t>(kind), header);
  StoreLittleEndian(static_cast<uint32_t>(body_bytes), header + 4);
  StoreLittleEndian(group, header + 8);
  payload_bytes_ += kItemHeaderBytes + body_bytes;
}

void BatchEncoder::AddEntries(GroupId group, const raftpb::EntryList& entries, size_t begin) {
  auto next = entries.begin();
  if (begin > 0) std::advance(next, static_cast<std::ptrdiff_t>(begin));
  while (next != entries.end()) AddRun(group, next, entries.end());
}

// As many entries from `next` on as have the same term and fit; leaves it behind them.
void BatchEncoder::AddRun(GroupId group, EntryIterator& next, const EntryIterator& last) {
  const raftpb::Entry& first = *next;
  const uint64_t used = frame_open_ && payload_bytes_ < record_bytes_ ? payload_bytes_ : 0;
  uint64_t body_bytes = kEntriesHeaderBytes;
  uint32_t count = 0;
  EntryIterator end = next;
  do {
    body_bytes += kEntryHeaderBytes + end->data.size();
    ++count;
    ++end;
  } while (end != last && end->term == first.term && used + body_bytes < record_bytes_ &&
           end->data.size() < record_bytes_);  // A large one gets a frame of its own.

  BeginItem(ItemKind::kEntries, group, body_bytes);
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

  char* const headers = buffer_.Add(kEntriesHeaderBytes + count * kEntryHeaderBytes);
  StoreLittleEndian(first.index, headers);
  StoreLittleEndian(first.term, headers + 8);
  StoreLittleEndian(count, headers + 16);
  StoreLittleEndian(uint32_t{0}, headers + 20);
  size_t at = static_cast<size_t>(headers - buffer_.data()) + kEntriesHeaderBytes;
  for (uint32_t i = 0; i < count; ++i, ++next, at += kEntryHeaderBytes) {
    const uint32_t flag = next->type_is_explicit ? kExplicitType : 0;
    StoreLittleEndian(static_cast<uint32_t>(next->data.size()) | flag, buffer_.data() + at);
    StoreLittleEndian(static_cast<uint32_t>(next->type), buffer_.data() + at + 4);
    AddPayload(next->data);  // Behind all headers; the buffer may move.
  }
}

void BatchEncoder::AddPayload(const absl::Cord& data) {
  if (const absl::optional<absl::string_view> flat = data.TryFlat()) return AddPiece(*flat);
  for (absl::string_view piece : data.Chunks()) AddPiece(piece);
}

void BatchEncoder::AddPiece(absl::string_view piece) {
  if (piece.size() < kGatheredBytes) {
    buffer_.Add(piece);
  } else {
    cuts_.push_back({buffer_.size(), piece});
  }
}

void BatchEncoder::AddHardState(GroupId group, const raftpb::HardState& hard_state) {
  BeginItem(ItemKind::kHardState, group, 24);
  buffer_.AddLittleEndian(hard_state.term);
  buffer_.AddLittleEndian(hard_state.vote);
  buffer_.AddLittleEndian(hard_state.commit);
}

void BatchEncoder::AddSnapshot(ItemKind kind, GroupId group,
                               const raftpb::SnapshotMetadata& metadata) {
  const std::string bytes = raftpb::Encode(metadata);
  BeginItem(kind, group, bytes.size());
  buffer_.Add(bytes);
}

void BatchEncoder::AddCompact(GroupId group, raft::EntryId compacted) {
  BeginItem(ItemKind::kCompact, group, 16);
  buffer_.AddLittleEndian(compacted.index);
  buffer_.AddLittleEndian(compacted.term);
}

void BatchEncoder::AddForget(GroupId group) { BeginItem(ItemKind::kForget, group, 0); }

void BatchEncoder::AddPurge(uint64_t first_needed_segment) {
  BeginItem(ItemKind::kPurge, 0, 8);
  buffer_.AddLittleEndian(first_needed_segment);
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
  VisitPieces(0, 0, [this](absl::string_view piece) { pieces_.push_back(piece); });
}

}  // namespace storage::wal
