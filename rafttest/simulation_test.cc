// That the simulator is a function of its seed, that correct servers survive it, and that it saw
// enough.
#include "rafttest/simulation.h"

#include "gtest/gtest.h"

namespace rafttest {
namespace {

SimulationResult RunSeed(uint64_t seed) {
  SimulationOptions options;
  options.seed = seed;
  options.ticks = 500;
  return Simulation(options).Run();
}

TEST(Simulation, CorrectServersSurviveEveryFault) {
  Coverage seen;
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    const SimulationResult result = RunSeed(seed);
    ASSERT_FALSE(result.violation.has_value())
        << "seed " << seed << ": " << result.violation->invariant << ", " << result.violation->what;
    seen.Add(result.coverage);
  }
  EXPECT_GT(seen[Seen::kElections], 25);
  EXPECT_GT(seen[Seen::kCrashes], 25);
  EXPECT_GT(seen[Seen::kPartitions], 10);
  EXPECT_GT(seen[Seen::kReplayed], 20);
  EXPECT_GT(seen[Seen::kSnapshotsSent], 5);
  EXPECT_GT(seen[Seen::kJointConfigurations], 10);
  EXPECT_GT(seen[Seen::kReadsAnswered], 20);
  EXPECT_GT(seen[Seen::kCommitted], 500);
}

TEST(Simulation, TheSameSeedIsTheSameRun) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    EXPECT_EQ(RunSeed(seed).trace_hash, RunSeed(seed).trace_hash);
    EXPECT_NE(RunSeed(seed).trace_hash, RunSeed(seed + 1000).trace_hash);
  }
}

// Writing what happens must not change it.
TEST(Simulation, ATraceChangesNothing) {
  SimulationOptions options;
  options.seed = 7;
  std::vector<std::string> trace;
  options.trace = &trace;
  options.ticks = 500;
  EXPECT_EQ(Simulation(options).Run().trace_hash, RunSeed(7).trace_hash);
  EXPECT_GT(trace.size(), 100);
}

}  // namespace
}  // namespace rafttest
