// What a simulated server keeps beyond a crash: its log, its term and vote, its snapshots.
#ifndef RAFT_RAFTTEST_SIM_DISK_H_
#define RAFT_RAFTTEST_SIM_DISK_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "raft/storage.h"
#include "raft/types.h"
#include "raftpb/conf_state.h"
#include "raftpb/entry_list.h"
#include "raftpb/hard_state.h"
#include "raftpb/snapshot.h"
#include "rafttest/random.h"

namespace rafttest {

// Who can say what the state machine is now. A leader sends that to who is far behind: a follower
// that joined since the last stored snapshot could do nothing with that one.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;
  virtual raftpb::SnapshotPtr SnapshotNow() const = 0;
};

// One server's disk. Implementations: memory_disk.h, fast, whose faults are in the model;
// wal_disk.h, the real code of storage/ on files that fail.
class SimDisk {
 public:
  // What one turn of the ready loop stores (raft/ready.h).
  struct Batch {
    raftpb::EntryList entries;
    absl::optional<raftpb::HardState> hard_state;
    raftpb::SnapshotPtr snapshot;  // From a leader. Null if none.
    bool must_sync = false;
  };

  virtual ~SimDisk() = default;

  // What the core reads, while the server runs.
  virtual raft::Storage& storage() = 0;
  void set_source(const SnapshotSource* source) { source_ = source; }

  // Before the first start of a founding member: its log begins behind this.
  virtual absl::Status Found(const raftpb::SnapshotPtr& snapshot) = 0;

  // The server starts, for the first time or after a crash. Returns the newest snapshot of its
  // state machine (null if there is none), or why the disk cannot be used.
  virtual absl::StatusOr<raftpb::SnapshotPtr> Open() = 0;

  // Makes a batch durable. After IsNoSpace (storage/errors.h) it may be tried again; after other
  // errors the server must stop.
  virtual absl::Status Write(const Batch& batch) = 0;

  // Keeps a snapshot of the state machine at a position that it has applied.
  virtual absl::Status SaveSnapshot(raft::EntryId id, const raftpb::ConfState& conf_state,
                                    const absl::Cord& data) = 0;
  // Drops the log up to an index under the newest snapshot.
  virtual absl::Status Compact(raft::Index index) = 0;

  // The server dies while these batches are on their way, in order. Returns what turned out to be
  // durable of them, or what is wrong with the disk afterwards: then it broke its promise.
  virtual absl::StatusOr<std::vector<Batch>> Crash(Random& random,
                                                   absl::Span<const Batch> under_way) = 0;

 protected:
  const SnapshotSource* source_ = nullptr;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SIM_DISK_H_
