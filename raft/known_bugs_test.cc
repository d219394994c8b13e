// Bugs of other implementations of Raft, each found after years of use, tried here by name. The
// numbers are those of the projects' own trackers: etcd (etcd-io/etcd), raft (etcd-io/raft),
// raft-rs (tikv/raft-rs), openraft (databendlabs/openraft), cockroach (cockroachdb/cockroach).
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "raft/errors.h"
#include "raft/raw_node.h"
#include "raft/testing/cluster.h"
#include "raftpb/describe.h"

namespace raft {
namespace {

using raftpb::Message;
using raftpb::MessageType;
using testing::Cluster;
using testing::ClusterOptions;
using ::testing::ElementsAre;
using testing::EntriesOfTerms;
using ::testing::IsEmpty;
using tracker::Progress;
using tracker::ProgressState;

ClusterOptions With(std::function<void(Config&)> configure) {
  ClusterOptions options;
  options.configure = std::move(configure);
  return options;
}

std::function<bool(const Message&)> Is(MessageType type) {
  return [type](const Message& m) { return m.type == type; };
}

Message Only(const std::vector<Message>& messages, MessageType type, NodeId to) {
  for (const Message& m : messages) {
    if (m.type == type && m.to == to) return m;
  }
  ADD_FAILURE() << "no " << raftpb::Name(type) << " to " << to;
  return {};
}

// --- Reads ---------------------------------------------------------------------------------------

// A client asks again with the same context; the answer to the first question must not confirm the
// second one.
TEST(KnownBugs, Etcd20418AnOldConfirmationDoesNotCountForANewReadOfTheSameContext) {
  Cluster group;
  group.Elect(1);
  ASSERT_TRUE(group.node(1).ReadIndex(absl::Cord("same")).ok());
  const std::vector<Message> first = group.Flush(1);
  group.Receive(Only(first, MessageType::kHeartbeat, 2));
  const Message old_confirmation = Only(group.Flush(2), MessageType::kHeartbeatResp, 1);
  group.Receive(Only(first, MessageType::kHeartbeat, 3));
  group.Receive(Only(group.Flush(3), MessageType::kHeartbeatResp, 1));
  group.Flush(1);
  ASSERT_EQ(group.reads(1).size(), 1) << "server 3 has confirmed the first";

  ASSERT_TRUE(group.node(1).ReadIndex(absl::Cord("same")).ok());
  const std::vector<Message> second = group.Flush(1);
  group.Receive(old_confirmation);
  group.Flush(1);
  EXPECT_EQ(group.reads(1).size(), 1) << "was sent before the second read arrived";
  group.Receive(Only(second, MessageType::kHeartbeat, 2));
  group.Receive(Only(group.Flush(2), MessageType::kHeartbeatResp, 1));
  group.Flush(1);
  EXPECT_EQ(group.reads(1).size(), 2);
}

TEST(KnownBugs, Etcd20418AHeartbeatFromBeforeTheReadConfirmsNothing) {
  Cluster group;
  group.Elect(1);
  group.Tick(1);
  const std::vector<Message> regular = group.Flush(1);
  ASSERT_TRUE(group.node(1).ReadIndex(absl::Cord("r")).ok());
  for (NodeId id : {2, 3}) {
    group.Receive(Only(regular, MessageType::kHeartbeat, id));
    group.Receive(Only(group.Flush(id), MessageType::kHeartbeatResp, 1));
  }
  group.Flush(1);
  EXPECT_THAT(group.reads(1), IsEmpty());
}

TEST(KnownBugs, Etcd7331NoReadIndexBeforeALeaderHasCommittedInItsTerm) {
  Cluster group;
  group.Elect(1);
  group.Commit("x");
  const Index x = group.raft(1).log().committed();
  // Server 2 has x, and does not know that it is committed.
  group.Isolate(1);
  group.Drop(Is(MessageType::kAppResp));
  group.Elect(2);
  ASSERT_TRUE(group.node(2).ReadIndex(absl::Cord("early")).ok());
  ASSERT_TRUE(group.node(3).ReadIndex(absl::Cord("forwarded")).ok());
  group.Settle();
  EXPECT_THAT(group.reads(2), IsEmpty());
  EXPECT_THAT(group.reads(3), IsEmpty());
  group.Heal();
  group.Tick(2);
  group.Settle();
  ASSERT_EQ(group.reads(2).size(), 1);
  EXPECT_GE(group.reads(2)[0].index, x);
  ASSERT_EQ(group.reads(3).size(), 1);
  EXPECT_GE(group.reads(3)[0].index, x);
}

TEST(KnownBugs, Etcd12680AReadThatCannotBeServedFailsLoudly) {
  Cluster group;
  absl::Status refused = group.node(1).ReadIndex(absl::Cord("r"));
  ASSERT_TRUE(IsProposalDropped(refused)) << "at a follower without a leader";
  EXPECT_EQ(DropReasonOf(refused), DropReason::kNoLeader);
  group.TimeOut(1);
  refused = group.node(1).ReadIndex(absl::Cord("r"));
  ASSERT_TRUE(IsProposalDropped(refused)) << "at a candidate";
  EXPECT_EQ(DropReasonOf(refused), DropReason::kNoLeader);
}

// --- Disks ---------------------------------------------------------------------------------------

TEST(KnownBugs, Etcd14370ASingleVoterAcknowledgesOnlyWhatItsDiskHas) {
  for (bool async : {false, true}) {
    ClusterOptions options = With([async](Config& c) { c.async_storage_writes = async; });
    options.voters = {1};
    Cluster group(std::move(options));
    group.TimeOut(1);
    group.Flush(1);
    ASSERT_EQ(group.leader(), 1);
    const Index before = group.raft(1).log().committed();
    ASSERT_TRUE(group.Propose(1, "x").ok());
    Ready ready;
    ASSERT_TRUE(group.node(1).TakeReady(ready).ok());
    EXPECT_EQ(ready.entries.size(), 1);
    EXPECT_THAT(ready.committed_entries, IsEmpty()) << "would be applied, and answered, now";
    EXPECT_EQ(group.raft(1).log().committed(), before);
  }
}

TEST(KnownBugs, Etcd10166ALostTailIsAClearErrorAtStart) {
  Cluster group;
  group.Elect(1);
  group.Commit("x");
  // The disk comes back without its last entries.
  storage::MemoryStorage& disk = group.storage(2);
  const raftpb::HardState stored = disk.hard_state();
  ASSERT_GT(stored.commit, 1);
  disk = storage::MemoryStorage();
  disk.SetConfState({.voters = {1, 2, 3}});
  disk.SetHardState(stored);
  const absl::Status status = group.RestartStatus(2);
  EXPECT_TRUE(IsPromiseBroken(status)) << status;
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("commit"));
}

TEST(KnownBugs, Etcd10166AndAnErrorWhenTheLeaderRemembersMore) {
  Cluster group;
  group.Elect(1);
  group.Commit("x");
  group.ExpectNoSafety();  // Because it is broken.
  storage::MemoryStorage& disk = group.storage(2);
  const raftpb::HardState stored = disk.hard_state();
  disk = storage::MemoryStorage();
  disk.SetConfState({.voters = {1, 2, 3}});
  disk.SetHardState({.term = stored.term});  // The commit index is lost as well.
  ASSERT_TRUE(group.RestartStatus(2).ok());
  group.Tick(1);
  const Message heartbeat = Only(group.Flush(1), MessageType::kHeartbeat, 2);
  EXPECT_TRUE(IsPromiseBroken(group.Step(2, heartbeat)));
  EXPECT_EQ(group.raft(2).log().committed(), 0);
}

// A, then B, then A again: an acknowledgement for the first A must not be taken for one of the
// second, which the disk does not have yet.
TEST(KnownBugs, Raft8AnAcknowledgementForOverwrittenEntriesIsRefused) {
  Cluster group(With([](Config& c) {
    c.async_storage_writes = true;
    c.check_quorum = false;
  }));
  group.ExpectNoSafety();  // Leaders 2 and 3 are played.
  const auto append = [&group](NodeId leader, Term term, Term entry_term) {
    group.Receive({.type = MessageType::kApp,
                   .to = 1,
                   .from = leader,
                   .term = term,
                   .entries = {{.term = entry_term, .index = 1}}});
    while (group.HandleReady(1)) {
    }
  };
  append(2, 1, 1);  // A
  append(3, 2, 2);  // B
  append(2, 3, 1);  // A
  ASSERT_EQ(group.append_work(1).size(), 3);
  group.RunAppend(1);
  EXPECT_EQ(group.raft(1).log().unstable().offset(), 1) << "the disk has A, but B comes after it";
  group.RunAppend(1);
  EXPECT_EQ(group.raft(1).log().unstable().offset(), 1) << "the disk has B";
  group.RunAppend(1);
  EXPECT_EQ(group.raft(1).log().unstable().offset(), 2) << "the disk has A for good";
}

TEST(KnownBugs, Openraft1960AnOlderCompletionDoesNotUndoANewerOne) {
  Cluster group(With([](Config& c) { c.async_storage_writes = true; }));
  group.Elect(1);
  std::vector<Message> completions;
  for (const char* command : {"x", "y", "z"}) {
    ASSERT_TRUE(group.Propose(1, command).ok());
    ASSERT_TRUE(group.HandleReady(1));
    for (const Message& m : group.append_work(1).back().responses) {
      if (m.type == MessageType::kStorageAppendResp) completions.push_back(m);
    }
  }
  ASSERT_EQ(completions.size(), 3);
  group.ExpectNoSafety();  // The storage thread is played.
  const Index last = group.raft(1).log().LastIndex();
  for (size_t i : {2, 0, 1}) {
    ASSERT_TRUE(group.node(1).StepLocal(completions[i]).ok());
    EXPECT_EQ(group.raft(1).log().unstable().offset(), last + 1) << "after completion " << i;
    EXPECT_FALSE(group.raft(1).log().HasUnstableEntries());
  }
}

// What was appended before a vote was cast is on disk before the vote is: a server that has lost
// entries it acknowledged, but not its vote, would have voted by a log it does not have.
TEST(KnownBugs, VotesAndEntriesReachTheDiskInTheOrderInWhichTheyWereMade) {
  for (bool async : {false, true}) {
    Cluster group(With([async](Config& c) {
      c.async_storage_writes = async;
      c.check_quorum = false;
    }));
    group.ExpectNoSafety();  // Peers are played.
    group.Receive({.type = MessageType::kApp,
                   .to = 1,
                   .from = 2,
                   .term = 1,
                   .entries = {{.term = 1, .index = 1}}});
    group.Receive(
        {.type = MessageType::kVote, .to = 1, .from = 3, .term = 2, .log_term = 1, .index = 1});
    Ready ready;
    ASSERT_TRUE(group.node(1).TakeReady(ready).ok());
    // One write has both, and the vote waits for it. The acknowledgement was for the leader of a
    // term that is over: nobody needs it any more.
    EXPECT_EQ(ready.entries.size(), 1);
    EXPECT_EQ(ready.hard_state, (raftpb::HardState{.term = 2, .vote = 3}));
    const std::vector<Message>& answers =
        async ? ready.messages.at(0).responses : ready.messages_after_write;
    ASSERT_GE(answers.size(), 1);
    EXPECT_EQ(answers[0].type, MessageType::kVoteResp);
    EXPECT_FALSE(answers[0].reject);
  }
}

TEST(KnownBugs, Raft31AnUnknownTermIsNotTermZero) {
  Cluster group;
  group.ExpectNoSafety();  // Server 2 is played.
  // There is no entry 5 here; that its term is not known must not match the zero of the message.
  group.Receive({.type = MessageType::kApp,
                 .to = 1,
                 .from = 2,
                 .term = 1,
                 .index = 5,
                 .entries = {{.term = 1, .index = 6}}});
  EXPECT_TRUE(group.Flush(1).at(0).reject);
  EXPECT_EQ(group.raft(1).log().LastIndex(), 0);
  EXPECT_FALSE(group.raft(1).log().Matches({0, 5}));
}

// --- Terms and votes -----------------------------------------------------------------------------

TEST(KnownBugs, Openraft1220AdoptingATermIsNotVotingInIt) {
  Cluster group(With([](Config& c) { c.check_quorum = false; }));
  group.ExpectNoSafety();  // Peers are played.
  group.Receive({.type = MessageType::kVote, .to = 1, .from = 2, .term = 3});
  ASSERT_EQ(group.raft(1).hard_state().vote, 2);
  group.Receive({.type = MessageType::kAppResp, .to = 1, .from = 3, .term = 4});
  EXPECT_EQ(group.raft(1).hard_state(), (raftpb::HardState{.term = 4})) << "of term 3 was the vote";
  group.Flush(1);
  group.Receive({.type = MessageType::kVote, .to = 1, .from = 2, .term = 4});
  EXPECT_FALSE(group.Flush(1).at(0).reject) << "is free in term 4";
  // Hearing of a leader is no vote for it either, but leaves nobody to vote for.
  group.Receive({.type = MessageType::kHeartbeat, .to = 1, .from = 3, .term = 5});
  EXPECT_EQ(group.raft(1).hard_state().vote, kNone);
  group.Flush(1);
  group.Receive({.type = MessageType::kVote, .to = 1, .from = 2, .term = 5});
  EXPECT_TRUE(group.Flush(1).at(0).reject);
}

// --- Progress ------------------------------------------------------------------------------------

void ExpectMatchBelowNext(Cluster& group) {
  group.node(1).VisitProgress([](NodeId id, const Progress& progress) {
    EXPECT_LT(progress.match(), progress.next()) << id;
  });
}

TEST(KnownBugs, Raft148RaftRs555MatchStaysBelowNextAfterAStaleRefusal) {
  Cluster group;
  group.Elect(1);
  for (int i = 0; i < 5; ++i) group.Commit(absl::StrCat(i));
  const Progress* progress = group.raft(1).progress()->Find(2);
  const Index match = progress->match();
  // Refusals of appends that were sent long ago, in every state of the follower's progress.
  for (ProgressState state : {ProgressState::kReplicate, ProgressState::kProbe}) {
    if (state == ProgressState::kProbe) group.node(1).ReportUnreachable(2);
    ASSERT_EQ(progress->state(), state);
    for (Index rejected = 0; rejected <= match; ++rejected) {
      for (Index hint = 0; hint <= rejected; ++hint) {
        group.Receive({.type = MessageType::kAppResp,
                       .to = 1,
                       .from = 2,
                       .term = 1,
                       .log_term = hint == 0 ? 0u : 1u,
                       .index = rejected,
                       .reject = true,
                       .reject_hint = hint});
        ExpectMatchBelowNext(group);
        EXPECT_EQ(progress->match(), match);
      }
    }
  }
}

// Nobody told the leader how the transfer of a snapshot ended, and the snapshot is lost.
TEST(KnownBugs, Etcd10225AnUnreportedSnapshotDoesNotStopAFollowerForEver) {
  Cluster group(With([](Config& c) { c.snapshot_patience = 3; }));
  group.Elect(1);
  group.Isolate(3);
  group.Commit("x");
  group.Compact(1);
  group.Heal();
  group.Drop(Is(MessageType::kSnap));
  for (int i = 0; i < 3; ++i) {
    group.Tick(1);
    group.Settle();
  }
  ASSERT_EQ(group.raft(1).progress()->Find(3)->state(), ProgressState::kSnapshot);
  group.Heal();
  for (int tick = 0; tick < 60 && group.commands(3).empty(); ++tick) {
    group.Tick(1);
    group.Settle();
  }
  EXPECT_THAT(group.commands(3), ElementsAre("x"));
}

TEST(KnownBugs, Etcd10225ASnapshotThatArrivedUnreportedIsEnough) {
  Cluster group;
  group.Elect(1);
  group.Isolate(3);
  group.Commit("x");
  group.Compact(1);
  group.Heal();
  for (int i = 0; i < 3; ++i) {
    group.Tick(1);
    group.Settle();
  }
  EXPECT_THAT(group.commands(3), ElementsAre("x"));
  EXPECT_EQ(group.raft(1).progress()->Find(3)->state(), ProgressState::kReplicate);
}

// --- Membership ----------------------------------------------------------------------------------

raftpb::ConfChangeV2 JointChange() {
  raftpb::ConfChangeV2 change = testing::AddVoter(4);
  change.transition = raftpb::ConfChangeTransition::kJointImplicit;
  return change;
}

int LeavingEntries(Cluster& group, NodeId id) {
  const log::RaftLog& log = group.raft(id).log();
  int count = 0;
  const raftpb::EntryList entries = log.EntriesFrom(log.FirstIndex(), kNoLimit).value();
  for (const raftpb::Entry& entry : entries) {
    count += entry.type == raftpb::EntryType::kConfChangeV2 && entry.data.empty();
  }
  return count;
}

TEST(KnownBugs, Etcd12136WhoeverLeadsLeavesTheJointConfigurationAndOnce) {
  Cluster group;
  group.Elect(1);
  group.Add(4);
  // Server 1 is cut off as soon as it has applied the change into the joint configuration.
  ASSERT_TRUE(group.node(1).ProposeConfChange(JointChange()).ok());
  const auto leaves = [](const Message& m) {
    return m.type == MessageType::kApp && !m.entries.empty() &&
           m.entries.back().type == raftpb::EntryType::kConfChangeV2 &&
           m.entries.back().data.empty();
  };
  group.Drop(leaves);
  group.Settle();
  ASSERT_TRUE(group.raft(1).membership().joint());
  group.Isolate(1);
  group.Heal();
  group.Isolate(1);
  group.Elect(2);
  group.Commit("x");
  EXPECT_FALSE(group.raft(2).membership().joint());
  for (int i = 0; i < 5; ++i) group.Commit("more");
  EXPECT_EQ(LeavingEntries(group, 2), 1);
  group.Heal();
  group.Tick(2);
  group.Settle();
  EXPECT_EQ(LeavingEntries(group, 1), 1);
  EXPECT_FALSE(group.raft(1).membership().joint());
}

TEST(KnownBugs, Etcd12136WhatIsAppliedMeanwhileDoesNotAskAgain) {
  Cluster group(With([](Config& c) { c.max_committed_size_per_ready = 1; }));
  group.Elect(1);
  group.Add(4);
  ASSERT_TRUE(group.node(1).ProposeConfChange(JointChange()).ok());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(group.Propose(1, "x").ok());
  group.Settle();
  EXPECT_FALSE(group.raft(1).membership().joint());
  // A first entry, the change, five commands, and one to leave.
  EXPECT_EQ(group.raft(1).log().LastIndex(), 8);
}

// A quota that is used up, or a transfer that is under way, must not make the leader forget that
// the joint configuration is to be left.
TEST(KnownBugs, Etcd12582LeavingNeedsNoQuota) {
  Cluster group(With([](Config& c) { c.max_uncommitted_size = 10; }));
  group.Elect(1);
  group.Add(4);
  ASSERT_TRUE(group.node(1).ProposeConfChange(JointChange()).ok());
  group.Settle();
  EXPECT_FALSE(group.raft(1).membership().joint());
  EXPECT_TRUE(group.raft(1).membership().IsVoter(4));
}

TEST(KnownBugs, Etcd14538ATransferThatFailedDoesNotKeepTheGroupJoint) {
  Cluster group;
  group.Elect(1);
  group.Add(4);
  ASSERT_TRUE(group.node(1).ProposeConfChange(JointChange()).ok());
  group.Isolate(3);
  ASSERT_TRUE(group.node(1).TransferLeadership(3).ok());
  group.Settle();
  ASSERT_TRUE(group.raft(1).membership().joint()) << "no proposals during a transfer";
  for (int tick = 0; tick < 20; ++tick) {
    group.TickAll(1);
    group.Settle();
  }
  EXPECT_EQ(group.leader(), 1);
  EXPECT_FALSE(group.raft(1).membership().joint());
}

TEST(KnownBugs, Raft83ARemovedLeaderStopsLeadingIfToldTo) {
  for (bool demoted : {false, true}) {
    Cluster group(With([](Config& c) { c.step_down_on_removal = true; }));
    group.Elect(1);
    group.ChangeMembership(demoted ? testing::AddLearner(1) : testing::RemoveServer(1));
    // A heartbeat that finds the heir ready, and one that finds it leading.
    for (int i = 0; i < 2; ++i) {
      group.TickAll();
      group.Settle();
    }
    EXPECT_EQ(group.raft(1).role(), Role::kFollower);
    group.Commit("x");
    EXPECT_THAT(group.commands(3), ElementsAre("x"));
  }
}

TEST(KnownBugs, Raft83ARemovedLeaderIsNoPartOfAnyQuorum) {
  Cluster group;
  group.Elect(1);
  group.Isolate(3);
  group.ChangeMembership(testing::RemoveServer(1));
  const Index commit = group.raft(1).log().committed();
  ASSERT_TRUE(group.node(2).Propose(absl::Cord("x")).ok());
  group.Settle();
  EXPECT_EQ(group.raft(1).log().committed(), commit) << "one of {2,3} is no quorum";
}

// Counts how often the log is read.
class CountingStorage : public storage::MemoryStorage {
 public:
  absl::StatusOr<raftpb::EntryList> Entries(IndexRange wanted, uint64_t max_bytes) const override {
    ++reads;
    return MemoryStorage::Entries(wanted, max_bytes);
  }
  mutable int reads = 0;
};

TEST(KnownBugs, Cockroach104402UnappliedChangesAreKnownWithoutReadingTheLog) {
  for (bool has_change : {false, true}) {
    CountingStorage storage;
    storage.SetConfState({.voters = {1, 2, 3}});
    Config config;
    config.id = 1;
    config.storage = &storage;
    config.async_storage_writes = true;  // So that nothing needs to be applied.
    auto node = RawNode::Create(config).value();
    Message append = {.type = MessageType::kApp, .to = 1, .from = 2, .term = 1, .commit = 1000};
    for (Index index = 1; index <= 1000; ++index) {
      append.entries.PushBack({.term = 1, .index = index});
    }
    if (has_change) {
      append.entries.DropBack(500);
      append.entries.PushBack({.term = 1, .index = 501, .type = raftpb::EntryType::kConfChangeV2});
      for (Index index = 502; index <= 1000; ++index) {
        append.entries.PushBack({.term = 1, .index = index});
      }
    }
    ASSERT_TRUE(node->Step(append).ok());
    Ready ready;
    while (node->HasReady()) {
      ASSERT_TRUE(node->TakeReady(ready).ok());
      for (const Message& work : ready.messages) {
        if (work.to != kLocalAppendThread) continue;
        ASSERT_TRUE(storage.Append(work.entries).ok());
        for (const Message& m : work.responses) {
          if (m.to != 1) continue;
          ASSERT_TRUE(node->StepLocal(m).ok());
        }
      }
    }
    ASSERT_EQ(node->GetBasicStatus().applied, 0);
    ASSERT_EQ(node->GetBasicStatus().hard_state.commit, 1000);
    storage.reads = 0;
    ASSERT_TRUE(node->Campaign().ok());
    // A candidate may hold a configuration that the group has left (etcd issue 12133).
    EXPECT_EQ(node->GetBasicStatus().soft_state.role,
              has_change ? Role::kFollower : Role::kPreCandidate);
    EXPECT_EQ(storage.reads, 0);
  }
}

// --- Transfer ------------------------------------------------------------------------------------

TEST(KnownBugs, NothingIsProposedOnceTimeoutNowHasLeft) {
  Cluster group;
  group.Elect(1);
  ASSERT_TRUE(group.node(1).TransferLeadership(3).ok());
  const Message timeout_now = Only(group.Flush(1), MessageType::kTimeoutNow, 3);
  EXPECT_TRUE(IsProposalDropped(group.Propose(1, "would be lost")));
  EXPECT_TRUE(IsProposalDropped(group.Propose(1, "again")));
  const Index last = group.raft(1).log().LastIndex();
  group.Receive(timeout_now);
  group.Settle();
  EXPECT_EQ(group.leader(), 3);
  EXPECT_EQ(group.raft(3).log().LastIndex(), last + 1);
}

// A single voter that restarts may have committed, and told, more than the commit index on its disk
// says. Until it has committed something in its new term it does not know (etcd issue 7331 once
// more, where etcd/raft answers). The simulator found it.
TEST(KnownBugs, ASingleVoterReadsNothingBeforeItHasCommittedInItsTerm) {
  ClusterOptions options = With([](Config&) {});
  options.voters = {1};
  Cluster group(std::move(options));
  group.Elect(1);
  group.Commit("x");
  group.Restart(1);
  RawNode& node = group.node(1);
  ASSERT_TRUE(node.Campaign().ok());
  Ready ready;
  for (int i = 0; i < 5 && group.raft(1).role() != Role::kLeader; ++i) {
    ASSERT_TRUE(node.TakeReady(ready).ok());
    for (const Message& m : ready.messages_after_write) ASSERT_TRUE(node.StepLocal(m).ok());
    node.Advance();
  }
  ASSERT_EQ(group.raft(1).role(), Role::kLeader);
  const Index own = group.raft(1).log().LastIndex();
  ASSERT_LT(group.raft(1).log().committed(), own) << "its own entry is not stored yet";
  ASSERT_TRUE(node.ReadIndex(absl::Cord("r")).ok());
  Index answered = 0;
  for (int i = 0; i < 5 && answered == 0; ++i) {
    ASSERT_TRUE(node.TakeReady(ready).ok());
    if (!ready.read_states.empty()) answered = ready.read_states[0].index;
    ASSERT_TRUE(group.storage(1).Append(ready.entries).ok());
    for (const Message& m : ready.messages_after_write) ASSERT_TRUE(node.StepLocal(m).ok());
    node.Advance();
  }
  EXPECT_EQ(answered, own);
}

// In a joint configuration whose halves are the same single voter nobody else can confirm a read,
// which waited for ever (etcd/raft counts such a group as one of several). The simulator found it.
TEST(KnownBugs, ASingleVoterReadsWhileAJointChangeOfLearnersLasts) {
  ClusterOptions options = With([](Config&) {});
  options.voters = {1};
  Cluster group(std::move(options));
  group.Elect(1);
  raftpb::ConfChangeV2 add;
  add.transition = raftpb::ConfChangeTransition::kJointExplicit;
  add.changes = {{raftpb::ConfChangeType::kAddLearnerNode, 2}};
  group.ChangeMembership(add);
  ASSERT_TRUE(group.raft(1).membership().joint());
  ASSERT_TRUE(group.node(1).ReadIndex(absl::Cord("r")).ok());
  group.Settle();
  ASSERT_EQ(group.reads(1).size(), 1);
  EXPECT_EQ(group.reads(1)[0].index, group.raft(1).log().committed());
}

// A removed leader that crashes before anybody has heard of the commit leaves servers that need the
// votes of those who were removed, and do not get them. So who refuses says what is committed
// (raft-rs: maybe_commit_by_vote). The simulator found such a group.
TEST(KnownBugs, WhoIsRefusedAVoteLearnsThatTheMembershipHasChanged) {
  Cluster group(With([](Config&) {}));
  group.Elect(1);
  group.Commit("x");
  raftpb::ConfChangeV2 remove;
  remove.changes = {{raftpb::ConfChangeType::kRemoveNode, 3}};
  ASSERT_TRUE(group.node(1).ProposeConfChange(remove).ok());
  group.Cut(1, 3);
  group.Receive(Only(group.Flush(1), MessageType::kApp, 2));
  group.Flush(2);
  const EntryId change = group.raft(2).log().LastId();
  ASSERT_LT(group.raft(2).log().committed(), change.index);
  ASSERT_TRUE(group.node(2).Campaign().ok());
  group.Flush(2);
  ASSERT_EQ(group.raft(2).role(), Role::kPreCandidate);
  group.Receive({.type = MessageType::kPreVoteResp,
                 .to = 2,
                 .from = 3,
                 .term = group.raft(2).term(),
                 .log_term = change.term,
                 .commit = change.index,
                 .reject = true});
  EXPECT_EQ(group.raft(2).role(), Role::kFollower) << "it campaigned with the configuration before";
  EXPECT_EQ(group.raft(2).log().committed(), change.index);
  group.Flush(2);
  EXPECT_FALSE(group.raft(2).membership().IsVoter(3));
}

// Each order to hand over restarted the count towards the next quorum check, so that a leader who
// was cut off and ordered again and again led for ever (so in etcd/raft). The simulator found it.
TEST(KnownBugs, OrdersToHandOverDoNotPutOffTheQuorumCheck) {
  Cluster group(With([](Config&) {}));
  group.Elect(1);
  group.Commit("x");
  group.Cut(1, 2);
  group.Cut(1, 3);
  const uint32_t election_tick = group.raft(1).config().election_tick;
  for (uint32_t tick = 0; tick < 2 * election_tick && group.leader() == 1; ++tick) {
    if (tick % 4 == 0) {
      ASSERT_TRUE(group.node(1).TransferLeadership(2 + tick / 4 % 2).ok());
    }
    group.Tick(1);
    group.Settle();
  }
  EXPECT_NE(group.raft(1).role(), Role::kLeader);
}

// The order to campaign overrides the lease at the voters, so the leader must not trust its lease
// any more once it has given that order, whether or not it has given up on the transfer.
TEST(KnownBugs, RaftRs234ALateTimeoutNowBreaksNoLease) {
  Cluster group(With([](Config& c) { c.read_only = ReadOnlyOption::kLeaseBased; }));
  group.Elect(1);
  group.Commit("x");
  ASSERT_TRUE(group.node(1).TransferLeadership(3).ok());
  const Message late = Only(group.Flush(1), MessageType::kTimeoutNow, 3);
  for (int tick = 0; tick < 10; ++tick) {  // The transfer is given up.
    group.Tick(1);
    group.Settle();
  }
  ASSERT_EQ(group.raft(1).transferee(), kNone);
  ASSERT_EQ(group.leader(), 1);
  group.Cut(1, 2);
  group.Cut(1, 3);
  group.Receive(late);
  group.Settle();
  ASSERT_EQ(group.leader(), 3);
  group.Commit("y");
  ASSERT_EQ(group.raft(1).role(), Role::kLeader) << "does not know";
  ASSERT_TRUE(group.node(1).ReadIndex(absl::Cord("r")).ok());
  group.Settle();
  EXPECT_THAT(group.reads(1), IsEmpty()) << "would miss y";
}

TEST(KnownBugs, RaftRs234NorDoesOneThatIsStillUnderWay) {
  Cluster group(With([](Config& c) { c.read_only = ReadOnlyOption::kLeaseBased; }));
  group.Elect(1);
  ASSERT_TRUE(group.node(1).TransferLeadership(3).ok());
  const Message timeout_now = Only(group.Flush(1), MessageType::kTimeoutNow, 3);
  group.Cut(1, 2);
  group.Cut(1, 3);
  group.Receive(timeout_now);
  group.Settle();
  ASSERT_EQ(group.leader(), 3);
  ASSERT_TRUE(group.node(1).ReadIndex(absl::Cord("r")).ok());
  group.Settle();
  EXPECT_THAT(group.reads(1), IsEmpty());
}

// --- PreVote and CheckQuorum ---------------------------------------------------------------------

// Time passes for everybody, and everything that can arrive does.
void Live(Cluster& group, int ticks) {
  for (int i = 0; i < ticks; ++i) {
    group.TickAll(1);
    group.Settle();
  }
}

// One leader that all of these follow, and that stays for ten election timeouts.
void ExpectStable(Cluster& group, const std::vector<NodeId>& servers, const std::string& what) {
  const NodeId leader = group.leader();
  ASSERT_NE(leader, kNone) << what;
  const Term term = group.raft(leader).term();
  Live(group, 100);
  EXPECT_EQ(group.leader(), leader) << what;
  for (NodeId id : servers) {
    EXPECT_EQ(group.raft(id).term(), term) << what << ", server " << id;
    EXPECT_EQ(group.raft(id).lead(), leader) << what << ", server " << id;
  }
}

TEST(KnownBugs, Etcd8499ABridgeBetweenTwoThatCannotTalkKeepsOneLeader) {
  for (NodeId leader : {1, 2, 3}) {
    Cluster group;
    group.Elect(leader);
    group.Cut(1, 3);
    const Term term = group.raft(leader).term();
    Live(group, 200);
    EXPECT_LE(group.raft(2).term(), term + 2) << "no race of terms";
    ASSERT_NE(group.leader(), kNone);
    const Term settled = group.raft(2).term();
    Live(group, 200);
    EXPECT_EQ(group.raft(2).term(), settled);
    group.Commit("x");
    EXPECT_THAT(group.commands(2), ElementsAre("x"));
    group.Heal();
    Live(group, 40);
    ExpectStable(group, {1, 2, 3}, absl::StrCat("leader ", leader));
  }
}

// A server that is behind in its log and ahead in its term: it cannot win, and would not listen to
// its leader.
TEST(KnownBugs, Etcd8501AServerAheadInTermAndBehindInLogIsFreed) {
  for (bool pre_vote : {false, true}) {
    ClusterOptions options = With([pre_vote](Config& c) { c.pre_vote = pre_vote; });
    options.prepare = [](NodeId id, storage::MemoryStorage& storage) {
      if (id == 3) {
        storage.SetHardState({.term = 9});
      } else {
        EXPECT_TRUE(storage.Append(EntriesOfTerms({1, 1})).ok());
        storage.SetHardState({.term = 1});
      }
    };
    Cluster group(std::move(options));
    group.Isolate(3);
    group.Elect(1);
    group.Commit("x");
    group.Heal();
    Live(group, 60);
    ExpectStable(group, {1, 2, 3}, pre_vote ? "pre-vote" : "plain");
    EXPECT_EQ(group.commands(3), group.commands(1));
  }
}

TEST(KnownBugs, Openraft2080AHealedMinorityComesBackWhateverTheSettings) {
  // Each server with its own mixture of PreVote and CheckQuorum.
  for (uint32_t settings = 0; settings < 64; ++settings) {
    Cluster group(With([settings](Config& c) {
      c.pre_vote = settings >> (c.id - 1) & 1;
      c.check_quorum = settings >> (c.id + 2) & 1;
    }));
    const std::string what = absl::StrCat("settings ", settings);
    Live(group, 60);
    ASSERT_NE(group.leader(), kNone) << what;
    const NodeId leader = group.leader();
    const NodeId minority = leader % 3 + 1;
    group.Isolate(minority);
    Live(group, 60);
    group.Commit("x");
    group.Heal();
    Live(group, 80);
    ExpectStable(group, {1, 2, 3}, what);
    for (NodeId id : group.ids()) EXPECT_THAT(group.commands(id), ElementsAre("x")) << what;
    // And the other way round: the leader is cut off.
    group.Isolate(group.leader());
    Live(group, 60);
    group.Heal();
    Live(group, 80);
    ExpectStable(group, {1, 2, 3}, what);
    if (HasFailure()) return;
  }
}

TEST(KnownBugs, Etcd8501ALeaderOfAnOldTermLearnsThatItIs) {
  // With leases a message of an old term is answered, or two servers could each ignore the other.
  Cluster group(With([](Config& c) { c.pre_vote = false; }));
  group.Elect(1);
  group.Isolate(3);
  for (int i = 0; i < 3; ++i) group.TimeOut(3);
  group.Settle();
  group.Heal();
  group.Tick(1);
  group.Settle();
  EXPECT_GE(group.raft(1).term(), 4) << "has heard of the later term";
  Live(group, 60);
  ExpectStable(group, {1, 2, 3}, "afterwards");
}

}  // namespace
}  // namespace raft
