// That each scenario comes to the moment it is about, and that correct servers survive it.
#include "rafttest/scenario.h"

#include "gtest/gtest.h"
#include "rafttest/simulation.h"

namespace rafttest {
namespace {

class ScenarioTest : public testing::TestWithParam<Scenario> {};

TEST_P(ScenarioTest, ComesToItsMoment) {
  const Scenario& scenario = GetParam();
  uint64_t moments = 0;
  uint64_t shown = 0;
  // A violation that must be shown may take longer to find.
  const uint64_t seeds = scenario.shows_violation.empty() ? 8 : 100;
  for (uint64_t seed = 1; seed <= seeds && shown == 0; ++seed) {
    SimulationOptions options;
    options.seed = seed;
    options.ticks = 300;
    options.servers = scenario.servers;
    options.spares = scenario.spares;
    options.scenario = &scenario;
    const SimulationResult result = Simulation(options).Run();
    moments +=
        scenario.script != nullptr ? result.scenario_marks : result.coverage[scenario.moment];
    if (!result.violation) continue;
    ASSERT_EQ(result.violation->invariant, scenario.shows_violation)
        << "seed " << seed << ": " << result.violation->what;
    ++shown;
  }
  EXPECT_GT(moments, 0);
  EXPECT_EQ(shown > 0, !scenario.shows_violation.empty());
}

INSTANTIATE_TEST_SUITE_P(All, ScenarioTest, testing::ValuesIn(Scenarios()), [](const auto& info) {
  std::string name;
  for (char c : info.param.name) name += c == '-' ? '_' : c;
  return name;
});

TEST(Scenario, IsFoundByItsName) {
  EXPECT_EQ(FindScenario("bridge")->name, "bridge");
  EXPECT_EQ(FindScenario("no such thing"), nullptr);
}

}  // namespace
}  // namespace rafttest
