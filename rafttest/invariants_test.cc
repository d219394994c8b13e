// Each invariant fires when what it forbids is reported. The servers are real; the reports are not.
#include "rafttest/invariants.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "raft/config.h"
#include "raft/raft.h"
#include "storage/memory_storage.h"

namespace rafttest {
namespace {

using raft::Index;
using raft::NodeId;
using raft::Term;
using raftpb::ConfState;
using raftpb::EntryList;
using raftpb::HardState;
using raftpb::Message;
using raftpb::MessageType;

constexpr HashedLog::Position kFounded = {.term = 1, .hash = 7};
const ConfState kFounders = {.voters = {1, 2, 3}};

raftpb::SnapshotPtr SnapshotAt(Index index, Term term, const ConfState& conf_state) {
  auto snapshot = std::make_shared<raftpb::Snapshot>();
  snapshot->metadata = {.conf_state = conf_state, .index = index, .term = term};
  return snapshot;
}

// A server, and what is reported of it: the truth, unless a test says otherwise.
struct Server {
  storage::MemoryStorage storage{SnapshotAt(1, 1, kFounders)};
  std::unique_ptr<raft::RawNode> node;
  raft::Ready ready;

  explicit Server(NodeId id, bool pre_vote = false, Term term = 0) {
    storage.SetHardState({.term = term, .commit = 1});
    raft::Config config;
    config.id = id;
    config.storage = &storage;
    config.pre_vote = pre_vote;
    node = *raft::RawNode::Create(config);
  }
};

class InvariantsTest : public testing::Test {
 protected:
  InvariantsTest() {
    for (NodeId id = 1; id <= 3; ++id) {
      invariants_.OnFounded(id, 1, kFounded, kFounders);
      servers_.push_back(std::make_unique<Server>(id));
      invariants_.OnStarted(id, node(id));
    }
  }

  raft::RawNode& node(NodeId id) { return *servers_[id - 1]->node; }

  // Handles what a server hands out, and reports it; its messages are lost.
  void Work(NodeId id) {
    Server& server = *servers_[id - 1];
    while (server.node->HasReady()) {
      ASSERT_TRUE(server.node->TakeReady(server.ready).ok());
      invariants_.OnReady(id, *server.node, server.ready);
      if (server.ready.hard_state) {
        server.storage.SetHardState(*server.ready.hard_state);
        invariants_.OnDurable(id, *server.ready.hard_state);
      }
      ASSERT_TRUE(server.storage.Append(server.ready.entries).ok());
      invariants_.OnDurable(id, server.ready.entries);
      server.node->Advance();
      invariants_.AfterStep(id, *server.node);
    }
  }

  // Comes from a peer.
  void Step(NodeId to, Message m) {
    m.to = to;
    ASSERT_TRUE(node(to).Step(m).ok());
    invariants_.AfterStep(to, node(to));
    Work(to);
  }

  // Wins an election by the vote of another, which is durable there if so reported.
  void Elect(NodeId id, NodeId voter, bool reported = true) {
    ASSERT_TRUE(node(id).Campaign().ok());
    invariants_.AfterStep(id, node(id));
    Work(id);
    const Term term = node(id).raft().term();
    if (reported) invariants_.OnDurable(voter, HardState{.term = term, .vote = id});
    Step(id, {.type = MessageType::kVoteResp, .from = voter, .term = term});
  }

  // Its peer says that it has the leader's log up to an index.
  void Acknowledge(NodeId leader, NodeId from, Index index) {
    const Term term = node(leader).raft().term();
    Step(leader, {.type = MessageType::kAppResp, .from = from, .term = term, .index = index});
  }

  // A leads, and its first entry, 2, is committed with B.
  void Commit(NodeId a, NodeId b) {
    Elect(a, b);
    const Term term = node(a).raft().term();
    invariants_.OnDurable(b, {{.term = term, .index = 2}});
    Acknowledge(a, b, 2);
    ASSERT_EQ(invariants_.committed(), 2);
  }

  raft::Ready Handing(EntryList entries) {
    raft::Ready ready;
    ready.entries = std::move(entries);
    return ready;
  }

  std::string Violated() const {
    return invariants_.violation() ? invariants_.violation()->invariant : "none";
  }

