// The checks are not blind: each property is broken on purpose, by forged messages or by a disk
// that forgets, and the check for it speaks up.
#include "raft/testing/safety.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "raft/testing/cluster.h"

namespace raft::testing {
namespace {

using raftpb::Message;
using raftpb::MessageType;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SafetyTest : public ::testing::Test {
 protected:
  Cluster Group(std::vector<NodeId> voters = {1, 2, 3}) {
    ClusterOptions options;
    options.voters = std::move(voters);
    options.configure = [](Config& config) {
      config.pre_vote = false;
      config.check_quorum = false;
    };
    options.on_violation = [this](const std::string& what) { violations_.push_back(what); };
    return Cluster(std::move(options));
  }

  // Server `id` wins the next term by a vote that nobody has cast.
  static void Crown(Cluster& group, NodeId id) {
    group.TimeOut(id);
    group.Flush(id);
    group.Receive({.type = MessageType::kVoteResp,
                   .to = id,
                   .from = id % 3 + 1,
                   .term = group.raft(id).term()});
    ASSERT_EQ(group.raft(id).role(), Role::kLeader);
  }

  static void ForgeAck(Cluster& group, NodeId to, Index index) {
    group.Receive({.type = MessageType::kAppResp,
                   .to = to,
                   .from = to % 3 + 1,
                   .term = group.raft(to).term(),
                   .index = index});
  }

  void ExpectViolated(const std::string& rule) {
    EXPECT_THAT(violations_, Contains(HasSubstr(rule)));
  }

  std::vector<std::string> violations_;
};

TEST_F(SafetyTest, HasNothingToSayAboutAnHonestGroup) {
  Cluster group = Group();
  group.Elect(1);
  group.Commit("x");
  group.Restart(2);
  group.Elect(2);
  group.Commit("y");
  EXPECT_THAT(violations_, IsEmpty());
  EXPECT_EQ(group.CommittedAnywhere(), 4);
}

TEST_F(SafetyTest, TwoLeadersOfOneTerm) {
  Cluster group = Group();
  Crown(group, 1);
  Crown(group, 2);
  ExpectViolated("Election Safety");
}

TEST_F(SafetyTest, TwoLeadersOfOneTermThatNeverLivedTogether) {
  Cluster group = Group();
  Crown(group, 1);
  group.Restart(1);
  EXPECT_THAT(violations_, IsEmpty());
  Crown(group, 2);
  ExpectViolated("Election Safety");
}

TEST_F(SafetyTest, TwoEntriesOfOnePosition) {
  Cluster group = Group();
  Crown(group, 1);
  ASSERT_TRUE(group.Propose(1, "x").ok());
  Crown(group, 2);
  EXPECT_TRUE(group.Propose(2, "y").ok());
  ExpectViolated("Log Matching");
}

TEST_F(SafetyTest, AnEntryThatAQuorumDoesNotHave) {
  Cluster group = Group();
  Crown(group, 1);
  group.Flush(1);
  ForgeAck(group, 1, 1);
  ExpectViolated("commit what a quorum has stored");
  ExpectViolated("match is stored at the follower");
}

TEST_F(SafetyTest, TwoEntriesCommittedAtOneIndex) {
  Cluster group = Group();
  Crown(group, 1);
  group.Flush(1);
  ForgeAck(group, 1, 1);
  group.TimeOut(2);  // The next term, so that the entries differ.
  group.Flush(2);
  Crown(group, 2);
  group.Flush(2);
  ExpectViolated("Leader Completeness");
  ForgeAck(group, 2, 1);
  ExpectViolated("State Machine Safety");
}

TEST_F(SafetyTest, ALeaderThatForgetsWhatItHas) {
  Cluster group = Group();
  Crown(group, 1);
  group.Flush(1);
  ASSERT_TRUE(group.Propose(1, "x").ok());
  group.HandleReady(1);
  // Its memory is exchanged for that of a server that knows less, and still leads.
  group.raft(1).log().Restore(
      std::make_shared<raftpb::Snapshot>(raftpb::Snapshot{.metadata = {.index = 1, .term = 1}}));
  group.Tick(1);
  ExpectViolated("Leader Append-Only");
}

TEST_F(SafetyTest, ATermThatIsNotStored) {
  Cluster group = Group();
  group.Elect(1);
  group.storage(1).SetHardState({});
  group.Tick(1);
  group.Flush(1);
  ExpectViolated("an asserted term is stored");
}

TEST_F(SafetyTest, AnAcknowledgedEntryThatIsNotStored) {
  Cluster group = Group();
  group.Elect(1);
  const raftpb::HardState stored = group.storage(2).hard_state();
  group.storage(2) = storage::MemoryStorage();
  group.storage(2).SetHardState(stored);
  group.Receive({.type = MessageType::kApp, .to = 2, .from = 1, .term = 1});
  group.Flush(2);
  ExpectViolated("an acknowledged entry is stored");
}

TEST_F(SafetyTest, TwoVotesInATerm) {
  Cluster group = Group();
  group.Receive({.type = MessageType::kVote, .to = 1, .from = 2, .term = 1});
  group.Flush(1);
  EXPECT_THAT(violations_, IsEmpty());
  group.storage(1).SetHardState({.term = 1});  // The disk forgets.
  group.Restart(1);
  group.Receive({.type = MessageType::kVote, .to = 1, .from = 3, .term = 1});
  group.Flush(1);
  ExpectViolated("one vote in a term");
}

TEST_F(SafetyTest, AVoteThatIsNotStored) {
  Cluster group = Group();
  group.Receive({.type = MessageType::kVote, .to = 1, .from = 2, .term = 1});
  group.Flush(1);
  group.storage(1).SetHardState({.term = 1});
  group.Receive({.type = MessageType::kVote, .to = 1, .from = 2, .term = 1});
  group.Flush(1);
  ExpectViolated("a granted vote is stored");
}

}  // namespace
}  // namespace raft::testing
