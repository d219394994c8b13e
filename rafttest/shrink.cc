#include "rafttest/shrink.h"

#include <utility>
#include <vector>

namespace rafttest {
namespace {

constexpr uint64_t kSeedsTried = 40;

class Shrinker {
 public:
  Shrinker(const SimulationOptions& failing, absl::FunctionRef<bool(const SimulationResult&)> fails,
           size_t max_runs)
      : fails_(fails), max_runs_(max_runs) {
    best_.options = failing;
    best_.result = Run(failing);
    best_.options.faults = best_.result.faults;  // The drawn ones, to take away from.
    EndEarly();
  }

  Shrunk Take() {
    while (FewerServers() || FewerFaults() || LessTime()) {
    }
    best_.runs = runs_;
    return std::move(best_);
  }

 private:
  SimulationResult Run(const SimulationOptions& options) {
    ++runs_;
    return Simulation(options).Run();
  }

  // Keeps the candidate if it fails with some seed near that of the best.
  bool Try(SimulationOptions candidate) {
    const uint64_t first = candidate.seed;
    for (candidate.seed = first; candidate.seed < first + kSeedsTried; ++candidate.seed) {
      if (runs_ >= max_runs_) return false;
      SimulationResult result = Run(candidate);
      if (!fails_(result)) continue;
      best_.options = candidate;
      best_.result = std::move(result);
      EndEarly();
      return true;
    }
    return false;
  }

  // What comes after the violation does not matter.
  void EndEarly() {
    const uint64_t ticks = best_.result.when / kTick + 1;
    if (!best_.result.violation.has_value() || ticks >= best_.options.ticks) return;
    SimulationOptions shorter = best_.options;
    shorter.ticks = ticks;
    SimulationResult result = Run(shorter);
    if (!fails_(result)) return;  // It was violated only after healing.
    best_.options = shorter;
    best_.result = std::move(result);
  }

  bool FewerServers() {
    const SimulationOptions& now = best_.options;
    std::vector<std::pair<size_t, size_t>> sizes;  // Founders and spares.
    if (now.spares > 0) sizes.emplace_back(now.servers, now.spares - 1);
    if (now.servers > 1) sizes.emplace_back(now.servers - 1, now.spares);
    for (const auto& [servers, spares] : sizes) {
      SimulationOptions smaller = now;
      smaller.servers = servers;
      smaller.spares = spares;
      if (Try(std::move(smaller))) return true;
    }
    return false;
  }

  bool FewerFaults() {
    for (const Faults& calmer : best_.options.faults->Calmer()) {
      SimulationOptions smaller = best_.options;
      smaller.faults = calmer;
      if (Try(std::move(smaller))) return true;
    }
    return false;
  }

  bool LessTime() {
    for (const uint64_t part : {2, 4, 8}) {
      SimulationOptions shorter = best_.options;
      shorter.ticks -= shorter.ticks / part;
      if (shorter.ticks < best_.options.ticks && Try(std::move(shorter))) return true;
    }
    return false;
  }

  const absl::FunctionRef<bool(const SimulationResult&)> fails_;
  const size_t max_runs_;
  size_t runs_ = 0;
  Shrunk best_;
};

}  // namespace

Shrunk Shrink(const SimulationOptions& failing,
              absl::FunctionRef<bool(const SimulationResult&)> fails, size_t max_runs) {
  return Shrinker(failing, fails, max_runs).Take();
}

}  // namespace rafttest
