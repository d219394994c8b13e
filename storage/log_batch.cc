#include "storage/log_batch.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "raftpb/wire.h"

namespace storage {

void LogBatch::Sums::Add(const Sums& other) {
  entries += other.entries;
  terms += other.terms;
  payload_bytes += other.payload_bytes;
  snapshot_bytes += other.snapshot_bytes;
}

LogBatch::Change& LogBatch::AddChange(Kind kind, GroupId group) {
  Change& change = changes_.emplace_back();
  change.kind = kind;
  change.group = group;
  return change;
}

void LogBatch::Append(GroupId group, const raftpb::EntryList& entries) {
  if (entries.empty()) return;
  Change& change = AddChange(Kind::kAppend, group);
  change.entries = entries;
  change.first = entries.front().id();
  raft::EntryId last = {0, change.first.index - 1};
  size_t terms = last.term == change.first.term ? 1 : 0;
  uint64_t largest_payload = 0;
  for (const raftpb::Entry& entry : entries) {
    if (entry.index != last.index + 1 || entry.term < last.term) change.is_sequence = false;
    terms += entry.term != last.term;
    last = entry.id();
    const uint64_t bytes = PayloadSize(entry);
    change.payload_bytes += bytes;
    largest_payload = std::max(largest_payload, bytes);
  }
  change.last_index = last.index;
  change.last_term = last.term;
  constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();
  change.largest_payload = static_cast<uint32_t>(std::min(largest_payload, kMost));
  sums_.entries += entries.size();
  sums_.terms += terms;
  sums_.payload_bytes += change.payload_bytes;
}

void LogBatch::SetHardState(GroupId group, const raftpb::HardState& hard_state) {
  AddChange(Kind::kHardState, group).hard_state = hard_state;
}

void LogBatch::MarkSnapshot(GroupId group, const raftpb::SnapshotMetadata& snapshot) {
  Change& change = AddChange(Kind::kMarkSnapshot, group);
  change.snapshot = std::make_shared<const raftpb::SnapshotMetadata>(snapshot);
  sums_.snapshot_bytes += raftpb::Encode(snapshot).size();
}

void LogBatch::RestoreSnapshot(GroupId group, const raftpb::SnapshotMetadata& snapshot) {
  MarkSnapshot(group, snapshot);
  changes_.back().kind = Kind::kRestoreSnapshot;
}

void LogBatch::Compact(GroupId group, raft::Index index) {
  AddChange(Kind::kCompact, group).last_index = index;
}

void LogBatch::Forget(GroupId group) { AddChange(Kind::kForget, group); }

void LogBatch::Add(LogBatch& other) {
  if (changes_.empty()) {
    std::swap(*this, other);
    return;
  }
  changes_.insert(changes_.end(), std::make_move_iterator(other.changes_.begin()),
                  std::make_move_iterator(other.changes_.end()));
  sums_.Add(other.sums_);
  other.Clear();
}

LogBatch LogBatch::Slice(size_t first, size_t count) const {
  LogBatch slice;
  slice.changes_.reserve(count);
  for (size_t i = first; i < first + count; ++i) slice.AddCopy(changes_[i]);
  return slice;
}

void LogBatch::AddCopy(const Change& change) {
  if (change.kind == Kind::kAppend) return Append(change.group, change.entries);
  changes_.push_back(change);
  if (change.snapshot != nullptr) sums_.snapshot_bytes += raftpb::Encode(*change.snapshot).size();
}

void LogBatch::Clear() {
  changes_.clear();
  sums_ = {};
}

}  // namespace storage
