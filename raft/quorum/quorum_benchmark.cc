// How long a leader takes to find what is committed, on each acknowledgement.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "raft/test_random.h"
#include "raft/tracker/config.h"
#include "raft/tracker/progress_map.h"

namespace raft {
namespace {

tracker::Config Voters(NodeId first, int64_t n) {
  tracker::Config config;
  for (int64_t i = 0; i < n; ++i) config.voters.incoming.Insert(first + i);
  return config;
}

// Somewhere in the middle of their work.
tracker::ProgressMap ProgressOf(const tracker::Config& config, TestRandom& random) {
  tracker::ProgressMap progress({});
  progress.Reconcile(config, {}, 1);
  for (auto& [id, of_voter] : progress) of_voter.MaybeUpdate(random.Between(1, 1000));
  return progress;
}

void CommittedIndex(benchmark::State& state) {
  const tracker::Config config = Voters(1, state.range(0));
  TestRandom random(1);
  const tracker::ProgressMap progress = ProgressOf(config, random);
  for (auto _ : state) benchmark::DoNotOptimize(progress.CommittedIndex(config));
}
BENCHMARK(CommittedIndex)->DenseRange(1, 9, 2)->Arg(15);

void JointCommittedIndex(benchmark::State& state) {
  tracker::Config config = Voters(1, state.range(0));
  config.voters.outgoing = Voters(3, state.range(0)).voters.incoming;
  TestRandom random(1);
  const tracker::ProgressMap progress = ProgressOf(config, random);
  for (auto _ : state) benchmark::DoNotOptimize(progress.CommittedIndex(config));
}
BENCHMARK(JointCommittedIndex)->DenseRange(3, 7, 2);

// The same where between two questions one voter, nobody knows which, has acknowledged more. Takes
// the acknowledgement, too; with 0 voters in the question only that.
void AcknowledgeAndCommittedIndex(benchmark::State& state) {
  const tracker::Config config = Voters(1, std::max<int64_t>(state.range(0), 3));
  TestRandom random(1);
  tracker::ProgressMap progress = ProgressOf(config, random);
  constexpr size_t kSteps = 1024;
  std::vector<tracker::Progress*> who(kSteps);
  for (auto& voter : who) voter = &(progress.begin() + random.Below(progress.size()))->second;
  Index index = 1000;
  size_t step = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(who[step++ % kSteps]->MaybeUpdate(++index));
    if (state.range(0) > 0) benchmark::DoNotOptimize(progress.CommittedIndex(config));
  }
}
BENCHMARK(AcknowledgeAndCommittedIndex)->Arg(0)->DenseRange(3, 7, 2);

}  // namespace
}  // namespace raft
