// Whether a raft::Storage keeps the promises that the core relies on (raft/storage.h): the log of
// random servers is written, replaced, compacted, snapshotted and opened again, and after each step
// every answer is held against a model of a few lines. Ours are checked by it; so should yours be.
#ifndef RAFT_RAFTTEST_STORAGE_CHECK_H_
#define RAFT_RAFTTEST_STORAGE_CHECK_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/types/optional.h"
#include "raft/storage.h"
#include "raft/types.h"
#include "raftpb/conf_state.h"
#include "raftpb/entry_list.h"
#include "raftpb/hard_state.h"
#include "raftpb/snapshot.h"

namespace rafttest {

// The storage of one group and the hands that write it. What these calls return must be OkStatus:
// they are asked for nothing that a storage may refuse.
class StorageUnderTest {
 public:
  virtual ~StorageUnderTest() = default;

  virtual const raft::Storage& storage() const = 0;

  // What one Ready asks for (docs/ready-loop.md), durable when it returns: a snapshot that replaces
  // everything (null: none), then entries that replace what is there from the first of them on,
  // then the hard state (nothing: unchanged).
  virtual absl::Status Save(const raftpb::SnapshotPtr& snapshot, const raftpb::EntryList& entries,
                            const absl::optional<raftpb::HardState>& hard_state) = 0;

  // The state machine has a snapshot at an index that it has applied, newer than the one before.
  // The log stays.
  virtual absl::Status SaveSnapshot(raft::Index index, const raftpb::ConfState& conf_state,
                                    const absl::Cord& data) = 0;

  // Drops the entries up to an index, which the newest snapshot stands for.
  virtual absl::Status Compact(raft::Index index) = 0;

  // The process dies and another opens what is there. What was saved must be there again; a
  // compaction may be undone, but to no further than where the log began when it was last saved to.
  // Storages that do not outlive a process do nothing.
  virtual absl::Status Reopen() { return absl::OkStatus(); }
};

struct StorageCheckOptions {
  uint64_t first_seed = 1;
  uint64_t seeds = 100;  // Each is a new storage.
  uint64_t steps = 60;   // For each.
};

// OkStatus, or what was answered, what should have been, and the steps that lead there.
// `make` gives an empty storage each time.
absl::Status CheckStorage(const std::function<std::unique_ptr<StorageUnderTest>()>& make,
                          const StorageCheckOptions& options = {});

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_STORAGE_CHECK_H_
