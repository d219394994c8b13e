// The disk of a host of many groups: one batch of one log for all groups of a round.
#ifndef RAFT_STORAGE_HOST_LOG_H_
#define RAFT_STORAGE_HOST_LOG_H_

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "raftpb/entry_list.h"
#include "raftpb/hard_state.h"
#include "raftpb/snapshot.h"
#include "storage/log_batch.h"
#include "storage/log_store.h"
#include "storage/snapshot_store.h"

namespace storage {

// Writes what a raft::HostStorage is asked to (docs/many-groups.md has the few lines between them,
// so that neither room needs the other); what the core of each group reads is a DiskStorage over
// the same log and snapshots (DiskStorage::Open). One thread at a time.
class HostLog {
 public:
  // Both outlive it.
  HostLog(LogStore& log, SnapshotStore& snapshots) : log_(log), snapshots_(snapshots) {}

  // Adds to the batch what a Ready of the group asks to be stored; each part may be empty. The data
  // of a snapshot becomes durable already here, in the snapshot store.
  absl::Status Add(GroupId group, const absl::optional<raftpb::HardState>& hard_state,
                   const raftpb::SnapshotPtr& snapshot, const raftpb::EntryList& entries);

  // One write and one sync for everything added since the last call; without `must_sync` neither,
  // until the next one with it (LogStore::Stage).
  absl::Status Write(bool must_sync);

 private:
  LogStore& log_;
  SnapshotStore& snapshots_;
  LogBatch batch_;
};

}  // namespace storage

#endif  // RAFT_STORAGE_HOST_LOG_H_
