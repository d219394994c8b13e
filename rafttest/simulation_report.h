// What many simulated runs add up to.
#ifndef RAFT_RAFTTEST_SIMULATION_REPORT_H_
#define RAFT_RAFTTEST_SIMULATION_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "rafttest/coverage.h"
#include "rafttest/simulation.h"

namespace rafttest {

// How long something took, over many runs, and the most that it ever used of what it was allowed.
class Durations {
 public:
  void Add(SimTime took, SimTime bound);
  // `p50 3, p99 41, max 55 ticks; at most 9 % of the bound`.
  std::string Describe() const;

 private:
  std::vector<SimTime> took_;
  double worst_share_ = 0;
};

// What happened to the disks of the real log, in a line.
std::string Describe(const DiskCoverage& disk);

class SimulationReport {
 public:
  void Add(const SimulationResult& result);

  const Coverage& coverage() const { return coverage_; }
  uint64_t scenario_marks() const { return scenario_marks_; }
  // A few lines. Simulated time counts once for a cluster, however many servers it has; a tick
  // stands for 100 ms.
  std::string Describe(double cpu_seconds) const;

 private:
  Coverage coverage_;
  uint64_t runs_ = 0;
  DiskCoverage disk_;
  uint64_t scenario_marks_ = 0;
  SimTime simulated_ = 0;
  Durations leader_;
  Durations catch_up_;
  Durations service_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SIMULATION_REPORT_H_
