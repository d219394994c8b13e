#include "storage/log_batch.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "raftpb/wire.h"

namespace storage {

void LogBatch::Sums::Add(const Sums& other) {
  entries += other.entries;
  terms += other.terms;
  payload_bytes += other.payload_bytes;
  snapshot_bytes += other.snapshot_bytes;
}

LogBatch::Sums LogBatch::SumsOf(const Change& change) {
  return {
      .entries = change.entries.size(),
      .terms = change.terms,
      .payload_bytes = change.payload_bytes,
      .snapshot_bytes = change.snapshot == nullptr ? 0 : raftpb::Encode(*change.snapshot).size()};
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
  change.last = {0, change.first.index - 1};
  for (const raftpb::Entry& entry : entries) {
    if (entry.index != change.last.index + 1 || entry.term < change.last.term) {
      change.is_sequence = false;
    }
    change.terms += entry.term != change.last.term || change.terms == 0;
    change.last = entry.id();
    const uint64_t bytes = PayloadSize(entry);
    change.payload_bytes += bytes;
    change.largest_payload = std::max(change.largest_payload, bytes);
  }
  sums_.entries += entries.size();
  sums_.terms += change.terms;
  sums_.payload_bytes += change.payload_bytes;
}

void LogBatch::SetHardState(GroupId group, const raftpb::HardState& hard_state) {
  AddChange(Kind::kHardState, group).hard_state = hard_state;
}

void LogBatch::MarkSnapshot(GroupId group, const raftpb::SnapshotMetadata& snapshot) {
  Change& change = AddChange(Kind::kMarkSnapshot, group);
  change.snapshot = std::make_shared<const raftpb::SnapshotMetadata>(snapshot);
  sums_.Add(SumsOf(change));
}

void LogBatch::RestoreSnapshot(GroupId group, const raftpb::SnapshotMetadata& snapshot) {
  MarkSnapshot(group, snapshot);
  changes_.back().kind = Kind::kRestoreSnapshot;
}

void LogBatch::Compact(GroupId group, raft::Index index) {
  AddChange(Kind::kCompact, group).last.index = index;
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
  slice.changes_.assign(changes_.begin() + first, changes_.begin() + first + count);
  for (const Change& change : slice.changes_) slice.sums_.Add(SumsOf(change));
  return slice;
}

void LogBatch::Clear() {
  changes_.clear();
  sums_ = {};
}

}  // namespace storage
