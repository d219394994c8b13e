// What the operating system knows about this process.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_PROCESS_METRICS_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_PROCESS_METRICS_H_

#include <cstdint>

#include "examples/raftexample/metrics/families.h"
#include "prometheus/collectable.h"

namespace raftexample {

struct ProcessUse {
  double cpu_seconds = 0;  // In user and in system mode.
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t threads = 0;
  double start_time = 0;  // Seconds of Unix time.
};
ProcessUse UseOfProcess();

// The names that every Prometheus client library has (process_...).
class ProcessMetrics final : public prometheus::Collectable {
 public:
  Families Collect() const override;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_PROCESS_METRICS_H_
