#include "rafttest/sim_network.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace rafttest {
namespace {

constexpr int kTimes = 1000;

size_t CopiesOf(int messages, const Faults& faults) {
  const SimNetwork network(3, faults);
  Random random(1);
  std::vector<SimTime> delays;
  size_t copies = 0;
  for (int i = 0; i < messages; ++i) {
    network.Deliveries(1, {.to = 2}, random, delays);
    copies += delays.size();
  }
  return copies;
}

TEST(SimNetwork, WithoutFaultsEachMessageArrivesOnce) { EXPECT_EQ(CopiesOf(kTimes, {}), kTimes); }

TEST(SimNetwork, LosesAndDuplicatesAsOftenAsTold) {
  const size_t after_loss = CopiesOf(kTimes, {.drop = 0.3});
  EXPECT_GT(after_loss, kTimes * 6 / 10);
  EXPECT_LT(after_loss, kTimes * 8 / 10);
  const size_t with_copies = CopiesOf(kTimes, {.duplicate = 0.3});
  EXPECT_GT(with_copies, kTimes * 12 / 10);
  EXPECT_LT(with_copies, kTimes * 14 / 10);
}

TEST(SimNetwork, ACutIsOneWay) {
  const Faults faults;
  SimNetwork network(3, faults);
  network.Cut(1, 2);
  EXPECT_FALSE(network.Reaches(1, 2));
  EXPECT_TRUE(network.Reaches(2, 1));
  Random random(1);
  std::vector<SimTime> delays;
  network.Deliveries(1, {.to = 2}, random, delays);
  EXPECT_TRUE(delays.empty());
  network.HealAll();
  EXPECT_TRUE(network.Reaches(1, 2));
}

size_t LinksCut(const SimNetwork& network, size_t servers) {
  size_t cut = 0;
  for (raft::NodeId a = 1; a <= servers; ++a) {
    for (raft::NodeId b = 1; b <= servers; ++b) {
      if (a != b && !network.Reaches(a, b)) ++cut;
    }
  }
  return cut;
}

// Every shape comes up, and is what its name says.
TEST(SimNetwork, PartitionsHaveTheirShapes) {
  constexpr size_t kServers = 5;
  const Faults faults;
  Random random(1);
  std::vector<std::string> seen;
  for (int i = 0; i < kTimes; ++i) {
    SimNetwork network(kServers, faults);
    const std::string shape = network.CutSome(random, 1);
    const size_t cut = LinksCut(network, kServers);
    if (shape == "one alone") {
      EXPECT_EQ(cut, 2 * (kServers - 1));
    }
    if (shape == "one deaf" || shape == "one mute") {
      EXPECT_EQ(cut, kServers - 1);
    }
    if (shape == "two sides" || shape == "bridge") {
      EXPECT_GT(cut, 0);
      for (raft::NodeId a = 1; a <= kServers; ++a) {
        for (raft::NodeId b = 1; b <= kServers; ++b) {
          EXPECT_EQ(network.Reaches(a, b), network.Reaches(b, a)) << shape;
        }
      }
    }
    if (std::find(seen.begin(), seen.end(), shape) == seen.end()) seen.push_back(shape);
  }
  EXPECT_EQ(seen.size(), 6);
}

}  // namespace
}  // namespace rafttest
