#include "raft/quorum/majority.h"

#include <map>
#include <vector>

#include "gtest/gtest.h"
#include "raft/test_random.h"

namespace raft::quorum {
namespace {

constexpr int kCases = 1'000'000;

// From the definition: the largest index that more than half of the voters have acknowledged.
Index NaiveCommittedIndex(const std::vector<Index>& acked) {
  if (acked.empty()) return kInfinity;
  Index best = 0;
  for (Index candidate : acked) {
    size_t have = 0;
    for (Index index : acked) have += index >= candidate;
    if (2 * have > acked.size() && candidate > best) best = candidate;
  }
  return best;
}

// From the definition: a vote is decided once the voters that are still silent cannot turn it.
VoteResult NaiveTally(size_t voters, size_t yes, size_t no) {
  if (voters == 0) return VoteResult::kWon;
  const size_t silent = voters - yes - no;
  const auto wins_with = [voters](size_t n) { return 2 * n > voters; };
  if (wins_with(yes)) return VoteResult::kWon;
  return wins_with(yes + silent) ? VoteResult::kPending : VoteResult::kLost;
}

TEST(CommittedIndex, IsTheLargestThatAMajorityHas) {
  TestRandom random(1);
  std::vector<Index> acked;
  for (int i = 0; i < kCases; ++i) {
    // Mostly the small groups there are, with many equal values; sometimes large and wide.
    acked.resize(random.OneIn(50) ? random.Below(40) : random.Below(10));
    const uint64_t spread = random.OneIn(4) ? kInfinity : random.Between(1, 8);
    for (Index& index : acked) index = random.Below(spread);
    const Index expected = NaiveCommittedIndex(acked);
    const std::vector<Index> given = acked;
    ASSERT_EQ(CommittedIndex(absl::MakeSpan(acked)), expected) << ::testing::PrintToString(given);
  }
}

TEST(CommittedIndex, OfNobodyHoldsNothingBack) {
  EXPECT_EQ(CommittedIndex({}), kInfinity);
  EXPECT_EQ(Majority().CommittedIndex([](NodeId) { return absl::optional<Index>(7); }), kInfinity);
}

TEST(Tally, IsDecidedOnceTheSilentCannotTurnIt) {
  for (size_t voters = 0; voters <= 12; ++voters) {
    for (size_t yes = 0; yes <= voters; ++yes) {
      for (size_t no = 0; yes + no <= voters; ++no) {
        EXPECT_EQ(Tally(voters, yes, no), NaiveTally(voters, yes, no))
            << voters << " voters, " << yes << " yes, " << no << " no";
      }
    }
  }
}

TEST(MajorityTest, DecidesOnWhatItsMembersSayOnly) {
  TestRandom random(2);
  for (int i = 0; i < kCases / 10; ++i) {
    Majority voters;
    std::map<NodeId, Index> acked;
    std::map<NodeId, bool> votes;
    for (NodeId id = 1; id <= 9; ++id) {
      if (random.OneIn(2)) voters.Insert(id);
      if (random.OneIn(2)) acked[id] = random.Below(6);
      if (random.OneIn(2)) votes[id] = random.OneIn(2);
    }
    std::vector<Index> values;
    size_t yes = 0;
    size_t no = 0;
    for (NodeId id : voters) {
      values.push_back(acked.count(id) != 0 ? acked[id] : 0);
      if (votes.count(id) != 0) ++(votes[id] ? yes : no);
    }
    const auto ack_of = [&](NodeId id) -> absl::optional<Index> {
      const auto found = acked.find(id);
      return found == acked.end() ? absl::nullopt : absl::make_optional(found->second);
    };
    const auto vote_of = [&](NodeId id) -> absl::optional<bool> {
      const auto found = votes.find(id);
      return found == votes.end() ? absl::nullopt : absl::make_optional(found->second);
    };
    ASSERT_EQ(voters.CommittedIndex(ack_of), NaiveCommittedIndex(values));
    ASSERT_EQ(voters.CountVotes(vote_of), NaiveTally(voters.size(), yes, no));
  }
}

TEST(MajorityTest, IsAnAscendingSet) {
  Majority voters({5, 1, 3, 1, 5});
  EXPECT_EQ(std::vector<NodeId>(voters.begin(), voters.end()), (std::vector<NodeId>{1, 3, 5}));
  voters.Insert(4);
  voters.Insert(4);
  voters.Erase(1);
  voters.Erase(2);
  EXPECT_EQ(voters, Majority({3, 4, 5}));
  EXPECT_TRUE(voters.contains(4));
  EXPECT_FALSE(voters.contains(1));
  EXPECT_FALSE(voters.contains(6));
  voters.Clear();
  EXPECT_TRUE(voters.empty());
}

TEST(MajorityTest, IsDescribedInHexadecimal) {
  EXPECT_EQ(Describe(Majority({10, 2, 255})), "(2 a ff)");
  EXPECT_EQ(Describe(Majority()), "()");
}

TEST(DescribeAcks, DrawsABarOfHowManyAreBehind) {
  const std::map<NodeId, Index> acked = {{1, 100}, {2, 101}, {4, 100}, {17, 123456}};
  const auto ack_of = [&](NodeId id) -> absl::optional<Index> {
    const auto found = acked.find(id);
    return found == acked.end() ? absl::nullopt : absl::make_optional(found->second);
  };
  EXPECT_EQ(DescribeAcks(Majority({1, 2, 3, 4, 17}), ack_of),
            "         idx\n"
            "x>       100    (id=1)\n"
            "xxx>     101    (id=2)\n"
            "?          0    (id=3)\n"
            "x>       100    (id=4)\n"
            "xxxx>  123456    (id=11)\n");
  EXPECT_EQ(DescribeAcks(Majority(), ack_of), "<empty majority quorum>");
}

}  // namespace
}  // namespace raft::quorum
