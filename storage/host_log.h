// The disk of a host of many groups: one batch of one log for all groups of a round.
#ifndef RAFT_STORAGE_HOST_LOG_H_
#define RAFT_STORAGE_HOST_LOG_H_

#include "absl/status/status.h"
#include "raft/host/host.h"
#include "raft/ready.h"
#include "storage/log_batch.h"
#include "storage/log_store.h"
#include "storage/snapshot_store.h"

namespace storage {

// Writes; what the core of each group reads is a DiskStorage over the same log and snapshots
// (DiskStorage::Open). One thread at a time.
class HostLog : public raft::HostStorage {
 public:
  // Both outlive it.
  HostLog(LogStore& log, SnapshotStore& snapshots) : log_(log), snapshots_(snapshots) {}

  // The data of a snapshot becomes durable already here, in the snapshot store.
  absl::Status Add(raft::GroupId group, const raft::Ready& ready) override;

  // One write and one sync for everything added since the last call; without `must_sync` neither,
  // until the next one with it (LogStore::Stage).
  absl::Status Write(bool must_sync) override;

 private:
  LogStore& log_;
  SnapshotStore& snapshots_;
  LogBatch batch_;
};

}  // namespace storage

#endif  // RAFT_STORAGE_HOST_LOG_H_
