#include "examples/raftexample/metrics/call_meter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"

namespace raftexample {
namespace {

// Of the methods that are streams, as gRPC for Go calls them.
constexpr std::pair<absl::string_view, const char*> kStreams[] = {
    {"/etcdserverpb.Watch/Watch", "bidi_stream"},
    {"/etcdserverpb.Lease/LeaseKeepAlive", "bidi_stream"},
    {"/etcdserverpb.Maintenance/Snapshot", "server_stream"},
    {"/v3electionpb.Election/Observe", "server_stream"},
};

const char* TypeOf(absl::string_view method) {
  for (const auto& [name, type] : kStreams) {
    if (name == method) return type;
  }
  return "unary";
}

// gRPC's codes, in their order, as Go writes them.
constexpr const char* kCodes[] = {
    "OK",       "Canceled",        "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",   "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",      "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated",
};

const char* NameOf(absl::StatusCode code) {
  const auto number = static_cast<size_t>(code);
  return number < std::size(kCodes) ? kCodes[number] : "Unknown";
}

// The library's usual ones, and finer ones below.
const prometheus::Histogram::BucketBoundaries& Boundaries() {
  static const auto& boundaries = *new prometheus::Histogram::BucketBoundaries{
      .0001, .0002, .0005, .001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
  return boundaries;
}

}  // namespace

CallMeter::CallMeter(prometheus::Registry& registry)
    : started_(prometheus::BuildCounter()
                   .Name("grpc_server_started_total")
                   .Help("Calls that have begun.")
                   .Register(registry)),
      handled_(prometheus::BuildCounter()
                   .Name("grpc_server_handled_total")
                   .Help("Calls that have ended, whatever the outcome.")
                   .Register(registry)),
      handling_(prometheus::BuildHistogram()
                    .Name("grpc_server_handling_seconds")
                    .Help("Time from the request of a unary call to its answer.")
                    .Register(registry)) {}

bool CallMeter::IsUnary(absl::string_view method) {
  return absl::string_view(TypeOf(method)) == "unary";
}

void CallMeter::Started(const char* method) { Find(method).started->Increment(); }

void CallMeter::Finished(const char* name, absl::StatusCode code, std::chrono::nanoseconds took) {
  Method& method = Find(name);
  prometheus::Counter* handled = nullptr;
  {
    absl::MutexLock lock(&method.mutex);
    prometheus::Counter*& counter = method.handled[code];
    if (counter == nullptr) {
      prometheus::Labels labels = method.labels;
      labels["grpc_code"] = NameOf(code);
      counter = &handled_.Add(labels);
    }
    handled = counter;
  }
  handled->Increment();
  if (method.handling != nullptr) {
    method.handling->Observe(std::chrono::duration<double>(took).count());
  }
}

prometheus::ClientMetric::Histogram CallMeter::Durations(
    std::initializer_list<absl::string_view> methods) const {
  prometheus::ClientMetric::Histogram sum = prometheus::Histogram(Boundaries()).Collect().histogram;
  absl::ReaderMutexLock lock(&mutex_);
  for (const auto& [address, method] : methods_) {
    const bool wanted = std::find(methods.begin(), methods.end(), method->name) != methods.end();
    if (!wanted || method->handling == nullptr) continue;
    const prometheus::ClientMetric::Histogram one = method->handling->Collect().histogram;
    sum.sample_count += one.sample_count;
    sum.sample_sum += one.sample_sum;
    for (size_t i = 0; i < sum.bucket.size(); ++i) {
      sum.bucket[i].cumulative_count += one.bucket[i].cumulative_count;
    }
  }
  return sum;
}

CallMeter::Method& CallMeter::Find(const char* name) {
  {
    absl::ReaderMutexLock lock(&mutex_);
    const auto found = methods_.find(name);
    if (found != methods_.end()) return *found->second;
  }
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<Method>& method = methods_[name];
  if (method == nullptr) method = Make(name);
  return *method;
}

std::unique_ptr<CallMeter::Method> CallMeter::Make(absl::string_view name) {
  const std::vector<std::string> parts = absl::StrSplit(name, '/');  // "", service, method
  auto method = std::make_unique<Method>();
  method->name = name;
  method->labels = {{"grpc_service", parts.size() > 1 ? parts[1] : ""},
                    {"grpc_method", parts.size() > 2 ? parts[2] : ""},
                    {"grpc_type", TypeOf(name)}};
  method->started = &started_.Add(method->labels);
  method->handling = IsUnary(name) ? &handling_.Add(method->labels, Boundaries()) : nullptr;
  return method;
}

}  // namespace raftexample
