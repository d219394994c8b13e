// Whatever happens between two Readys costs one append and at most one heartbeat for each peer, and
// a follower acknowledges once for each of its Readys; counted exactly. With immediate_sends every
// step sends, and the outcome is the same: the flag decides when messages leave, not what happens.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "raft/test_random.h"
#include "raft/testing/cluster.h"
#include "raftpb/describe.h"

namespace raft {
namespace {

using raftpb::Message;
using raftpb::MessageType;
using testing::Cluster;
using testing::ClusterOptions;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

ClusterOptions Sending(bool immediately) {
  ClusterOptions options;
  options.configure = [immediately](Config& config) { config.immediate_sends = immediately; };
  return options;
}

// A group whose leader, server 1, has nothing more to tell.
std::unique_ptr<Cluster> Quiet(ClusterOptions options = {}) {
  auto group = std::make_unique<Cluster>(std::move(options));
  group->Elect(1);
  group->sent().clear();
  return group;
}

TEST(Coalescing, SixtyFourProposalsMakeOneAppendForEachFollower) {
  const auto group = Quiet();
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(group->Propose(1, absl::StrCat(i)).ok());
  const std::vector<Message> sent = group->Flush(1);
  ASSERT_EQ(sent.size(), 2);
  for (size_t i : {0, 1}) {
    EXPECT_EQ(sent[i].type, MessageType::kApp);
    EXPECT_EQ(sent[i].to, i + 2);
    EXPECT_EQ(sent[i].entries.size(), 64);
  }
}

TEST(Coalescing, CommittingThemTakesEightMessages) {
  const auto group = Quiet();
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(group->Propose(1, absl::StrCat(i)).ok());
  group->Settle();
  for (NodeId id : group->ids()) EXPECT_EQ(group->commands(id).size(), 64);
  // Entries and their acknowledgements, the commit index and its acknowledgements.
  EXPECT_EQ(group->CountSent(MessageType::kApp), 4);
  EXPECT_EQ(group->CountSent(MessageType::kAppResp), 4);
  EXPECT_EQ(group->sent().size(), 8);
}

TEST(Coalescing, SixtyFourReadsMakeOneRoundOfHeartbeats) {
  const auto group = Quiet();
  for (int i = 0; i < 64; ++i) {
    ASSERT_TRUE(group->node(1).ReadIndex(absl::Cord(absl::StrCat(i))).ok());
  }
  group->Settle();
  ASSERT_EQ(group->reads(1).size(), 64);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(group->reads(1)[i].context, absl::StrCat(i));
  EXPECT_EQ(group->CountSent(MessageType::kHeartbeat, 2), 1);
  EXPECT_EQ(group->CountSent(MessageType::kHeartbeat, 3), 1);
  EXPECT_EQ(group->CountSent(MessageType::kHeartbeatResp, 1), 2);
  EXPECT_EQ(group->sent().size(), 4);
}

// Reads, a tick and a read again: one heartbeat says all of it.
TEST(Coalescing, AHeartbeatThatIsDueAnywayCarriesTheReads) {
  const auto group = Quiet();
  ASSERT_TRUE(group->node(1).ReadIndex(absl::Cord("a")).ok());
  group->Tick(1);
  ASSERT_TRUE(group->node(1).ReadIndex(absl::Cord("b")).ok());
  group->Settle();
  EXPECT_EQ(group->reads(1).size(), 2);
  EXPECT_EQ(group->CountSent(MessageType::kHeartbeat), 2);
}

TEST(Coalescing, AFollowerAcknowledgesOnceForEachReady) {
  const auto group = Quiet(Sending(true));  // So that there are many appends to acknowledge.
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(group->Propose(1, absl::StrCat(i)).ok());
  const std::vector<Message> appends = group->Flush(1);
  ASSERT_EQ(appends.size(), 20);

  for (bool immediately : {false, true}) {
    Cluster follower(Sending(immediately));
    follower.ExpectNoSafety();  // Its leader lives in the other group.
    follower.Receive({.type = MessageType::kApp,
                      .to = 2,
                      .from = 1,
                      .term = 1,
                      .entries = {{.term = 1, .index = 1}}});
    follower.Flush(2);
    for (const Message& m : appends) {
      if (m.to == 2) follower.Receive(m);
    }
    const std::vector<Message> acks = follower.Flush(2);
    ASSERT_EQ(acks.size(), immediately ? 10 : 1);
    EXPECT_EQ(acks.back().index, 11);
  }
}

TEST(Coalescing, ProposalsAndACommitShareAnAppend) {
  const auto group = Quiet();
  ASSERT_TRUE(group->Propose(1, "x").ok());
  for (const Message& m : group->Flush(1)) group->Receive(m);
  for (NodeId id : {2, 3}) {
    for (const Message& m : group->Flush(id)) group->Receive(m);
  }
  ASSERT_TRUE(group->Propose(1, "y").ok());
  const std::vector<Message> sent = group->Flush(1);
  ASSERT_EQ(sent.size(), 2);
  for (const Message& m : sent) {
    EXPECT_EQ(m.entries.size(), 1) << "y";
    EXPECT_EQ(m.commit, 2) << "of x";
  }
}

TEST(Coalescing, AnAppendIsCutAtItsLimitAndTheRestFollowsAtOnce) {
  ClusterOptions options;
  options.configure = [](Config& config) {
    config.max_size_per_msg = 1000;
    config.max_committed_size_per_ready = kNoLimit;
  };
  const auto group = Quiet(std::move(options));
  const std::string payload(300, 'x');
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(group->Propose(1, payload).ok());
  std::vector<size_t> sizes;
  for (const Message& m : group->Flush(1)) {
    if (m.to == 2) sizes.push_back(m.entries.size());
  }
  EXPECT_THAT(sizes, ElementsAre(3, 3, 3, 1));
}

TEST(Coalescing, AQuietLeaderSendsNothing) {
  const auto group = Quiet();
  group->Settle();
  EXPECT_THAT(group->sent(), IsEmpty());
  EXPECT_FALSE(group->node(1).HasReady());
}

TEST(Coalescing, OneProposalCostsTheSameEitherWay) {
  for (bool immediately : {false, true}) {
    const auto group = Quiet(Sending(immediately));
    group->Commit("x");
    EXPECT_EQ(group->sent().size(), 8) << immediately;
  }
}

TEST(Coalescing, ImmediatelyEveryStepSends) {
  const auto group = Quiet(Sending(true));
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(group->Propose(1, absl::StrCat(i)).ok());
  EXPECT_EQ(group->Flush(1).size(), 128);
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(group->node(1).ReadIndex(absl::Cord("r")).ok());
  EXPECT_EQ(group->Flush(1).size(), 128);
}

// The same calls, at servers with either setting: the same log, the same applied commands, the same
// answers. Messages may be lost, and time passes, alike for both.
TEST(Coalescing, TheOutcomeIsThatOfImmediateSends) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    const auto coalescing = Quiet(Sending(false));
    const auto immediate = Quiet(Sending(true));
    TestRandom random(seed);
    for (int step = 0; step < 60; ++step) {
      const NodeId at = random.Between(1, 3);
      const uint64_t what = random.Below(6);
      const uint64_t count = random.Between(1, 8);
      for (Cluster* group : {coalescing.get(), immediate.get()}) {
        switch (what) {
          case 0: group->Isolate(at == 1 ? 2 : at); break;  // The leader keeps a quorum.
          case 1:
            for (uint64_t i = 0; i < count; ++i) {
              ASSERT_TRUE(group->node(1).ReadIndex(absl::Cord(absl::StrCat(step))).ok());
            }
            break;
          case 2: group->Heal(); break;
          case 3: group->Tick(1); break;
          default:
            for (uint64_t i = 0; i < count; ++i) {
              ASSERT_TRUE(group->Propose(1, absl::StrCat(step, ".", i)).ok());
            }
        }
        group->Settle();
        if (what == 0) group->Heal();
      }
    }
    for (Cluster* group : {coalescing.get(), immediate.get()}) {
      group->Heal();
      group->Tick(1);
      group->Settle();
    }
    EXPECT_GT(coalescing->commands(1).size(), 50);
    for (NodeId id : coalescing->ids()) {
      EXPECT_EQ(coalescing->commands(id), immediate->commands(id)) << id;
      EXPECT_EQ(coalescing->TermsOf(id), immediate->TermsOf(id)) << id;
    }
    EXPECT_EQ(coalescing->reads(1), immediate->reads(1));
    EXPECT_LT(coalescing->sent().size(), immediate->sent().size());
  }
}

}  // namespace
}  // namespace raft
