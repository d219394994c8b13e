// Calls of clients, counted and timed, by method and outcome.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_CALL_METER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_CALL_METER_H_

#include <chrono>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "prometheus/client_metric.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace raftexample {

// Under the names that gRPC servers written in Go have: grpc_server_started_total,
// grpc_server_handled_total, grpc_server_handling_seconds. Thread-safe.
class CallMeter {
 public:
  explicit CallMeter(prometheus::Registry& registry);

  // The method is told by its address: "/etcdserverpb.KV/Range", a constant that lives for ever.
  void Started(const char* method);
  void Finished(const char* method, absl::StatusCode code, std::chrono::nanoseconds took);

  // How long the calls of these methods took, together.
  prometheus::ClientMetric::Histogram Durations(
      std::initializer_list<absl::string_view> methods) const;

  // Whether a call of it has one request and one answer, so that its duration says something.
  static bool IsUnary(absl::string_view method);

 private:
  struct Method {
    absl::string_view name;
    prometheus::Labels labels;
    prometheus::Counter* started;
    prometheus::Histogram* handling;  // Null for streams.
    absl::Mutex mutex;
    std::map<absl::StatusCode, prometheus::Counter*> handled ABSL_GUARDED_BY(mutex);
  };

  Method& Find(const char* name);
  std::unique_ptr<Method> Make(absl::string_view name);

  prometheus::Family<prometheus::Counter>& started_;
  prometheus::Family<prometheus::Counter>& handled_;
  prometheus::Family<prometheus::Histogram>& handling_;

  mutable absl::Mutex mutex_;
  std::unordered_map<const char*, std::unique_ptr<Method>> methods_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_CALL_METER_H_
