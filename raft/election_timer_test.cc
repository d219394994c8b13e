// The timer counts ticks and nothing else: when it is due, for how long a lease lasts, and that
// skipping ticks in one call is the same as taking them one by one.
#include "raft/election_timer.h"

#include <limits>
#include <set>

#include "gtest/gtest.h"
#include "raft/test_random.h"

namespace raft {
namespace {

TEST(ElectionTimer, ElectionIsDueAfterTheTimeoutAndNotBefore) {
  ElectionTimer timer(10, 1, 7);
  const uint32_t timeout = timer.UntilElection();
  timer.AdvanceFollower(timeout - 1);
  EXPECT_FALSE(timer.ElectionDue());
  EXPECT_EQ(timer.UntilElection(), 1);
  timer.AdvanceFollower(1);
  EXPECT_TRUE(timer.ElectionDue());
  EXPECT_EQ(timer.UntilElection(), 1) << "never 0: whoever waits for it waits at least a tick";
}

TEST(ElectionTimer, TimeoutsAreDrawnFromOneToTwoElectionTicks) {
  ElectionTimer timer(5, 1, 1);
  std::set<uint32_t> drawn;
  for (int i = 0; i < 200; ++i) {
    timer.Restart();
    drawn.insert(timer.UntilElection());
  }
  EXPECT_EQ(drawn, (std::set<uint32_t>{5, 6, 7, 8, 9}));
}

TEST(ElectionTimer, TheSameSeedGivesTheSameTimeouts) {
  ElectionTimer a(100, 1, 42);
  ElectionTimer b(100, 1, 42);
  ElectionTimer c(100, 1, 43);
  int differences = 0;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(a.UntilElection(), b.UntilElection());
    differences += a.UntilElection() != c.UntilElection();
    a.Restart();
    b.Restart();
    c.Restart();
  }
  EXPECT_GT(differences, 80);
}

TEST(ElectionTimer, HearingOfTheLeaderKeepsTheTimeout) {
  ElectionTimer timer(10, 1, 3);
  const uint32_t timeout = timer.UntilElection();
  timer.AdvanceFollower(4);
  timer.RestartElapsed();
  EXPECT_EQ(timer.elapsed(), 0);
  EXPECT_EQ(timer.UntilElection(), timeout);
}

TEST(ElectionTimer, ALeaseLastsForOneElectionTick) {
  ElectionTimer timer(10, 1, 3);
  EXPECT_EQ(timer.election_tick(), 10);
  timer.AdvanceFollower(9);
  EXPECT_TRUE(timer.InLease());
  timer.AdvanceFollower(1);
  EXPECT_FALSE(timer.InLease());
}

TEST(ElectionTimer, ALeaderCountsTwice) {
  ElectionTimer timer(10, 3, 1);
  EXPECT_EQ(timer.UntilLeaderDue(), 3);
  timer.AdvanceLeader(2);
  EXPECT_FALSE(timer.HeartbeatDue());
  timer.AdvanceLeader(1);
  EXPECT_TRUE(timer.HeartbeatDue());
  timer.RestartHeartbeat();
  EXPECT_FALSE(timer.HeartbeatDue());
  timer.AdvanceLeader(6);
  timer.RestartHeartbeat();
  EXPECT_EQ(timer.UntilLeaderDue(), 1) << "the quorum check comes before the next heartbeat";
  timer.AdvanceLeader(1);
  EXPECT_TRUE(timer.QuorumCheckDue());
  EXPECT_FALSE(timer.HeartbeatDue());
  timer.Restart();
  EXPECT_FALSE(timer.QuorumCheckDue());
  EXPECT_EQ(timer.UntilLeaderDue(), 3);
}

TEST(ElectionTimer, CountingStopsBeforeItCouldWrap) {
  ElectionTimer timer(10, 1, 1);
  for (uint32_t ticks : {1u << 31, 1u << 31, std::numeric_limits<uint32_t>::max(), 1u, 2u}) {
    timer.AdvanceFollower(ticks);
    timer.AdvanceLeader(ticks);
    EXPECT_TRUE(timer.ElectionDue());
    EXPECT_TRUE(timer.QuorumCheckDue());
    EXPECT_TRUE(timer.HeartbeatDue());
    EXPECT_FALSE(timer.InLease());
  }
}

TEST(ElectionTimer, AdvancingByManyIsAdvancingOneByOne) {
  TestRandom random(1);
  for (int round = 0; round < 1000; ++round) {
    const auto election_tick = static_cast<uint32_t>(random.Between(2, 30));
    const auto heartbeat_tick = static_cast<uint32_t>(random.Between(1, election_tick - 1));
    const uint64_t seed = random.Next();
    ElectionTimer at_once(election_tick, heartbeat_tick, seed);
    ElectionTimer one_by_one(election_tick, heartbeat_tick, seed);
    const auto ticks = static_cast<uint32_t>(random.Below(3 * election_tick));
    const bool leads = random.OneIn(2);
    if (leads) {
      at_once.AdvanceLeader(ticks);
    } else {
      at_once.AdvanceFollower(ticks);
    }
    for (uint32_t i = 0; i < ticks; ++i) {
      if (leads) {
        one_by_one.AdvanceLeader(1);
      } else {
        one_by_one.AdvanceFollower(1);
      }
    }
    ASSERT_EQ(at_once.elapsed(), one_by_one.elapsed());
    ASSERT_EQ(at_once.UntilElection(), one_by_one.UntilElection());
    ASSERT_EQ(at_once.UntilLeaderDue(), one_by_one.UntilLeaderDue());
    ASSERT_EQ(at_once.InLease(), one_by_one.InLease());
  }
}

}  // namespace
}  // namespace raft
