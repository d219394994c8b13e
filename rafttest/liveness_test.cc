// What must come about after all has healed (docs/testing.md, L1 to L3): each check fires for
// servers whose settings keep them from it.
#include <string>

#include "gtest/gtest.h"
#include "raft/config.h"
#include "raftpb/message.h"
#include "rafttest/faults.h"
#include "rafttest/simulation.h"

namespace rafttest {
namespace {

// A cluster in which little goes wrong, but for what a test adds.
SimulationOptions Calm() {
  SimulationOptions options;
  options.ticks = 300;
  options.servers = 3;
  options.spares = 0;
  options.faults.emplace();
  options.faults->propose_every = 2;
  options.faults->delay = 300;
  return options;
}

// What the first of some seeds violates, and in which words; empty if none does.
Violation WhatFires(SimulationOptions options, uint64_t seeds = 20) {
  for (options.seed = 1; options.seed <= seeds; ++options.seed) {
    const SimulationResult result = Simulation(options).Run();
    if (result.violation) return *result.violation;
  }
  return {};
}

TEST(Liveness, ACalmClusterHasNothingToReport) { EXPECT_EQ(WhatFires(Calm()).invariant, ""); }

// A leader may stay away whose appends of before healing were to arrive for a thousand ticks more.
TEST(Liveness, WhatWasSentBeforeHealingArrivesSoonOrNever) {
  SimulationOptions options = Calm();
  options.faults->propose_every = 1;
  options.ticks = 1000;
  options.faults->delay = 5 * kTick;
  options.faults->slow_type = static_cast<uint32_t>(raftpb::MessageType::kApp);
  const Violation violation = WhatFires(options, 100);  // In few of them the leader stays away.
  EXPECT_EQ(violation.invariant, "") << violation.what;
}

TEST(Liveness, L1NobodyEverCampaigns) {
  SimulationOptions options = Calm();
  options.configure = [](raft::Config& config) { config.election_tick = 1 << 30; };
  EXPECT_EQ(WhatFires(options).invariant, "L1");
}

TEST(Liveness, L2AFollowerWaitsForALostSnapshotForEver) {
  SimulationOptions options = Calm();
  options.faults->compact_every = 5;
  options.faults->lose_report = 1;
  options.faults->drop = 0.3;
  options.faults->crash_every = 40;
  options.faults->crash_lasts = 40;
  options.configure = [](raft::Config& config) { config.snapshot_patience = 0; };
  EXPECT_EQ(WhatFires(options).invariant, "L2");
}

TEST(Liveness, L3FollowersDoNotPassProposalsOn) {
  SimulationOptions options = Calm();
  options.configure = [](raft::Config& config) { config.disable_proposal_forwarding = true; };
  const Violation violation = WhatFires(options);
  EXPECT_EQ(violation.invariant, "L3");
  EXPECT_NE(violation.what.find("proposals are missing"), std::string::npos) << violation.what;
}

}  // namespace
}  // namespace rafttest
