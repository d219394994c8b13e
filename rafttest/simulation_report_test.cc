// The figures that many runs add up to.
#include "rafttest/simulation_report.h"

#include "gtest/gtest.h"

namespace rafttest {
namespace {

TEST(Durations, SaysHowLongMostTook) {
  Durations durations;
  EXPECT_EQ(durations.Describe(), "never asked for");
  for (SimTime ticks = 1; ticks <= 101; ++ticks) durations.Add(ticks * kTick, 200 * kTick);
  EXPECT_EQ(durations.Describe(), "p50 51, p99 100, max 101 ticks; at most 50 % of the bound");
}

TEST(SimulationReport, CountsRunsAndTimeOnceForACluster) {
  SimulationResult result;
  result.when = 36000 * kTick;  // An hour.
  result.coverage.Count(Seen::kElections, 3);
  result.service_bound = kTick;
  result.leader_bound = result.caught_up_bound = kTick;
  SimulationReport report;
  report.Add(result);
  report.Add(result);
  EXPECT_EQ(report.coverage()[Seen::kElections], 6);
  EXPECT_NE(report.Describe(60).find("2.0 simulated cluster-hours per CPU-minute"),
            std::string::npos)
      << report.Describe(60);
}

TEST(Coverage, NamesWhatIsMissing) {
  Coverage coverage;
  for (size_t i = 0; i < static_cast<size_t>(Seen::kCount); ++i) {
    if (static_cast<Seen>(i) != Seen::kThreeLeaders) coverage.Count(static_cast<Seen>(i));
  }
  EXPECT_EQ(coverage.Missing(), std::vector<absl::string_view>{"three leaders at once"});
}

}  // namespace
}  // namespace rafttest
