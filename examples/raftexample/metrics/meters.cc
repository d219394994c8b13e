#include "examples/raftexample/metrics/meters.h"

namespace raftexample {
namespace {

// 2^0 .. 2^13 times the first.
prometheus::Histogram::BucketBoundaries Doubling(double first) {
  prometheus::Histogram::BucketBoundaries boundaries;
  for (int i = 0; i < 14; ++i) boundaries.push_back(first * (1 << i));
  return boundaries;
}

prometheus::Histogram& AddHistogram(prometheus::Registry& registry, const char* name,
                                    const char* help, double first) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({},
                                                                                   Doubling(first));
}

prometheus::Counter& AddCounter(prometheus::Registry& registry, const char* name,
                                const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

Meters::Meters()
    : log_sync(AddHistogram(registry, "etcd_disk_wal_fsync_duration_seconds",
                            "Time to write a batch to the log and sync it.", 0.001)),
      store_commit(AddHistogram(registry, "etcd_disk_backend_commit_duration_seconds",
                                "Time to commit a batch of the state machine to its file.", 0.001)),
      apply(AddHistogram(registry, "raftexample_apply_duration_seconds",
                         "Time to apply one command.", 0.000001)),
      failed_proposals(AddCounter(registry, "etcd_server_proposals_failed_total",
                                  "Proposals that were refused, or not applied in time.")),
      slow_applies(AddCounter(registry, "etcd_server_slow_apply_total",
                              "Commands that took over 100 ms to apply.")),
      slow_calls(AddCounter(registry, "raftexample_slow_calls_total",
                            "Unary calls that were answered after more than 300 ms.")) {}

}  // namespace raftexample