  Invariants invariants_{3, {}};
  std::vector<std::unique_ptr<Server>> servers_;
};

TEST_F(InvariantsTest, AreContentWithTheTruth) {
  Commit(1, 2);
  invariants_.OnReadAsked(1, 1);
  invariants_.OnReadAnswered(1, 1, 2);
  EXPECT_EQ(Violated(), "none") << invariants_.violation()->what;
}

TEST_F(InvariantsTest, TheFirstViolationIsKept) {
  invariants_.Fail("S1", "first");
  invariants_.Fail("S2", "second");
  EXPECT_EQ(invariants_.violation()->what, "first");
}

// --- Election ---

TEST_F(InvariantsTest, S1TwoLeadersInOneTerm) {
  Elect(1, 3);
  EXPECT_EQ(Violated(), "none");
  Elect(2, 3, /*reported=*/false);
  EXPECT_EQ(Violated(), "S1");
}

TEST_F(InvariantsTest, S1ALeaderWithoutAQuorumOfDurableVotes) {
  Elect(1, 2, /*reported=*/false);
  EXPECT_EQ(Violated(), "S1");
}

TEST_F(InvariantsTest, S2TwoVotesInOneTerm) {
  invariants_.OnDurable(1, HardState{.term = 2, .vote = 2});
  invariants_.OnDurable(1, HardState{.term = 3, .vote = 3});
  EXPECT_EQ(Violated(), "none");
  invariants_.OnDurable(1, HardState{.term = 2, .vote = 3});
  EXPECT_EQ(Violated(), "S2");
}

TEST_F(InvariantsTest, S11AVoteForAShorterLog) {
  // What was asked is one thing, what is handled another: the server grants the latter.
  const Message request = {
      .type = MessageType::kVote, .to = 1, .from = 2, .term = 2, .log_term = 1, .index = 1};
  Message shorter = request;
  shorter.log_term = 0;
  shorter.index = 0;
  invariants_.BeforeVoteRequest(node(1), shorter);
  Step(1, request);
  EXPECT_EQ(Violated(), "S11");
}

TEST_F(InvariantsTest, L4APreVoteThatRaisesTheTerm) {
  Server other(1, /*pre_vote=*/true, /*term=*/5);
  ASSERT_TRUE(other.node->Campaign().ok());
  invariants_.AfterStep(1, *other.node);  // Server 1 was in term 0.
  EXPECT_EQ(Violated(), "L4");
}

// --- Promises ---

TEST_F(InvariantsTest, S3ATermThatTheDiskDoesNotHave) {
  invariants_.OnSend(1, {.type = MessageType::kHeartbeatResp, .to = 2, .from = 1, .term = 2});
  EXPECT_EQ(Violated(), "S3");
}

TEST_F(InvariantsTest, S3APreVotePromisesNothing) {
  invariants_.OnSend(1, {.type = MessageType::kPreVote, .to = 2, .from = 1, .term = 2});
  EXPECT_EQ(Violated(), "none");
}

TEST_F(InvariantsTest, S3AVoteThatTheDiskDoesNotHave) {
  invariants_.OnDurable(1, HardState{.term = 2, .vote = 3});
  invariants_.OnSend(1, {.type = MessageType::kVoteResp, .to = 3, .from = 1, .term = 2});
  EXPECT_EQ(Violated(), "none");
  invariants_.OnSend(1, {.type = MessageType::kVoteResp, .to = 2, .from = 1, .term = 2});
  EXPECT_EQ(Violated(), "S3");
}

TEST_F(InvariantsTest, S3AnAcknowledgementBeyondTheDisk) {
  invariants_.OnDurable(1, HardState{.term = 2});
  const Message ack = {.type = MessageType::kAppResp, .to = 2, .from = 1, .term = 2, .index = 2};
  invariants_.OnDurable(1, {{.term = 2, .index = 2}});
  invariants_.OnSend(1, ack);
  EXPECT_EQ(Violated(), "none");
  Message more = ack;
  more.index = 3;
  invariants_.OnSend(1, more);
  EXPECT_EQ(Violated(), "S3");
}

TEST_F(InvariantsTest, S3AnAcknowledgementOfAnotherLog) {
  Elect(1, 2);
  invariants_.OnDurable(2, {{.term = 2, .index = 2, .data = absl::Cord("other")}});
  invariants_.OnDurable(2, HardState{.term = 2, .vote = 1});
  invariants_.OnSend(2, {.type = MessageType::kAppResp,
                         .to = 1,
                         .from = 2,
                         .term = node(1).raft().term(),
                         .index = 2});
  EXPECT_EQ(Violated(), "S3");
}

// --- Logs ---

TEST_F(InvariantsTest, S4ALeaderRewritesItsLog) {
  Elect(1, 2);
  EXPECT_EQ(Violated(), "none");
  const Term term = node(1).raft().term();
  invariants_.OnReady(1, node(1), Handing({{.term = term, .index = 2}}));
  EXPECT_EQ(Violated(), "S4");
}

TEST_F(InvariantsTest, S5OneTermAndIndexForTwoEntries) {
  invariants_.OnReady(1, node(1), Handing({{.term = 2, .index = 2, .data = absl::Cord("a")}}));
  EXPECT_EQ(Violated(), "none");
  invariants_.OnReady(2, node(2), Handing({{.term = 2, .index = 2, .data = absl::Cord("b")}}));
  EXPECT_EQ(Violated(), "S5");
}

TEST_F(InvariantsTest, S5OneEntryBehindTwoLogs) {
  const raftpb::Entry same = {.term = 3, .index = 3};
  invariants_.OnReady(1, node(1), Handing({{.term = 2, .index = 2}, same}));
  invariants_.OnReady(2, node(2), Handing({{.term = 3, .index = 2}, same}));
  EXPECT_EQ(Violated(), "S5");
}

TEST_F(InvariantsTest, S6ALeaderWithoutACommittedEntry) {
  Commit(1, 2);
  Step(3, {.type = MessageType::kHeartbeat, .from = 1, .term = node(1).raft().term()});
  EXPECT_EQ(Violated(), "none");
  Elect(3, 2);
  EXPECT_EQ(Violated(), "S6");
}

TEST_F(InvariantsTest, S8AnAppliedEntryIsSkipped) {
  invariants_.OnApplied(1, {.term = 2, .index = 3}, 0, nullptr);
  EXPECT_EQ(Violated(), "S8");
}

TEST_F(InvariantsTest, S7WhatIsAppliedIsNotCommitted) {
  invariants_.OnApplied(1, {.term = 2, .index = 2}, 0, nullptr);
  EXPECT_EQ(Violated(), "S7");
}

TEST_F(InvariantsTest, S7AnotherEntryIsApplied) {
  Commit(1, 2);
  const uint64_t right = invariants_.committed_log().At(2).hash;
  invariants_.OnApplied(1, {.term = 1, .index = 2}, right, nullptr);
  EXPECT_EQ(Violated(), "none");
  invariants_.OnApplied(2, {.term = 1, .index = 2}, right + 1, nullptr);
  EXPECT_EQ(Violated(), "S7");
}

TEST_F(InvariantsTest, S8CommittedEntriesAreRewritten) {
  Commit(1, 2);
  raft::Ready ready = Handing({{.term = 9, .index = 2}});
  Server follower(1);
  invariants_.OnReady(1, *follower.node, ready);
  EXPECT_EQ(Violated(), "S8");
}

TEST_F(InvariantsTest, S8TheCommitIndexFalls) {
  Commit(1, 2);
  Server fresh(1, /*pre_vote=*/false, node(1).raft().term());
  invariants_.AfterStep(1, *fresh.node);
  EXPECT_EQ(Violated(), "S8");
}

TEST_F(InvariantsTest, S8ARestartWithAnotherLogThanTheDisk) {
  invariants_.OnDurable(1, {{.term = 2, .index = 2}});
  invariants_.OnStarted(1, *Server(1).node);
  EXPECT_EQ(Violated(), "S8");
}

TEST_F(InvariantsTest, S8ARestartInAnotherTermThanTheDisk) {
  invariants_.OnDurable(1, HardState{.term = 2});
  invariants_.OnStarted(1, *Server(1).node);
  EXPECT_EQ(Violated(), "S8");
}

// --- Commit ---

TEST_F(InvariantsTest, S9ACommitThatNoQuorumHas) {
  Elect(1, 2);
  // Server 2 has it; but by then server 1, which counts itself, has lost it.
  const Term term = node(1).raft().term();
  invariants_.OnDurable(2, {{.term = term, .index = 2}});
  invariants_.OnDurable(1, {{.term = term + 1, .index = 2}});
  Acknowledge(1, 2, 2);
  EXPECT_EQ(Violated(), "S9");
}

TEST_F(InvariantsTest, S10AQuorumLosesACommittedEntry) {
  Commit(1, 2);
  invariants_.OnCrashed(3);
  EXPECT_EQ(Violated(), "none");
  invariants_.OnDurable(2, {{.term = 9, .index = 2}});
  invariants_.OnCrashed(2);
  EXPECT_EQ(Violated(), "S10");
}

TEST_F(InvariantsTest, S15AFollowerDoesNotHaveWhatIsBelieved) {
  Commit(1, 2);
  Acknowledge(1, 3, 1);
  EXPECT_EQ(Violated(), "none");
  Acknowledge(1, 3, 2);
  EXPECT_EQ(Violated(), "S15");
}

// --- Snapshots and membership ---

TEST_F(InvariantsTest, S12ASnapshotOfWhatIsNotCommitted) {
  raft::Ready ready;
  ready.snapshot = SnapshotAt(5, 2, kFounders);
  invariants_.OnReady(1, node(1), ready);
  EXPECT_EQ(Violated(), "S12");
}

TEST_F(InvariantsTest, S12ASnapshotWithAnotherState) {
  invariants_.OnDurable(1, *SnapshotAt(1, 1, kFounders), kFounded.hash);
  EXPECT_EQ(Violated(), "none");
  invariants_.OnDurable(1, *SnapshotAt(1, 1, kFounders), kFounded.hash + 1);
  EXPECT_EQ(Violated(), "S12");
}

TEST_F(InvariantsTest, S12ASnapshotWithAnotherConfiguration) {
  invariants_.OnDurable(1, *SnapshotAt(1, 1, {.voters = {1, 2}}), kFounded.hash);
  EXPECT_EQ(Violated(), "S12");
}

TEST_F(InvariantsTest, S13AServerThatIsNotInItsOwnWords) {
  invariants_.OnChanged(1, node(1), kFounders);
  EXPECT_EQ(Violated(), "none");
  invariants_.OnChanged(1, node(1), {.voters = {1, 2}});
  EXPECT_EQ(Violated(), "S13");
}

// Reports a change that leads from the founding configuration to another, on a server.
class ConfigurationTest : public InvariantsTest {
 protected:
  ConfigurationTest() { Commit(1, 2); }
  void Apply(NodeId id, const ConfState& to) {
    invariants_.OnApplied(id, {.term = 1, .index = 2}, invariants_.committed_log().At(2).hash, &to);
  }
};

TEST_F(ConfigurationTest, S13OneVoterMoreIsANeighbour) {
  Apply(1, {.voters = {1, 2, 3, 4}});
  Apply(2, {.voters = {1, 2, 3, 4}});
  EXPECT_EQ(Violated(), "none");
}

TEST_F(ConfigurationTest, S13OneChangeWithTwoResults) {
  Apply(1, {.voters = {1, 2, 3, 4}});
  Apply(2, {.voters = {1, 2, 3}, .learners = {4}});
  EXPECT_EQ(Violated(), "S13");
}

TEST_F(ConfigurationTest, S13AnOutgoingHalfThatWasNeverInForce) {
  Apply(1, {.voters = {1, 2, 3, 4}, .voters_outgoing = {1, 2}});
  EXPECT_EQ(Violated(), "S13");
}

TEST_F(ConfigurationTest, S13WhatIsMalformed) {
  Apply(1, {.voters = {1, 2, 3}, .learners = {3}});
  EXPECT_EQ(Violated(), "S13");
}

TEST_F(ConfigurationTest, S14QuorumsThatDoNotMeet) {
  Apply(1, {.voters = {1, 4, 5}});
  EXPECT_EQ(Violated(), "S14");
}

TEST_F(ConfigurationTest, S14TwoVotersAtOnce) {
  Apply(1, {.voters = {1, 2, 3, 4, 5}});
  EXPECT_EQ(Violated(), "S14");
}

// --- Requests ---

TEST_F(InvariantsTest, E1ARefusedProposalIsApplied) {
  invariants_.OnProposalApplied(1, 8, 2);
  invariants_.OnProposalRefused(7);
  EXPECT_EQ(Violated(), "none");
  invariants_.OnProposalApplied(1, 7, 3);
  EXPECT_EQ(Violated(), "E1");
}

TEST_F(InvariantsTest, E1AProposalIsAppliedAtTwoPlaces) {
  invariants_.OnProposalApplied(1, 7, 2);
  invariants_.OnProposalApplied(2, 7, 2);
  EXPECT_EQ(Violated(), "none");
  invariants_.OnProposalApplied(3, 7, 3);
  EXPECT_EQ(Violated(), "E1");
}

TEST_F(InvariantsTest, R1AReadThatNobodyAsked) {
  invariants_.OnReadAnswered(1, 1, 9);
  EXPECT_EQ(Violated(), "R1");
}

TEST_F(InvariantsTest, R1AReadOfSomebodyElse) {
  invariants_.OnReadAsked(2, 1);
  invariants_.OnReadAnswered(1, 1, 9);
  EXPECT_EQ(Violated(), "R1");
}

TEST_F(InvariantsTest, R1AStaleRead) {
  Commit(1, 2);
  invariants_.OnReadAsked(3, 1);
  invariants_.OnReadAnswered(3, 1, 1);
  EXPECT_EQ(Violated(), "R1");
}

TEST_F(InvariantsTest, R1AReadThatIsAnsweredTwice) {
  invariants_.OnReadAsked(1, 1);
  invariants_.OnReadAnswered(1, 1, 1);
  EXPECT_EQ(Violated(), "none");
  invariants_.OnReadAnswered(1, 1, 1);
  EXPECT_EQ(Violated(), "R1");
}

}  // namespace
}  // namespace rafttest
