#include "rafttest/memory_disk.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "raftpb/conf_state.h"

namespace rafttest {

absl::Status MemoryDisk::Found(const raftpb::SnapshotPtr& snapshot) {
  Batch batch;
  batch.snapshot = snapshot;
  return Write(batch);
}

absl::StatusOr<raftpb::SnapshotPtr> MemoryDisk::Open() {
  // The commit index need not have been synced, but what the state machine has applied was
  // committed, and so was what the snapshot covers.
  raftpb::HardState hard_state = hard_state_;
  const raft::Index applied = snapshot_ == nullptr ? 0 : snapshot_->metadata.index;
  hard_state.commit = std::max({hard_state.commit, applied, storage_.FirstIndex() - 1});
  hard_state.commit = std::min(hard_state.commit, storage_.LastIndex());
  storage_.SetHardState(hard_state);
  storage_.SetConfState(snapshot_ == nullptr ? raftpb::ConfState()
                                             : snapshot_->metadata.conf_state);
  return snapshot_;
}

absl::Status MemoryDisk::Write(const Batch& batch) {
  if (batch.hard_state) hard_state_ = *batch.hard_state;
  // A sync makes everything written before durable, too (raft/ready.h).
  if (batch.must_sync) synced_commit_ = hard_state_.commit;
  if (batch.snapshot != nullptr) {
    if (absl::Status s = storage_.ApplySnapshot(batch.snapshot); !s.ok()) return s;
    snapshot_ = batch.snapshot;
  }
  if (batch.entries.empty()) return absl::OkStatus();
  return storage_.Append(batch.entries);
}

absl::Status MemoryDisk::SaveSnapshot(raft::EntryId id, const raftpb::ConfState& conf_state,
                                      const absl::Cord& data) {
  const auto created = storage_.CreateSnapshot(id.index, conf_state, data);
  if (!created.ok()) return created.status();
  auto snapshot = std::make_shared<raftpb::Snapshot>();
  snapshot->metadata = {.conf_state = conf_state, .index = id.index, .term = id.term};
  snapshot->data = data;
  snapshot_ = std::move(snapshot);
  return absl::OkStatus();
}

absl::Status MemoryDisk::Compact(raft::Index index) { return storage_.Compact(index); }

absl::StatusOr<std::vector<SimDisk::Batch>> MemoryDisk::Crash(Random& random,
                                                              absl::Span<const Batch> under_way) {
  // Writes go to the disk in order: a beginning of the queue may be there, and a beginning of the
  // batch after it.
  std::vector<Batch> durable;
  for (const Batch& batch : under_way) {
    if (random.Chance(faults_.kept_write)) {
      durable.push_back(batch);
      continue;
    }
    if (batch.snapshot == nullptr && random.Chance(faults_.torn_write)) {
      durable.push_back(batch);
      raftpb::EntryList& entries = durable.back().entries;
      entries.DropBack(random.Between(0, entries.size()));
    }
    break;
  }
  for (const Batch& batch : durable) {
    if (absl::Status s = Write(batch); !s.ok()) return s;
  }
  if (hard_state_.commit > synced_commit_) {
    hard_state_.commit = random.Between(synced_commit_, hard_state_.commit);
    synced_commit_ = hard_state_.commit;
  }
  return durable;
}

}  // namespace rafttest
