// What is measured while a member works: what cannot be asked for afterwards.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_METERS_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_METERS_H_

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "examples/raftexample/metrics/call_meter.h"
#include "prometheus/counter.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace raftexample {

// Thread-safe. What a member can be asked (revisions, sizes, who leads) is not here but collected
// when somebody wants to know (member_metrics.h). Names are etcd's where the meaning is the same.
class Meters {
 public:
  Meters();

  prometheus::Registry registry;

  prometheus::Histogram& log_sync;      // Writing one batch to the log, with its sync.
  prometheus::Histogram& store_commit;  // Flushing one batch of the state machine.
  prometheus::Histogram& apply;         // One command.
  prometheus::Counter& failed_proposals;
  prometheus::Counter& slow_applies;
  prometheus::Counter& slow_calls;
  CallMeter calls{registry};
};

// Tells a histogram how long it lived.
class Stopwatch {
 public:
  explicit Stopwatch(prometheus::Histogram& histogram) : histogram_(histogram) {}
  ~Stopwatch() { histogram_.Observe(absl::ToDoubleSeconds(absl::Now() - start_)); }
  Stopwatch(const Stopwatch&) = delete;

 private:
  prometheus::Histogram& histogram_;
  const absl::Time start_ = absl::Now();
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_METERS_H_
