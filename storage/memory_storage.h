// The reference raft::Storage: a group's log in memory, for tests, simulations and embedders that
// keep their log elsewhere.
#ifndef RAFT_STORAGE_MEMORY_STORAGE_H_
#define RAFT_STORAGE_MEMORY_STORAGE_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "raft/storage.h"
#include "raft/types.h"
#include "raftpb/conf_state.h"
#include "raftpb/entry_list.h"
#include "raftpb/hard_state.h"
#include "raftpb/snapshot.h"

namespace storage {

// Entries are shared with whoever handed them in, never copied. In front of them stands the
// position that the log was compacted to, (0, 0) at first; its term stays known. Compacting and
// taking a snapshot are two things: the stored snapshot may be newer than the compacted position.
//
// Every answer takes constant time, Entries time in the number of its entries. One thread at a
// time, like any value.
class MemoryStorage : public raft::Storage {
 public:
  MemoryStorage() = default;

  // As if ApplySnapshot(snapshot) on a new one: a group whose log starts there.
  explicit MemoryStorage(raftpb::SnapshotPtr snapshot);

  // --- What the core asks (raft/storage.h) ---
  absl::StatusOr<InitialState> Initial() const override;
  absl::StatusOr<raftpb::EntryList> Entries(raft::IndexRange wanted,
                                            uint64_t max_bytes) const override;
  absl::StatusOr<raft::Term> TermAt(raft::Index index) const override;
  raft::Index FirstIndex() const override { return compacted_.index + 1; }
  raft::Index LastIndex() const override { return compacted_.index + entries_.size(); }
  // The stored one; SnapshotTemporarilyUnavailable() if it is older than FirstIndex()-1.
  absl::StatusOr<raftpb::SnapshotPtr> Snapshot() const override;

  // --- The caller's half of Ready ---

  void SetHardState(const raftpb::HardState& hard_state) { hard_state_ = hard_state; }
  const raftpb::HardState& hard_state() const { return hard_state_; }

  // The membership that Initial() gives instead of the stored snapshot's, for a state machine that
  // is ahead of it. Until the next ApplySnapshot.
  void SetConfState(raftpb::ConfState conf_state) { conf_state_ = std::move(conf_state); }

  // Replaces everything from the first of `entries` on; what is already compacted is skipped.
  // Requires consecutive indexes, and no gap to what is there. Refused as absl::ResourceExhausted,
  // with nothing changed, if the entries then held would exceed the limit.
  absl::Status Append(const raftpb::EntryList& entries);

  // Replaces the log by a snapshot. SnapshotOutOfDate() if the stored one is as new or newer.
  absl::Status ApplySnapshot(raftpb::SnapshotPtr snapshot);

  // Stores a snapshot of the state machine at an index that it has applied, without touching the
  // log. SnapshotOutOfDate() if the stored one is as new or newer. Requires an index of
  // [FirstIndex()-1, LastIndex()].
  absl::StatusOr<raftpb::SnapshotPtr> CreateSnapshot(raft::Index index,
                                                     const raftpb::ConfState& conf_state,
                                                     absl::Cord data);

  // Drops the entries up to `index`. raft::Compacted() if they are gone already. Requires
  // index <= LastIndex().
  absl::Status Compact(raft::Index index);

  // No more entries than this many bytes of EncodedSize (raft::kNoLimit at first).
  void set_max_bytes(uint64_t max_bytes) { max_bytes_ = max_bytes; }
  uint64_t bytes() const { return entries_.EncodedSize(); }  // Of the entries held.

 private:
  raftpb::HardState hard_state_;
  raftpb::ConfState conf_state_;
  raftpb::SnapshotPtr snapshot_;  // Null until there is one.
  raft::EntryId compacted_;       // Stands in front of the entries.
  raftpb::EntryList entries_;     // compacted_.index+1, and on without a gap.
  uint64_t max_bytes_ = raft::kNoLimit;
};

}  // namespace storage

#endif  // RAFT_STORAGE_MEMORY_STORAGE_H_
