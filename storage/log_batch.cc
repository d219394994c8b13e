#include "storage/log_batch.h"

#include <iterator>
#include <utility>

namespace storage {

void LogBatch::Append(GroupId group, const raftpb::EntryList& entries) {
  if (entries.empty()) return;
  for (const raftpb::Entry& entry : entries) payload_bytes_ += PayloadSize(entry);
  Change& change = changes_.emplace_back();
  change.kind = Kind::kAppend;
  change.group = group;
  change.entries = entries;
}

void LogBatch::SetHardState(GroupId group, const raftpb::HardState& hard_state) {
  Change& change = changes_.emplace_back();
  change.kind = Kind::kHardState;
  change.group = group;
  change.hard_state = hard_state;
}

void LogBatch::MarkSnapshot(GroupId group, const raftpb::SnapshotMetadata& snapshot) {
  Change& change = changes_.emplace_back();
  change.kind = Kind::kMarkSnapshot;
  change.group = group;
  change.snapshot = std::make_shared<const raftpb::SnapshotMetadata>(snapshot);
}

void LogBatch::RestoreSnapshot(GroupId group, const raftpb::SnapshotMetadata& snapshot) {
  MarkSnapshot(group, snapshot);
  changes_.back().kind = Kind::kRestoreSnapshot;
}

void LogBatch::Compact(GroupId group, raft::Index index) {
  Change& change = changes_.emplace_back();
  change.kind = Kind::kCompact;
  change.group = group;
  change.index = index;
}

void LogBatch::Forget(GroupId group) {
  Change& change = changes_.emplace_back();
  change.kind = Kind::kForget;
  change.group = group;
}

void LogBatch::Add(LogBatch& other) {
  if (changes_.empty()) {
    std::swap(*this, other);
    return;
  }
  changes_.insert(changes_.end(), std::make_move_iterator(other.changes_.begin()),
                  std::make_move_iterator(other.changes_.end()));
  payload_bytes_ += other.payload_bytes_;
  other.Clear();
}

LogBatch LogBatch::Slice(size_t first, size_t count) const {
  LogBatch slice;
  slice.changes_.assign(changes_.begin() + first, changes_.begin() + first + count);
  for (const Change& change : slice.changes_) {
    for (const raftpb::Entry& entry : change.entries) slice.payload_bytes_ += PayloadSize(entry);
  }
  return slice;
}

void LogBatch::Clear() {
  changes_.clear();
  payload_bytes_ = 0;
}

}  // namespace storage
