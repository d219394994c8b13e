// One simulated server: the real core over a disk and a state machine that crash as told.
#ifndef RAFT_RAFTTEST_SIM_SERVER_H_
#define RAFT_RAFTTEST_SIM_SERVER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "raft/config.h"
#include "raft/raw_node.h"
#include "raft/ready.h"
#include "raft/types.h"
#include "raftpb/conf_state.h"
#include "raftpb/message.h"
#include "rafttest/application.h"
#include "rafttest/coverage.h"
#include "rafttest/faults.h"
#include "rafttest/invariants.h"
#include "rafttest/random.h"
#include "rafttest/sim_disk.h"

namespace rafttest {

// A state machine that is nothing but the hash of what it applied.
struct HashState {
  raft::EntryId applied;
  uint64_t hash = 0;
  raftpb::ConfState conf_state;
};

// Does what a ready loop does, and nothing by itself: the simulation says when writes end, when it
// crashes, and carries its messages.
class SimServer : private SnapshotSource {
 public:
  // What the simulation does for a server.
  class World {
   public:
    virtual ~World() = default;
    virtual void Send(raft::NodeId id, const raftpb::Message& message) = 0;
    // Calls WriteDone (or ApplyDone) of the server after a while, unless it crashes before.
    virtual void StartWrite(raft::NodeId id) = 0;
    virtual void StartApply(raft::NodeId id) = 0;
    // `answer` is that of the state machine, if there is one.
    virtual void OnApplied(raft::NodeId id, const raftpb::Entry& entry,
                           absl::string_view answer) = 0;
    virtual void OnReadState(raft::NodeId id, const raft::ReadState& read) = 0;
    virtual void OnRole(raft::NodeId id, const raft::SoftState& state) = 0;
    virtual void See(Seen seen) = 0;
    // Its disk failed. It does nothing more; the world is to crash it.
    virtual void OnDiskFailed(raft::NodeId id, const absl::Status& why) = 0;
  };

  // Payloads of entries begin with so many bytes that are not for the state machine.
  static constexpr size_t kPayloadHeader = sizeof(uint64_t);

  // `application` may be null: then there is only the hash.
  SimServer(const raft::Config& config, const Faults& faults, std::unique_ptr<SimDisk> disk,
            const Application* application, World* world, Invariants* invariants);

  raft::NodeId id() const { return config_.id; }
  bool alive() const { return node_ != nullptr; }
  bool failed() const { return failed_; }  // Its disk, in this life.
  raft::RawNode& node() { return *node_; }
  const raft::RawNode& node() const { return *node_; }
  const HashState& state() const { return state_; }
  const raftpb::HardState& hard_state() const { return hard_state_; }  // On its disk.
  const StateMachine& machine() const { return *machine_; }            // Of the application.
  SimDisk& disk() { return *disk_; }

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
    SimDisk::Batch batch;
    std::vector<raftpb::Message> after;  // To send, or to hand back to the core.
    raftpb::EntryList committed;         // To apply afterwards (synchronous mode).
  };

  void Handle(raft::Ready& ready);
  void HandleAsync(raft::Ready& ready);
  void ReportDurable(const SimDisk::Batch& batch);
  void Fail(const absl::Status& why);
  raftpb::SnapshotPtr SnapshotNow() const override;
  std::string SaveState() const;
  void LoadState(const raftpb::Snapshot* snapshot);
  void ReportMachine();
  void Apply(const raftpb::EntryList& entries);
  void Deliver(const raftpb::Message& message);
  void MaybeTakeSnapshot();
  bool LooksCompactedUnder(raft::Index kept_from) const;

  raft::Config config_;
  const Faults& faults_;
  World* world_;
  Invariants* invariants_;

  std::unique_ptr<SimDisk> disk_;
  raftpb::HardState hard_state_;
  const Application* const application_;

  // Memory.
  std::unique_ptr<raft::RawNode> node_;
  raft::Ready ready_;
  HashState state_;
  std::unique_ptr<StateMachine> machine_;
  bool failed_ = false;          // The disk, in this life.
  bool overtaken_ = false;       // By a snapshot that is to replace the state: nothing is applied.
  bool awaiting_write_ = false;  // Synchronous mode: Advance comes when the write is done.
  std::deque<Write> writes_;
  std::deque<raftpb::Message> applies_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SIM_SERVER_H_
