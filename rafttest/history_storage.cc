#include "rafttest/history_storage.h"

#include <memory>
#include <utility>

#include "raft/check.h"
#include "raft/errors.h"
#include "raft/types.h"
#include "raftpb/entry_list.h"

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

void HistoryStorage::LoseEntriesFrom(raftpb::Index index) {
  const raftpb::Index first = FirstIndex();
  raftpb::EntryList kept;
  if (first < index) kept = Entries({first, index}, raft::kNoLimit).value();
  auto start = std::make_shared<raftpb::Snapshot>();
  start->metadata = {Initial()->conf_state, first - 1, TermAt(first - 1).value()};
  MemoryStorage remains(std::move(start));
  remains.SetHardState(hard_state());
  RAFT_CHECK(remains.Append(kept).ok());
  static_cast<MemoryStorage&>(*this) = std::move(remains);
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
