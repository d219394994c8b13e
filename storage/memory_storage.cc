#include "storage/memory_storage.h"

#include <algorithm>
#include <utility>

#include "raft/check.h"
#include "raft/errors.h"
#include "raftpb/entry.h"

namespace storage {

MemoryStorage::MemoryStorage(raftpb::SnapshotPtr snapshot) {
  RAFT_CHECK(snapshot != nullptr) << "a log that starts at a snapshot needs one";
  compacted_ = snapshot->metadata.id();
  conf_state_ = snapshot->metadata.conf_state;
  snapshot_ = std::move(snapshot);
}

absl::StatusOr<raft::Storage::InitialState> MemoryStorage::Initial() const {
  return InitialState{hard_state_, conf_state_};
}

absl::StatusOr<raftpb::EntryList> MemoryStorage::Entries(raft::IndexRange wanted,
                                                         uint64_t max_bytes) const {
  RAFT_CHECK(!wanted.empty()) << "asked for the entries from " << wanted.begin << " to before "
                              << wanted.end;
  if (wanted.begin <= compacted_.index) return raft::Compacted();
  if (wanted.end > LastIndex() + 1) return raft::Unavailable();
  const size_t begin = wanted.begin - FirstIndex();
  const size_t most = wanted.end - FirstIndex();
  const size_t within = entries_.CountWithin(begin, most, max_bytes);
  return entries_.Slice(begin, begin + std::max<size_t>(within, 1));
}

absl::StatusOr<raft::Term> MemoryStorage::TermAt(raft::Index index) const {
  if (index < compacted_.index) return raft::Compacted();
  if (index == compacted_.index) return compacted_.term;
  if (index > LastIndex()) return raft::Unavailable();
  return entries_[index - FirstIndex()].term;
}

absl::StatusOr<raftpb::SnapshotPtr> MemoryStorage::Snapshot() const {
  if (snapshot_ == nullptr || snapshot_->metadata.index < compacted_.index) {
    return raft::SnapshotTemporarilyUnavailable();
  }
  return snapshot_;
}

absl::Status MemoryStorage::Append(const raftpb::EntryList& entries) {
  if (entries.empty()) return absl::OkStatus();
  const raft::Index first = entries.front().index;
  const raft::Index last = entries.back().index;
  RAFT_CHECK(last == first + entries.size() - 1)
      << "entries " << first << " to " << last << " are not " << entries.size();
  RAFT_CHECK(first <= LastIndex() + 1)
      << "a gap: the log ends at " << LastIndex() << ", and entry " << first << " is appended";
  if (last <= compacted_.index) return absl::OkStatus();

  const size_t skipped = first <= compacted_.index ? FirstIndex() - first : 0;
  const size_t kept = first + skipped - FirstIndex();
  if (max_bytes_ != raft::kNoLimit) {
    const uint64_t held =
        entries_.EncodedSize(0, kept) + entries.EncodedSize(skipped, entries.size());
    if (held > max_bytes_ && held > bytes()) {
      return absl::ResourceExhaustedError("the log in memory has reached its limit");
    }
  }
  entries_.DropBack(entries_.size() - kept);
  entries_.Append(skipped == 0 ? entries : entries.Slice(skipped, entries.size()));
  return absl::OkStatus();
}

absl::Status MemoryStorage::ApplySnapshot(raftpb::SnapshotPtr snapshot) {
  RAFT_CHECK(snapshot != nullptr) << "no snapshot to apply";
  if (snapshot_ != nullptr && !snapshot_->empty() &&
      snapshot_->metadata.index >= snapshot->metadata.index) {
    return raft::SnapshotOutOfDate();
  }
  compacted_ = snapshot->metadata.id();
  conf_state_ = snapshot->metadata.conf_state;
  entries_.Clear();
  snapshot_ = std::move(snapshot);
  return absl::OkStatus();
}

absl::StatusOr<raftpb::SnapshotPtr> MemoryStorage::CreateSnapshot(
    raft::Index index, const raftpb::ConfState& conf_state, absl::Cord data) {
  if (snapshot_ != nullptr && snapshot_->metadata.index >= index) return raft::SnapshotOutOfDate();
  const absl::StatusOr<raft::Term> term = TermAt(index);
  RAFT_CHECK(term.ok()) << "a snapshot at " << index
                        << ", where the log has no entry: " << term.status();
  auto snapshot = std::make_shared<raftpb::Snapshot>();
  snapshot->metadata = {conf_state, index, *term};
  snapshot->data = std::move(data);
  conf_state_ = conf_state;
  snapshot_ = std::move(snapshot);
  return snapshot_;
}

absl::Status MemoryStorage::Compact(raft::Index index) {
  if (index <= compacted_.index) return raft::Compacted();
  RAFT_CHECK(index <= LastIndex())
      << "compacting to " << index << " a log that ends at " << LastIndex();
  const size_t dropped = index - compacted_.index;
  compacted_ = entries_[dropped - 1].id();
  entries_.DropFront(dropped);
  return absl::OkStatus();
}

}  // namespace storage
