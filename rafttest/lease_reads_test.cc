// What a leader's lease is worth (§6.4.1): reads without a round are right as long as clocks run
// evenly, whatever else goes wrong, and the simulator shows that they are not when clocks do not.
#include <string>

#include "gtest/gtest.h"
#include "rafttest/simulation.h"

namespace rafttest {
namespace {

// Leaders are cut off all the time, and everybody is asked what there is.
Faults LeaseReads() {
  Faults faults;
  faults.lease_reads = true;
  faults.partition_every = 40;
  faults.partition_lasts = 40;
  faults.propose_every = 0.7;
  faults.read_every = 0.3;
  faults.delay = 300;
  faults.crash_every = 60;
  faults.crash_lasts = 3;
  faults.membership_every = 60;
  faults.transfer_every = 100;
  return faults;
}

SimulationResult RunSeed(uint64_t seed, const Faults& faults, size_t servers = 5) {
  SimulationOptions options;
  options.seed = seed;
  options.ticks = 500;
  options.check_liveness = false;
  options.faults = faults;
  options.servers = servers;
  options.spares = servers == 3 ? 0 : 2;
  return Simulation(options).Run();
}

TEST(LeaseReads, AreRightWhileClocksRunEvenly) {
  Coverage seen;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const SimulationResult result = RunSeed(seed, LeaseReads());
    ASSERT_FALSE(result.violation.has_value())
        << "seed " << seed << ": " << result.violation->invariant << ", " << result.violation->what;
    seen.Add(result.coverage);
  }
  EXPECT_GT(seen[Seen::kElections], 25);
  EXPECT_GT(seen[Seen::kReadsAnswered], 3000);
}

// What the first of a hundred seeds violates; empty if none does.
std::string WhatFires(const Faults& faults, size_t servers) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const SimulationResult result = RunSeed(seed, faults, servers);
    if (result.violation) return result.violation->invariant;
  }
  return "";
}

TEST(LeaseReads, AreWrongWhereClocksDrift) {
  Faults faults = LeaseReads();
  faults.crash_every = faults.membership_every = faults.transfer_every = 0;
  faults.clock_skew = 1;  // From half as fast to half as fast again.
  EXPECT_EQ(WhatFires(faults, 3), "R1");
}

TEST(LeaseReads, AreWrongWhereAServerSleeps) {
  Faults faults = LeaseReads();
  faults.pause_every = 20;  // Its ticks stop, and those of the others do not.
  faults.pause_lasts = 20;
  EXPECT_EQ(WhatFires(faults, 5), "R1");
}

}  // namespace
}  // namespace rafttest
