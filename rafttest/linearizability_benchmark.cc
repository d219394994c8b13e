// What it costs to check the histories of clients.
#include "benchmark/benchmark.h"
#include "rafttest/linearizability.h"
#include "rafttest/random.h"
#include "rafttest/testing/register_history.h"

namespace rafttest {
namespace {

// Ten clients of one key; that is harder than many keys.
void BM_LinearizableHistory(benchmark::State& state) {
  Random random(1);
  const double unknown = static_cast<double>(state.range(1)) / 100;
  const std::vector<Operation> history =
      testing::RegisterHistory(static_cast<size_t>(state.range(0)), 10, unknown, random);
  LinearizabilityResult result;
  for (auto _ : state) {
    result = CheckLinearizability(history);
    if (!result.linearizable()) state.SkipWithError("not linearizable");
  }
  state.counters["configurations"] = static_cast<double>(result.configurations);
}
BENCHMARK(BM_LinearizableHistory)
    ->ArgNames({"operations", "unknown_percent"})
    ->Args({10000, 0})
    ->Args({10000, 1})
    ->Args({10000, 5})
    ->Unit(benchmark::kMillisecond);

// One read near the end contradicts the rest, and the contradiction is searched for, too.
void BM_ContradictoryHistory(benchmark::State& state) {
  Random random(1);
  const double unknown = static_cast<double>(state.range(1)) / 100;
  std::vector<Operation> history =
      testing::RegisterHistory(static_cast<size_t>(state.range(0)), 10, unknown, random);
  size_t victim = history.size() - 100;
  while (history[victim].action != "get" || !history[victim].returned) ++victim;
  history[victim].result.reset();  // As if nobody had written before.
  LinearizabilityResult result;
  for (auto _ : state) {
    result = CheckLinearizability(history);
    if (result.linearizable()) state.SkipWithError("linearizable");
  }
  state.counters["configurations"] = static_cast<double>(result.configurations);
  state.counters["shown"] = static_cast<double>(result.contradiction.size());
}
BENCHMARK(BM_ContradictoryHistory)
    ->ArgNames({"operations", "unknown_percent"})
    ->Args({10000, 0})
    ->Args({10000, 1})
    ->Args({10000, 5})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace rafttest
