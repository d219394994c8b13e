// The stable storage and the state machine of a scripted node.
#ifndef RAFT_RAFTTEST_HISTORY_STORAGE_H_
#define RAFT_RAFTTEST_HISTORY_STORAGE_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "raftpb/conf_state.h"
#include "raftpb/ids.h"
#include "raftpb/snapshot.h"
#include "storage/memory_storage.h"

namespace rafttest {

// A log in memory, and a history of the state machine: its snapshot after every applied entry. The
// state machine is the concatenation of all payloads. When the core asks for a snapshot it gets
// the newest of the history. Snapshots that were received from a leader are in the log's own
// snapshot only, not in the history.
class HistoryStorage : public storage::MemoryStorage {
 public:
  // Starts at a snapshot, which may be empty.
  explicit HistoryStorage(raftpb::SnapshotPtr start);

  absl::StatusOr<raftpb::SnapshotPtr> Snapshot() const override;
  void set_snapshot_unavailable(bool unavailable) { snapshot_unavailable_ = unavailable; }

  const raftpb::SnapshotPtr& newest() const { return history_.back(); }
  // Notes that the state machine has applied an entry.
  void Applied(raftpb::EntryId entry, raftpb::ConfState conf_state, const absl::Cord& payload);

  // A crash: the state machine falls back to where the log starts, and membership with it. Fails
  // if the history has no snapshot there; nothing has changed then.
  absl::Status Crash();

  // A disk that breaks its promise: entries from `index` on are gone, hard state and state machine
  // are not. Requires an index of [FirstIndex(), LastIndex()].
  void LoseEntriesFrom(raftpb::Index index);

 private:
  std::vector<raftpb::SnapshotPtr> history_;  // Never empty, ascending.
  bool snapshot_unavailable_ = false;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_HISTORY_STORAGE_H_
