// A disk that is a model of one: what was written is there, and a crash leaves a beginning of what
// was being written.
#ifndef RAFT_RAFTTEST_MEMORY_DISK_H_
#define RAFT_RAFTTEST_MEMORY_DISK_H_

#include <vector>

#include "rafttest/faults.h"
#include "rafttest/sim_disk.h"
#include "storage/memory_storage.h"

namespace rafttest {

class MemoryDisk : public SimDisk {
 public:
  explicit MemoryDisk(const Faults& faults) : faults_(faults), storage_(*this) {}

  raft::Storage& storage() override { return storage_; }
  absl::Status Found(const raftpb::SnapshotPtr& snapshot) override;
  absl::StatusOr<raftpb::SnapshotPtr> Open() override;
  absl::Status Write(const Batch& batch) override;
  absl::Status SaveSnapshot(raft::EntryId id, const raftpb::ConfState& conf_state,
                            const absl::Cord& data) override;
  absl::Status Compact(raft::Index index) override;
  absl::StatusOr<std::vector<Batch>> Crash(Random& random,
                                           absl::Span<const Batch> under_way) override;

 private:
  class Storage : public storage::MemoryStorage {
   public:
    explicit Storage(const MemoryDisk& disk) : disk_(disk) {}
    absl::StatusOr<raftpb::SnapshotPtr> Snapshot() const override {
      return disk_.source_->SnapshotNow();
    }

   private:
    const MemoryDisk& disk_;
  };

  const Faults& faults_;
  Storage storage_;
  raftpb::HardState hard_state_;  // As written; the commit index may not be synced.
  raft::Index synced_commit_ = 0;
  raftpb::SnapshotPtr snapshot_;  // What the state machine starts from.
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_MEMORY_DISK_H_
