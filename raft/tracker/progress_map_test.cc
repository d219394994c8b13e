#include "raft/tracker/progress_map.h"

#include <map>
#include <vector>

#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "raft/test_random.h"

namespace raft::tracker {
namespace {

using quorum::Majority;

std::vector<NodeId> IdsOf(const ProgressMap& map) {
  std::vector<NodeId> ids;
  for (const auto& [id, progress] : map) ids.push_back(id);
  return ids;
}

Config RandomConfig(TestRandom& random, NodeId servers) {
  Config config;
  for (NodeId id = 1; id <= servers; ++id) {
    switch (random.Below(5)) {
      case 0: config.learners.Insert(id); break;
      case 1: config.voters.incoming.Insert(id); break;
      case 2: config.voters.outgoing.Insert(id); break;
      case 3:
        config.voters.incoming.Insert(id);
        config.voters.outgoing.Insert(id);
        break;
    }
  }
  if (random.OneIn(2)) config.voters.outgoing.Clear();
  return config;
}

TEST(ProgressMapTest, CommitsWhatAQuorumOfVotersHas) {
  TestRandom random(1);
  for (int i = 0; i < 50'000; ++i) {
    const Config config = RandomConfig(random, random.OneIn(20) ? 40 : 8);
    ProgressMap map({});
    map.Reconcile(config, {}, 1);
    for (auto& [id, progress] : map) progress.MaybeUpdate(random.Below(6));
    const Index expected = config.voters.CommittedIndex(
        [&](NodeId id) { return absl::make_optional(map.Find(id)->match()); });
    ASSERT_EQ(map.CommittedIndex(config), expected) << Describe(config);
  }
}

TEST(ProgressMapTest, AQuorumOfVotersIsActiveTheAskerIncluded) {
  TestRandom random(2);
  for (int i = 0; i < 20'000; ++i) {
    const Config config = RandomConfig(random, 8);
    const NodeId self = random.Between(1, 8);
    ProgressMap map({});
    map.Reconcile(config, {}, 1);
    for (auto& [id, progress] : map) progress.set_recently_active(random.OneIn(2));
    const auto is_active = [&](const Majority& half) {
      size_t active = 0;
      for (NodeId id : half) active += id == self || map.Find(id)->recently_active();
      return half.empty() || 2 * active > half.size();
    };
    ASSERT_EQ(map.QuorumActive(config, self),
              is_active(config.voters.incoming) && is_active(config.voters.outgoing))
        << Describe(config);
  }
}

TEST(ProgressMapTest, FollowsTheConfiguration) {
  TestRandom random(3);
  ProgressMap map({.max_inflight_msgs = 1, .max_inflight_bytes = 0});
  std::map<NodeId, Index> model;  // Everybody's match.
  for (int i = 0; i < 2'000; ++i) {
    const Config config = RandomConfig(random, 8);
    std::vector<NodeId> joined;
    std::map<NodeId, Index> expected;
    config.VisitTracked([&](NodeId id) {
      const bool anew = model.count(id) == 0 || random.OneIn(5);
      if (anew) joined.push_back(id);
      expected[id] = anew ? 0 : model[id];
    });
    map.Reconcile(config, joined, /*next=*/100);
    model = expected;

    ASSERT_EQ(map.size(), model.size());
    std::vector<NodeId> ids;
    for (const auto& [id, match] : model) ids.push_back(id);
    ASSERT_EQ(IdsOf(map), ids);
    for (NodeId id : joined) {
      ASSERT_EQ(map.Find(id)->next(), 100u);
      ASSERT_TRUE(map.Find(id)->recently_active());
    }
    for (auto& [id, match] : model) {
      ASSERT_EQ(map.Find(id)->match(), match) << id;
      match += random.Below(3);
      map.Find(id)->MaybeUpdate(match);
    }
    for (NodeId id = 0; id <= 9; ++id) ASSERT_EQ(map.Find(id) != nullptr, model.count(id) != 0);
  }
}

TEST(ProgressMapTest, GivesEverybodyTheSameWindow) {
  ProgressMap map({.max_inflight_msgs = 2, .max_inflight_bytes = 100});
  map.Reconcile({.voters = {.incoming = Majority({1, 2}), .outgoing = {}}}, {}, 1);
  map.Find(1)->BecomeReplicate();
  map.Find(1)->SentEntries(1, 100);
  EXPECT_TRUE(map.Find(1)->inflights().Full());
  map.Find(2)->BecomeReplicate();
  map.Find(2)->SentEntries(1, 1);
  EXPECT_FALSE(map.Find(2)->inflights().Full());
  map.Find(2)->SentEntries(1, 1);
  EXPECT_TRUE(map.Find(2)->inflights().Full());
}

TEST(ProgressMapTest, WhoIsNotTrackedHasAcknowledgedNothing) {
  ProgressMap map({});
  map.Reconcile({.voters = {.incoming = Majority({2, 3}), .outgoing = {}}}, {}, 1);
  for (auto& [id, progress] : map) progress.MaybeUpdate(7);
  EXPECT_EQ(map.CommittedIndex({.voters = {.incoming = Majority({1, 2}), .outgoing = {}}}), 0u);
}

TEST(ProgressMapDeathTest, MustFollowBeforeItIsAsked) {
  ProgressMap map({});
  const Config config{.voters = {.incoming = Majority({1, 2}), .outgoing = {}}};
  EXPECT_DEATH(map.CommittedIndex(config), "there is no progress of 2");
}

}  // namespace
}  // namespace raft::tracker
