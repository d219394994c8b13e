// A fixed piece of work, of the kinds that the library's benchmarks are made of: small allocations,
// and arithmetic over memory that fits a cache. Never to be made faster: tools/benchmark_guard
// divides by it, so that figures from different machines and days can be compared.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace {

void BM_Calibration(benchmark::State& state) {
  std::vector<uint64_t> words(2048, 1);
  std::array<std::unique_ptr<uint64_t[]>, 64> live;
  uint64_t hash = 0xcbf29ce484222325;
  size_t next = 0;
  for (auto _ : state) {
    for (int i = 0; i < 16; ++i) {
      live[next % live.size()] = std::make_unique<uint64_t[]>(8 + next % 16);
      live[next % live.size()][0] = hash;
      ++next;
    }
    for (uint64_t& word : words) {
      hash = (hash ^ word) * 0x100000001b3;
      word = hash >> 7;
    }
    benchmark::DoNotOptimize(hash);
  }
}
BENCHMARK(BM_Calibration);

}  // namespace
