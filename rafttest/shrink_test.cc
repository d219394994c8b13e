#include "rafttest/shrink.h"

#include "gtest/gtest.h"

namespace rafttest {
namespace {

SimulationOptions Wild() {
  SimulationOptions options;
  options.seed = 5;
  options.ticks = 100;
  return options;
}

// Played failures: the real core has none to shrink.
TEST(Shrink, LeavesWhatTheFailureNeeds) {
  const auto crashed_twice = [](const SimulationResult& result) {
    return result.coverage[Seen::kCrashes] >= 2;
  };
  SimulationOptions options = Wild();
  while (!crashed_twice(Simulation(options).Run())) ++options.seed;
  const Shrunk shrunk = Shrink(options, crashed_twice);
  EXPECT_TRUE(crashed_twice(shrunk.result));
  EXPECT_EQ(Simulation(shrunk.options).Run().trace_hash, shrunk.result.trace_hash);
  EXPECT_EQ(shrunk.options.spares, 0);
  EXPECT_EQ(shrunk.options.servers, 1);
  EXPECT_LT(shrunk.options.ticks, 100);
  const Faults& faults = *shrunk.options.faults;
  EXPECT_TRUE(faults.crash_every > 0 || faults.crash_all_every > 0);
  EXPECT_EQ(faults.drop, 0);
  EXPECT_EQ(faults.partition_every, 0);
  EXPECT_TRUE(faults.pre_vote);
}

TEST(Shrink, EndsWhenItsRunsAreUsedUp) {
  const auto always = [](const SimulationResult&) { return true; };
  const Shrunk shrunk = Shrink(Wild(), always, /*max_runs=*/5);
  EXPECT_EQ(shrunk.runs, 5);
}

TEST(Shrink, KeepsTheRunIfNothingSmallerFails) {
  const uint64_t hash = Simulation(Wild()).Run().trace_hash;
  const auto exactly_this = [&](const SimulationResult& result) {
    return result.trace_hash == hash;
  };
  const Shrunk shrunk = Shrink(Wild(), exactly_this, /*max_runs=*/60);
  EXPECT_EQ(shrunk.result.trace_hash, hash);
  EXPECT_EQ(shrunk.options.seed, 5);
  EXPECT_EQ(Simulation(shrunk.options).Run().trace_hash, hash) << "with its faults spelled out";
}

}  // namespace
}  // namespace rafttest
