#include "rafttest/simulation_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace rafttest {

void Durations::Add(SimTime took, SimTime bound) {
  took_.push_back(took);
  worst_share_ = std::max(worst_share_, static_cast<double>(took) / static_cast<double>(bound));
}

std::string Durations::Describe() const {
  if (took_.empty()) return "never asked for";
  std::vector<SimTime> sorted = took_;
  std::sort(sorted.begin(), sorted.end());
  const auto ticks = [&](double share) {
    const size_t at = static_cast<size_t>(share * static_cast<double>(sorted.size() - 1));
    return static_cast<double>(sorted[at]) / kTick;
  };
  return absl::StrFormat("p50 %.0f, p99 %.0f, max %.0f ticks; at most %.0f %% of the bound",
                         ticks(0.5), ticks(0.99), ticks(1), 100 * worst_share_);
}

std::string Describe(const DiskCoverage& disk) {
  return absl::StrCat("batches ", disk.batches, ", power cuts ", disk.power_cuts,
                      ", while recovering ", disk.cuts_while_recovering, ", processes killed ",
                      disk.process_deaths, ", torn tails ", disk.torn_tails, ", I/O errors ",
                      disk.io_errors, ", syncs failed ", disk.sync_failures, ", no space ",
                      disk.no_space, ", short ", disk.short_operations,
                      ", one bit damaged: refused ", disk.rot_refused, ", harmless ",
                      disk.rot_harmless, ", taken for a torn tail ", disk.rot_cut);
}

void SimulationReport::Add(const SimulationResult& result) {
  ++runs_;
  coverage_.Add(result.coverage);
  disk_.Add(result.disk);
  scenario_marks_ += result.scenario_marks;
  simulated_ += result.when;
  if (result.violation || result.service_bound == 0) return;  // Not asked to serve.
  leader_.Add(result.leader_after, result.leader_bound);
  catch_up_.Add(result.caught_up_after, result.caught_up_bound);
  service_.Add(result.service_after, result.service_bound);
}

std::string SimulationReport::Describe(double cpu_seconds) const {
  const double ticks = static_cast<double>(simulated_) / kTick;
  const double hours = ticks / 36000;
  return absl::StrCat(
      coverage_.Describe(), disk_.batches > 0 ? "\ndisks: " + rafttest::Describe(disk_) : "",
      "\nhealed, until all follow a leader: ", leader_.Describe(),
      "\nthen, until all have caught up: ", catch_up_.Describe(),
      "\nthen, until all have served: ", service_.Describe(),
      absl::StrFormat("\n%d runs, %.0f ticks, %.1f s of processor, %.1f simulated cluster-hours "
                      "per CPU-minute (ticks of 100 ms)",
                      runs_, ticks, cpu_seconds, hours / cpu_seconds * 60));
}

}  // namespace rafttest
