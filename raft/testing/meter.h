// What one operation of a benchmark takes.
#ifndef RAFT_RAFT_TESTING_METER_H_
#define RAFT_RAFT_TESTING_METER_H_

#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>

#include "absl/types/optional.h"
#include "raftpb/allocation_counter.h"

namespace raft::testing {

// Counts while it runs, from its construction on: processor time, which a busy machine does not
// stretch; what the thread allocates; and messages, if it is told where their number stands.
class Meter {
 public:
  using MessageCount = std::function<uint64_t()>;  // Of all that were sent so far.

  explicit Meter(
      benchmark::State& state, MessageCount messages = [] { return uint64_t{0}; });

  // Around what is not to be measured. Pausing twice is pausing once.
  void Pause();
  void Resume();

  // Sets the counters ns_per_op, allocs_per_op, bytes_per_op and msgs_per_op of the benchmark, and
  // pauses. `payload_allocations` of each operation are the caller's own, and are taken off.
  void Report(double operations, double payload_allocations = 0);

 private:
  benchmark::State& state_;
  MessageCount message_count_;
  // Of the time before the last pause.
  double nanoseconds_ = 0;
  uint64_t allocations_ = 0;
  uint64_t bytes_ = 0;
  uint64_t messages_ = 0;
  // Where things stood when it was resumed. There is a counter while it runs.
  double resumed_at_ = 0;
  uint64_t messages_before_ = 0;
  absl::optional<raftpb::AllocationCounter> counter_;
};

}  // namespace raft::testing

#endif  // RAFT_RAFT_TESTING_METER_H_
