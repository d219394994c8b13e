// One simulated server: the real core over a disk and a state machine that crash as told.
#ifndef RAFT_RAFTTEST_SIM_SERVER_H_
#define RAFT_RAFTTEST_SIM_SERVER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/types/optional.h"
#include "raft/config.h"
#include "raft/raw_node.h"
#include "raft/ready.h"
#include "raft/types.h"
#include "raftpb/conf_state.h"
#include "raftpb/message.h"
#include "rafttest/faults.h"
#include "rafttest/invariants.h"
#include "rafttest/random.h"
#include "storage/memory_storage.h"

namespace rafttest {

// A state machine that is nothing but the hash of what it applied.
struct HashState {
  raft::EntryId applied;
  uint64_t hash = 0;
  raftpb::ConfState conf_state;
};

// What the server's disk has, as the core reads it. Survives crashes.
class SimStorage : public storage::MemoryStorage {
 public:
  // Of the state machine as it is when asked, so that it has the membership of now: a follower
  // that joined since the last stored snapshot could do nothing with that one.
  absl::StatusOr<raftpb::SnapshotPtr> Snapshot() const override;

  void set_state(const HashState* state) { state_ = state; }

 private:
  const HashState* state_ = nullptr;  // Of the running server.
};

// Does what a ready loop does, and nothing by itself: the simulation says when writes end, when it
// crashes, and carries its messages.
class SimServer {
 public:
  // What the simulation does for a server.
  class World {
   public:
    virtual ~World() = default;
    virtual void Send(raft::NodeId id, const raftpb::Message& message) = 0;
    // Calls WriteDone (or ApplyDone) of the server after a while, unless it crashes before.
    virtual void StartWrite(raft::NodeId id) = 0;
    virtual void StartApply(raft::NodeId id) = 0;
    virtual void OnApplied(raft::NodeId id, const raftpb::Entry& entry) = 0;
    virtual void OnReadState(raft::NodeId id, const raft::ReadState& read) = 0;
    virtual void OnRole(raft::NodeId id, const raft::SoftState& state) = 0;
  };

  SimServer(const raft::Config& config, const Faults& faults, World* world, Invariants* invariants);

  raft::NodeId id() const { return config_.id; }
  bool alive() const { return node_ != nullptr; }
  raft::RawNode& node() { return *node_; }
  const raft::RawNode& node() const { return *node_; }
  const HashState& state() const { return state_; }
  bool busy() const { return awaiting_write_; }
  SimStorage& storage() { return storage_; }

  // A founding member: starts from a snapshot at index 1.
  void Found(const raftpb::ConfState& conf_state);
  void Start();
  // Loses memory; of the writes under way a beginning may have become durable.
  void Crash(Random& random);

  // Takes and handles Readys until there is nothing more to do now.
  void Work();
  void WriteDone();
  void ApplyDone();

  // Takes a snapshot of the state machine, and drops the log before it but for some entries.
  void TakeSnapshot(uint32_t entries_kept);

 private:
  // One batch on its way to the disk, and what follows it.
  struct Write {
    raftpb::EntryList entries;
    absl::optional<raftpb::HardState> hard_state;
    raftpb::SnapshotPtr snapshot;
    bool must_sync = false;
    std::vector<raftpb::Message> after;  // To send, or to hand back to the core.
    raftpb::EntryList committed;         // To apply afterwards (synchronous mode).
  };

  void Handle(raft::Ready& ready);
  void HandleAsync(raft::Ready& ready);
  void Perform(const Write& write);
  void Apply(const raftpb::EntryList& entries);
  void Deliver(const raftpb::Message& message);
  void MaybeTakeSnapshot();

  raft::Config config_;
  const Faults& faults_;
  World* world_;
  Invariants* invariants_;

  // Disk.
  SimStorage storage_;
  raftpb::HardState hard_state_;  // As written; the commit index may not be synced.
  raft::Index synced_commit_ = 0;
  HashState durable_state_;

  // Memory.
  std::unique_ptr<raft::RawNode> node_;
  raft::Ready ready_;
  HashState state_;
  bool awaiting_write_ = false;  // Synchronous mode: Advance comes when the write is done.
  std::deque<Write> writes_;
  std::deque<raftpb::Message> applies_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SIM_SERVER_H_
