#include "raft/testing/cluster.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "raft/check.h"
#include "raftpb/describe.h"

namespace raft::testing {

using raftpb::ConfChangeType;
using raftpb::ConfChangeV2;
using raftpb::Entry;
using raftpb::EntryList;
using raftpb::HardState;
using raftpb::Message;
using raftpb::MessageType;

namespace {

constexpr int kManyRounds = 1000;  // Nothing here takes so long to become quiet.

ConfChangeV2 Change(ConfChangeType type, NodeId id) {
  ConfChangeV2 change;
  change.changes.push_back({type, id});
  return change;
}

}  // namespace

EntryList EntriesOfTerms(const std::vector<Term>& terms) {
  EntryList entries;
  for (Term term : terms) {
    const Index index = entries.size() + 1;
    entries.PushBack(
        {.term = term, .index = index, .data = absl::Cord(absl::StrCat("t", term, "i", index))});
  }
  return entries;
}

ConfChangeV2 AddVoter(NodeId id) { return Change(ConfChangeType::kAddNode, id); }
ConfChangeV2 AddLearner(NodeId id) { return Change(ConfChangeType::kAddLearnerNode, id); }
ConfChangeV2 RemoveServer(NodeId id) { return Change(ConfChangeType::kRemoveNode, id); }

Cluster::Cluster(ClusterOptions options)
    : options_(std::move(options)),
      safety_(options_.on_violation ? options_.on_violation
                                    : [](const std::string& what) { ADD_FAILURE() << what; }) {
  founding_.voters = options_.voters;
  founding_.learners = options_.learners;
  for (const auto* members : {&options_.voters, &options_.learners}) {
    for (NodeId id : *members) Add(id);
  }
}

Cluster::~Cluster() = default;

// --- Looking ---

Cluster::Server& Cluster::At(NodeId id) {
  const auto server = servers_.find(id);
  RAFT_CHECK(server != servers_.end()) << "there is no server " << id;
  return server->second;
}

std::vector<NodeId> Cluster::ids() const {
  std::vector<NodeId> ids;
  for (const auto& [id, server] : servers_) ids.push_back(id);
  return ids;
}

std::vector<Term> Cluster::TermsOf(NodeId id) {
  const log::RaftLog& log = raft(id).log();
  std::vector<Term> terms;
  for (Index index = log.FirstIndex(); index <= log.LastIndex(); ++index) {
    terms.push_back(log.TermOrZero(index));
  }
  return terms;
}

NodeId Cluster::leader() const {
  NodeId leader = kNone;
  Term term = 0;
  for (const auto& [id, server] : servers_) {
    const Raft& raft = server.node->raft();
    if (raft.role() != Role::kLeader || raft.term() < term) continue;
    leader = id;
    term = raft.term();
  }
  return leader;
}

Safety::Views Cluster::Views() {
  Safety::Views views;
  for (auto& [id, server] : servers_) {
    views[id] = {&server.node->raft(), server.storage.get(), server.storage->hard_state(),
                 &server.machine};
  }
  return views;
}

void Cluster::Observe(NodeId id) {
  if (check_safety_) safety_.Observe(id, Views());
}

// --- One server ---

void Cluster::Add(NodeId id) {
  Server& server = servers_[id];
  server.storage = std::make_unique<storage::MemoryStorage>();
  server.machine.conf_state = founding_;
  server.storage->SetConfState(founding_);
  server.config.id = id;
  server.config.storage = server.storage.get();
  if (options_.configure) options_.configure(server.config);
  if (options_.prepare) options_.prepare(id, *server.storage);
  const absl::Status started = RestartStatus(id);
  RAFT_CHECK(started.ok()) << started.ToString();
}

void Cluster::Restart(NodeId id, bool keep_state_machine) {
  Server& server = At(id);
  server.overtaken = false;
  if (!keep_state_machine) {
    server.machine = {};
    server.machine.conf_state = founding_;
    const absl::StatusOr<raftpb::SnapshotPtr> snapshot = server.storage->Snapshot();
    if (snapshot.ok() && *snapshot != nullptr && !(*snapshot)->empty()) {
      server.machine.Restore(**snapshot);
    }
  }
  server.storage->SetConfState(server.machine.conf_state);
  // Storage threads may apply what is committed before the new commit index is stored. It is no
  // promise, and the state machine knows better.
  HardState stored = server.storage->hard_state();
  stored.commit = std::max(stored.commit, server.machine.applied);
  server.storage->SetHardState(stored);
  server.config.applied = server.machine.applied;
  const absl::Status started = RestartStatus(id);
  RAFT_CHECK(started.ok()) << started.ToString();
}

absl::Status Cluster::RestartStatus(NodeId id) {
  Server& server = At(id);
  absl::StatusOr<std::unique_ptr<RawNode>> node = RawNode::Create(server.config);
  if (!node.ok()) return node.status();
  server.node = *std::move(node);
  server.append_work.clear();
  server.apply_work.clear();
  server.reads.clear();
  safety_.Forget(id);
  Observe(id);
  return absl::OkStatus();
}

void Cluster::Tick(NodeId id, uint32_t n) {
  node(id).Tick(n);
  Observe(id);
}

absl::Status Cluster::Step(NodeId id, const Message& message) {
  const absl::Status status = node(id).Step(message);
  Observe(id);
  return status;
}

void Cluster::Receive(const Message& message) {
  const absl::Status status = Step(message.to, message);
  EXPECT_TRUE(status.ok()) << status << " for " << raftpb::Describe(message);
}

void Cluster::TimeOut(NodeId id) {
  RAFT_CHECK(raft(id).role() != Role::kLeader) << id << " leads";
  Tick(id, node(id).TicksUntilDue());
}

absl::Status Cluster::Propose(NodeId id, absl::string_view command) {
  const absl::Status status = node(id).Propose(absl::Cord(command));
  Observe(id);
  return status;
}

bool Cluster::HandleReady(NodeId id) {
  Server& server = At(id);
  RawNode& node = *server.node;
  Observe(id);  // Something may have happened past this fixture.
  if (!node.HasReady()) return false;
  Ready& ready = server.ready;
  const absl::Status taken = node.TakeReady(ready);
  RAFT_CHECK(taken.ok()) << taken.ToString();
  for (ReadState& read : ready.read_states) server.reads.push_back(std::move(read));
  for (const Message& m : ready.messages) Send(server, m);
  if (server.config.async_storage_writes) {
    Observe(id);
    return true;
  }
  Store(server, ready.hard_state, ready.snapshot, ready.entries);
  for (const Message& m : ready.messages_after_write) Send(server, m);
  Apply(server, ready.committed_entries);
  node.Advance();
  Observe(id);
  return true;
}

std::vector<Message> Cluster::Flush(NodeId id) {
  std::deque<Message> others = std::exchange(wire_, {});
  for (int round = 0; HandleReady(id); ++round) {
    RAFT_CHECK(round < kManyRounds) << id << " is never quiet";
    RunStorage(id);
  }
  std::deque<Message> own = std::exchange(wire_, std::move(others));
  return {own.begin(), own.end()};
}

void Cluster::Compact(NodeId id) {
  Server& server = At(id);
  const auto made = server.storage->CreateSnapshot(
      server.machine.applied, server.machine.conf_state, server.machine.Save());
  RAFT_CHECK(made.ok()) << made.status().ToString();
  const absl::Status compacted = server.storage->Compact(server.machine.applied);
  RAFT_CHECK(compacted.ok()) << compacted.ToString();
}

// --- Storage ---

void Cluster::Store(Server& server, const absl::optional<HardState>& hard_state,
                    const raftpb::SnapshotPtr& snapshot, const EntryList& entries) {
  if (snapshot != nullptr) {
    const absl::Status stored = server.storage->ApplySnapshot(snapshot);
    RAFT_CHECK(stored.ok()) << stored.ToString();
    server.machine.Restore(*snapshot);
    server.overtaken = false;
  }
  if (!entries.empty()) {
    const absl::Status stored = server.storage->Append(entries);
    RAFT_CHECK(stored.ok()) << stored.ToString();
  }
  if (hard_state.has_value()) server.storage->SetHardState(*hard_state);
}

void Cluster::Apply(Server& server, const EntryList& entries) {
  StateMachine& machine = server.machine;
  for (const Entry& entry : entries) {
    if (server.overtaken || entry.index <= machine.applied) continue;  // By a snapshot.
    if (raftpb::IsConfChange(entry)) {
      absl::StatusOr<raftpb::ConfState> changed = server.node->ApplyConfChange(entry);
      server.overtaken = absl::IsAborted(changed.status());
      if (server.overtaken) return;
      // Another error is the same on every server: the change has not happened.
      if (changed.ok()) machine.conf_state = *std::move(changed);
    } else if (!entry.data.empty()) {
      machine.commands.push_back(std::string(entry.data));
    }
    if (check_safety_) safety_.ObserveApplied(server.config.id, entry, machine.applied);
    machine.applied = entry.index;
  }
}

void Cluster::Respond(Server& server, const std::vector<Message>& responses) {
  for (const Message& m : responses) {
    if (m.to != server.config.id) {
      Send(server, m);
      continue;
    }
    const absl::Status status = server.node->StepLocal(m);
    RAFT_CHECK(status.ok()) << status.ToString();
    Observe(server.config.id);
  }
}

void Cluster::RunAppend(NodeId id) {
  Server& server = At(id);
  const Message work = std::move(server.append_work.front());
  server.append_work.pop_front();
  absl::optional<HardState> hard_state;
  if (work.term != 0) hard_state = HardState{work.term, work.vote, work.commit};
  Store(server, hard_state, work.snapshot, work.entries);
  Respond(server, work.responses);
}

void Cluster::RunApply(NodeId id) {
  Server& server = At(id);
  const Message work = std::move(server.apply_work.front());
  server.apply_work.pop_front();
  Apply(server, work.entries);
  Respond(server, work.responses);
}

void Cluster::RunStorage(NodeId id) {
  while (!append_work(id).empty()) RunAppend(id);
  while (!apply_work(id).empty()) RunApply(id);
}

// --- The network ---

void Cluster::Send(Server& server, const Message& message) {
  if (message.to == kLocalAppendThread) return server.append_work.push_back(message);
  if (message.to == kLocalApplyThread) return server.apply_work.push_back(message);
  if (check_safety_) safety_.ObserveSent(message, Views().at(server.config.id));
  sent_.push_back(message);
  wire_.push_back(message);
}

size_t Cluster::CountSent(MessageType type, NodeId to) const {
  return std::count_if(sent_.begin(), sent_.end(), [&](const Message& m) {
    return m.type == type && (to == kNone || m.to == to);
  });
}

void Cluster::Isolate(NodeId id) {
  Drop([id](const Message& m) { return m.from == id || m.to == id; });
}

void Cluster::Cut(NodeId a, NodeId b) {
  Drop([a, b](const Message& m) {
    return (m.from == a && m.to == b) || (m.from == b && m.to == a);
  });
}

bool Cluster::IsLost(const Message& message) const {
  return servers_.count(message.to) == 0 ||
         std::any_of(lost_.begin(), lost_.end(),
                     [&](const auto& is_lost) { return is_lost(message); });
}

absl::Status Cluster::Deliver(size_t position) {
  const Message message = wire_[position];
  wire_.erase(wire_.begin() + position);
  return IsLost(message) ? absl::OkStatus() : Step(message.to, message);
}

void Cluster::Settle() {
  for (int round = 0;; ++round) {
    RAFT_CHECK(round < kManyRounds) << "the group is never quiet";
    bool worked = false;
    for (NodeId id : ids()) {
      while (HandleReady(id)) {
        worked = true;
        RunStorage(id);
      }
      worked |= !append_work(id).empty() || !apply_work(id).empty();
      RunStorage(id);
    }
    // What has arrived by now is one round: a server answers when all of it is there. A refused
    // proposal or a stale answer is no news to the network.
    for (size_t left = wire_.size(); left > 0; --left) Deliver().IgnoreError();
    if (!worked && wire_.empty()) return;
  }
}

// --- The group ---

void Cluster::TickAll(uint32_t n) {
  for (NodeId id : ids()) Tick(id, n);
}

void Cluster::Elect(NodeId id) {
  // Those who still trust a leader would not answer (§6.2): for them, too, time passes, but not so
  // much that they campaign.
  for (NodeId other : ids()) {
    if (other == id || raft(other).role() == Role::kLeader) continue;
    const uint32_t patience = raft(other).config().election_tick;
    raft(other).SetRandomizedElectionTimeoutForTest(2 * patience);
    Tick(other, std::min(patience, node(other).TicksUntilDue() - 1));
  }
  TimeOut(id);
  Settle();
  EXPECT_EQ(leader(), id) << "was not elected";
}

void Cluster::Commit(absl::string_view command) {
  const absl::Status proposed = Propose(leader(), command);
  EXPECT_TRUE(proposed.ok()) << proposed;
  Settle();
}

void Cluster::ChangeMembership(const ConfChangeV2& change) {
  const NodeId id = leader();
  const absl::Status proposed = node(id).ProposeConfChange(change);
  EXPECT_TRUE(proposed.ok()) << proposed;
  Observe(id);
  Settle();
}

}  // namespace raft::testing
