#include "raft/tracker/config.h"

#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "raft/test_random.h"

namespace raft::tracker {
namespace {

using quorum::Majority;

Majority RandomSet(TestRandom& random) {
  Majority ids;
  while (!random.OneIn(4)) ids.Insert(random.Between(1, 10));
  return ids;
}

TEST(ConfigTest, VisitsEverybodyOnceInAscendingOrder) {
  TestRandom random(1);
  for (int i = 0; i < 10'000; ++i) {
    const Config config{.voters = {.incoming = RandomSet(random), .outgoing = RandomSet(random)},
                        .learners = RandomSet(random),
                        .learners_next = RandomSet(random)};
    std::set<NodeId> all;
    for (const Majority* ids :
         {&config.voters.incoming, &config.voters.outgoing.ids(), &config.learners.ids()}) {
      all.insert(ids->begin(), ids->end());
    }
    std::vector<NodeId> visited;
    config.VisitTracked([&](NodeId id) { visited.push_back(id); });
    ASSERT_EQ(visited, std::vector<NodeId>(all.begin(), all.end())) << Describe(config);
    for (NodeId id = 0; id <= 11; ++id) ASSERT_EQ(config.Tracks(id), all.count(id) != 0) << id;
  }
}

TEST(ConfigTest, BecomesAConfState) {
  const Config config{.voters = {.incoming = Majority({3, 1}), .outgoing = Majority({2, 1})},
                      .learners = Majority({5, 4}),
                      .learners_next = Majority({2}),
                      .auto_leave = true};
  EXPECT_EQ(config.ToConfState(), (raftpb::ConfState{.voters = {1, 3},
                                                     .learners = {4, 5},
                                                     .voters_outgoing = {1, 2},
                                                     .learners_next = {2},
                                                     .auto_leave = true}));
  EXPECT_TRUE(config.joint());
  EXPECT_TRUE(Config{}.ToConfState().empty());
}

TEST(ConfigTest, IsDescribedByWhatIsThere) {
  EXPECT_EQ(Describe(Config{}), "voters=()");
  const Config config{.voters = {.incoming = Majority({1, 10}), .outgoing = Majority({1, 2})},
                      .learners = Majority({4}),
                      .learners_next = Majority({2}),
                      .auto_leave = true};
  EXPECT_EQ(Describe(config), "voters=(1 a)&&(1 2) learners=(4) learners_next=(2) autoleave");
}

}  // namespace
}  // namespace raft::tracker
