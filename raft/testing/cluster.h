// A Raft group in one process, over MemoryStorage, for the tests of this folder.
#ifndef RAFT_RAFT_TESTING_CLUSTER_H_
#define RAFT_RAFT_TESTING_CLUSTER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "raft/config.h"
#include "raft/raft.h"
#include "raft/raw_node.h"
#include "raft/ready.h"
#include "raft/testing/safety.h"
#include "raft/testing/state_machine.h"
#include "raft/types.h"
#include "raftpb/conf_change.h"
#include "raftpb/conf_state.h"
#include "raftpb/entry_list.h"
#include "raftpb/message.h"
#include "storage/memory_storage.h"

namespace raft::testing {

// Entries 1, 2, .. of the given terms, each with a payload that tells it from all others.
raftpb::EntryList EntriesOfTerms(const std::vector<Term>& terms);

struct ClusterOptions {
  std::vector<NodeId> voters = {1, 2, 3};
  std::vector<NodeId> learners;
  // Changes what is particular about one server's Config (its id is set already).
  std::function<void(Config&)> configure;
  // Fills a server's storage before it first starts.
  std::function<void(NodeId, storage::MemoryStorage&)> prepare;
  // Told when a safety property is broken; default: the test fails.
  Safety::Report on_violation;
};

// Nothing happens by itself: no time passes but by Tick, nobody acts but in HandleReady, no message
// arrives but by Deliver or Settle; in the same order on every run. After each step the properties
// of raft/testing/safety.h are checked, until somebody calls ExpectNoSafety().
//
// With Config::async_storage_writes each server has its two storage threads, which work when Settle
// or RunStorage says so.
class Cluster {
 public:
  explicit Cluster(ClusterOptions options = {});
  ~Cluster();

  // --- Looking ---

  RawNode& node(NodeId id) { return *At(id).node; }
  Raft& raft(NodeId id) { return node(id).raft(); }
  storage::MemoryStorage& storage(NodeId id) { return *At(id).storage; }
  const StateMachine& machine(NodeId id) { return At(id).machine; }
  const std::vector<std::string>& commands(NodeId id) { return machine(id).commands; }
  std::vector<ReadState>& reads(NodeId id) { return At(id).reads; }  // Answered so far.
  std::vector<NodeId> ids() const;
  std::vector<Term> TermsOf(NodeId id);  // Of the entries in its log, from the first it knows.
  Index CommittedAnywhere() const { return safety_.committed(); }  // Ever, by anybody.
  NodeId leader() const;  // Of the highest term, kNone if nobody leads.

  // --- One server ---

  void Tick(NodeId id, uint32_t n = 1);
  absl::Status Step(NodeId id, const raftpb::Message& message);
  void Receive(const raftpb::Message& message);  // The same at message.to; expects Ok.
  // Lets the election timeout pass: the server campaigns.
  void TimeOut(NodeId id);
  absl::Status Propose(NodeId id, absl::string_view command);
  // One turn of the ready loop; what is sent goes to the wire. False if there was nothing to do.
  bool HandleReady(NodeId id);
  const Ready& last_ready(NodeId id) { return At(id).ready; }
  // Turns and storage work until the server is quiet. What it sent, kept from the wire.
  std::vector<raftpb::Message> Flush(NodeId id);
  // Stores a snapshot of the state machine, and compacts the log up to it.
  void Compact(NodeId id);
  // Stops without warning, and starts again with what was stored.
  void Restart(NodeId id, bool keep_state_machine = true);
  // The same, but with a storage of the caller's making.
  absl::Status RestartStatus(NodeId id);
  // A new server: it knows who founded the group, and nothing else.
  void Add(NodeId id);

  // --- Storage threads of one server ---

  std::deque<raftpb::Message>& append_work(NodeId id) { return At(id).append_work; }
  std::deque<raftpb::Message>& apply_work(NodeId id) { return At(id).apply_work; }
  void RunAppend(NodeId id);  // Does the oldest append that is asked for.
  void RunApply(NodeId id);
  void RunStorage(NodeId id);  // All of both.

  // --- The network ---

  std::deque<raftpb::Message>& wire() { return wire_; }
  // Every message put on the wire so far, dropped or not.
  std::vector<raftpb::Message>& sent() { return sent_; }
  size_t CountSent(raftpb::MessageType type, NodeId to = kNone) const;
  // From now on loses what the predicate names, as well as what earlier ones name.
  void Drop(std::function<bool(const raftpb::Message&)> lost) { lost_.push_back(std::move(lost)); }
  void Isolate(NodeId id);
  void Cut(NodeId a, NodeId b);  // Both directions.
  void Heal() { lost_.clear(); }
  // Delivers the oldest message, or the one at a position. Its receiver's answer to Step.
  absl::Status Deliver(size_t position = 0);
  // All turns, all deliveries, until everybody is quiet.
  void Settle();

  // --- The group ---

  void TickAll(uint32_t n = 1);
  // Makes a server leader by its timeout, and lets everybody hear of it.
  void Elect(NodeId id);
  // Proposes at the leader and settles.
  void Commit(absl::string_view command);
  void ChangeMembership(const raftpb::ConfChangeV2& change);
  // A forged message or a lost disk makes everything possible.
  void ExpectNoSafety() { check_safety_ = false; }

 private:
  struct Server {
    Config config;
    std::unique_ptr<storage::MemoryStorage> storage;
    std::unique_ptr<RawNode> node;
    StateMachine machine;
    bool overtaken = false;  // By a snapshot that is to replace it: nothing is applied meanwhile.
    std::vector<ReadState> reads;
    std::deque<raftpb::Message> append_work;
    std::deque<raftpb::Message> apply_work;
    Ready ready;
  };

  Server& At(NodeId id);
  void Observe(NodeId id);
  Safety::Views Views();
  void Store(Server& server, const absl::optional<raftpb::HardState>& hard_state,
             const raftpb::SnapshotPtr& snapshot, const raftpb::EntryList& entries);
  void Apply(Server& server, const raftpb::EntryList& entries);
  void Send(Server& server, const raftpb::Message& message);
  void Respond(Server& server, const std::vector<raftpb::Message>& responses);
  bool IsLost(const raftpb::Message& message) const;

  ClusterOptions options_;
  raftpb::ConfState founding_;  // The membership before the first entry.
  std::map<NodeId, Server> servers_;
  std::deque<raftpb::Message> wire_;
  std::vector<raftpb::Message> sent_;
  std::vector<std::function<bool(const raftpb::Message&)>> lost_;
  Safety safety_;
  bool check_safety_ = true;
};

// Shorthands for membership changes.
raftpb::ConfChangeV2 AddVoter(NodeId id);
raftpb::ConfChangeV2 AddLearner(NodeId id);
raftpb::ConfChangeV2 RemoveServer(NodeId id);

}  // namespace raft::testing

#endif  // RAFT_RAFT_TESTING_CLUSTER_H_
