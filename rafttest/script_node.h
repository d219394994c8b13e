// One node of a scripted group: a core with everything that its embedder has to bring.
#ifndef RAFT_RAFTTEST_SCRIPT_NODE_H_
#define RAFT_RAFTTEST_SCRIPT_NODE_H_

#include <deque>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "raft/config.h"
#include "raft/raw_node.h"
#include "raft/ready.h"
#include "raftpb/entry_list.h"
#include "raftpb/hard_state.h"
#include "raftpb/message.h"
#include "raftpb/snapshot.h"
#include "rafttest/history_storage.h"
#include "rafttest/in_flight.h"
#include "rafttest/script_output.h"

namespace rafttest {

// Plays the caller's half of Ready, one piece of work at a time, whenever the script says so. Work
// that fails returns the error; what comes after it is not done.
class ScriptNode {
 public:
  // `config` says everything but the storage, and names a logger that outlives the node. The core
  // starts with the snapshot, which may be empty, and logs as it does.
  static absl::StatusOr<std::unique_ptr<ScriptNode>> Create(const raft::Config& config,
                                                            raftpb::SnapshotPtr start);

  raftpb::NodeId id() const { return config_.id; }
  const raft::Config& config() const { return config_; }
  raft::RawNode& core() { return *core_; }
  const raft::RawNode& core() const { return *core_; }
  HistoryStorage& storage() { return storage_; }
  const HistoryStorage& storage() const { return storage_; }

  // Hands a message to the core, by the door that is meant for its sender.
  absl::Status Deliver(const raftpb::Message& message);

  // Takes a Ready, prints it, does what it asks for unless that is the storage threads' work, and
  // sends its messages.
  absl::Status ProcessReady(ScriptOutput& output, InFlight& network);

  // With asynchronous storage writes: does the oldest piece of work of a storage thread, and sends
  // what was to be said when it is done. Prints both. Requires that there is work.
  bool HasAppendWork() const { return !append_work_.empty(); }
  bool HasApplyWork() const { return !apply_work_.empty(); }
  absl::Status ProcessAppendWork(ScriptOutput& output, InFlight& network);
  absl::Status ProcessApplyWork(ScriptOutput& output, InFlight& network);

  // Crashes, and starts anew with what is stored. The caller takes care of what is in flight.
  absl::Status Restart();

 private:
  ScriptNode(const raft::Config& config, raftpb::SnapshotPtr start);

  absl::Status Start(raft::Index applied);
  absl::Status Store(const raftpb::HardState& hard_state, const raftpb::SnapshotPtr& snapshot,
                     const raftpb::EntryList& entries);
  absl::Status Apply(const raftpb::EntryList& committed, ScriptOutput& output);
  absl::Status ProcessWork(std::deque<raftpb::Message>& queue, ScriptOutput& output,
                           InFlight& network,
                           absl::FunctionRef<absl::Status(const raftpb::Message&)> perform);
  void Dispatch(std::vector<raftpb::Message> messages, InFlight& network);

  raft::Config config_;
  HistoryStorage storage_;
  std::unique_ptr<raft::RawNode> core_;
  raft::Ready ready_;
  std::deque<raftpb::Message> append_work_;
  std::deque<raftpb::Message> apply_work_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SCRIPT_NODE_H_
