// From a run that fails to a smaller one that fails, too: fewer servers, fewer faults, less time.
#ifndef RAFT_RAFTTEST_SHRINK_H_
#define RAFT_RAFTTEST_SHRINK_H_

#include <cstddef>

#include "absl/functional/function_ref.h"
#include "rafttest/simulation.h"

namespace rafttest {

struct Shrunk {
  SimulationOptions options;  // With the seed and the faults of the smaller run.
  SimulationResult result;
  size_t runs = 0;  // Simulations it took.
};

// `fails` tells the runs that show what is looked for, such as a violation of one invariant; the
// run of `failing` must be one. A run is a function of all its parameters, so that with one fault
// less the same seed is another run: for each smaller candidate some neighbouring seeds are tried.
// Ends when no candidate fails any more, or after max_runs.
Shrunk Shrink(const SimulationOptions& failing,
              absl::FunctionRef<bool(const SimulationResult&)> fails, size_t max_runs = 20000);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SHRINK_H_
