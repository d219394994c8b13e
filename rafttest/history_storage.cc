#include "rafttest/history_storage.h"

#include <memory>
#include <utility>

#include "raft/errors.h"

namespace rafttest {

using raftpb::SnapshotPtr;

HistoryStorage::HistoryStorage(SnapshotPtr start) : MemoryStorage(start), history_{start} {}

absl::StatusOr<SnapshotPtr> HistoryStorage::Snapshot() const {
  if (snapshot_unavailable_) return raft::SnapshotTemporarilyUnavailable();
  return newest();
}

void HistoryStorage::Applied(raftpb::EntryId entry, raftpb::ConfState conf_state,
                             const absl::Cord& payload) {
  auto next = std::make_shared<raftpb::Snapshot>();
  next->metadata = {std::move(conf_state), entry.index, entry.term};
  next->data = newest()->data;
  next->data.Append(payload);
  history_.push_back(std::move(next));
}

absl::Status HistoryStorage::Crash() {
  const raftpb::Index start = FirstIndex() - 1;
  std::vector<SnapshotPtr> kept;
  for (const SnapshotPtr& snapshot : history_) {
    if (snapshot->metadata.index <= start) kept.push_back(snapshot);
  }
  if (kept.empty() || kept.back()->metadata.index != start) {
    const absl::StatusOr<SnapshotPtr> received = MemoryStorage::Snapshot();
    if (!received.ok() || (*received)->metadata.index != start) {
      return absl::FailedPreconditionError(
          "cannot restart: no state machine snapshot at the first index");
    }
    kept.push_back(*received);
  }
  history_ = std::move(kept);
  SetConfState(newest()->metadata.conf_state);
  return absl::OkStatus();
}

}  // namespace rafttest
