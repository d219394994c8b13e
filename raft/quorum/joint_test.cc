#include "raft/quorum/joint.h"

#include <array>
#include <vector>

#include "gtest/gtest.h"
#include "raft/test_random.h"

namespace raft::quorum {
namespace {

constexpr int kCases = 1'000'000;
constexpr NodeId kServers = 7;

// Sets of servers 1..7 as bits, and the definition of a quorum (§4.3): more than half of each half
// that is not empty. Nothing here sorts, counts down or looks at one half only.
using Set = uint32_t;

Set Members(const Majority& voters) {
  Set set = 0;
  for (NodeId id : voters) set |= 1u << id;
  return set;
}

bool Agrees(Set half, Set who) {
  return half == 0 || 2 * __builtin_popcount(half & who) > __builtin_popcount(half);
}

// Voters, and the same as sets.
struct Case {
  Joint voters;
  Set incoming;
  Set outgoing;

  bool IsQuorum(Set who) const { return Agrees(incoming, who) && Agrees(outgoing, who); }
};

std::vector<Case> RandomCases(TestRandom& random) {
  std::vector<Case> cases(1000);
  for (Case& c : cases) {
    for (NodeId id = 1; id <= kServers; ++id) {
      if (random.OneIn(2)) c.voters.incoming.Insert(id);
      if (random.OneIn(2)) c.voters.outgoing.Insert(id);
    }
    if (random.OneIn(3)) c.voters.outgoing.Clear();
    c.incoming = Members(c.voters.incoming);
    c.outgoing = Members(c.voters.outgoing);
  }
  return cases;
}

TEST(JointTest, CommitsWhatBothMajoritiesHave) {
  TestRandom random(1);
  const std::vector<Case> cases = RandomCases(random);
  for (int i = 0; i < kCases; ++i) {
    const Case& c = cases[i % cases.size()];
    std::array<absl::optional<Index>, kServers + 1> acked;
    for (auto& index : acked) {
      if (!random.OneIn(4)) index = random.Below(5);
    }
    const auto ack_of = [&](NodeId id) { return acked[id]; };
    Index expected = kInfinity;
    if (!c.IsQuorum(0)) {
      // The largest index such that those who have it are a quorum.
      for (expected = 5; expected > 0; --expected) {
        Set who = 0;
        for (NodeId id = 1; id <= kServers; ++id) who |= Set{acked[id] >= expected} << id;
        if (c.IsQuorum(who)) break;
      }
    }
    ASSERT_EQ(c.voters.CommittedIndex(ack_of), expected) << Describe(c.voters);
  }
}

TEST(JointTest, VotesAreWonByBothAndLostByOne) {
  TestRandom random(2);
  const std::vector<Case> cases = RandomCases(random);
  for (int i = 0; i < kCases; ++i) {
    const Case& c = cases[i % cases.size()];
    std::array<absl::optional<bool>, kServers + 1> votes;
    Set yes = 0;
    Set silent = 0;
    for (NodeId id = 1; id <= kServers; ++id) {
      if (!random.OneIn(3)) votes[id] = random.OneIn(2);
      yes |= Set{votes[id] == true} << id;
      silent |= Set{!votes[id].has_value()} << id;
    }
    const VoteResult expected = c.IsQuorum(yes)            ? VoteResult::kWon
                                : c.IsQuorum(yes | silent) ? VoteResult::kPending
                                                           : VoteResult::kLost;
    ASSERT_EQ(c.voters.CountVotes([&](NodeId id) { return votes[id]; }), expected)
        << Describe(c.voters);
  }
}

TEST(JointTest, HalvesAreEqualPartners) {
  TestRandom random(3);
  for (const auto& [voters, in, out] : RandomCases(random)) {
    const Joint swapped{.incoming = voters.outgoing, .outgoing = voters.incoming};
    const Joint twice{.incoming = voters.incoming, .outgoing = voters.incoming};
    const auto ack_of = [&](NodeId id) { return absl::optional<Index>(id * 17 % 5); };
    EXPECT_EQ(voters.CommittedIndex(ack_of), swapped.CommittedIndex(ack_of));
    EXPECT_EQ(twice.CommittedIndex(ack_of), voters.incoming.CommittedIndex(ack_of));
  }
}

TEST(JointTest, KnowsItsMembers) {
  const Joint voters{.incoming = Majority({1, 2}), .outgoing = Majority({2, 10})};
  EXPECT_EQ(voters.All(), Majority({1, 2, 10}));
  EXPECT_TRUE(voters.contains(1));
  EXPECT_TRUE(voters.contains(10));
  EXPECT_FALSE(voters.contains(3));
}

TEST(JointTest, IsDescribedByBothHalves) {
  EXPECT_EQ(Describe(Joint{.incoming = Majority({1, 2, 3}), .outgoing = Majority({1, 10})}),
            "(1 2 3)&&(1 a)");
  EXPECT_EQ(Describe(Joint{.incoming = Majority({1, 2, 3}), .outgoing = {}}), "(1 2 3)");
}

}  // namespace
}  // namespace raft::quorum
