#include "raft/testing/meter.h"

#include <ctime>
#include <utility>

namespace raft::testing {
namespace {

double CpuNanoseconds() {
  return static_cast<double>(std::clock()) * (1e9 / static_cast<double>(CLOCKS_PER_SEC));
}

}  // namespace

Meter::Meter(benchmark::State& state, MessageCount messages)
    : state_(state), message_count_(std::move(messages)) {
  Resume();
}

void Meter::Pause() {
  if (!counter_.has_value()) return;
  nanoseconds_ += CpuNanoseconds() - resumed_at_;
  allocations_ += counter_->allocations();
  bytes_ += counter_->bytes();
  messages_ += message_count_() - messages_before_;
  counter_.reset();
}

void Meter::Resume() {
  messages_before_ = message_count_();
  counter_.emplace();
  resumed_at_ = CpuNanoseconds();
}

void Meter::Report(double operations, double payload_allocations) {
  Pause();
  const auto per_op = [operations](auto sum) { return static_cast<double>(sum) / operations; };
  state_.counters["ns_per_op"] = per_op(nanoseconds_);
  state_.counters["allocs_per_op"] = per_op(allocations_) - payload_allocations;
  state_.counters["bytes_per_op"] = per_op(bytes_);
  state_.counters["msgs_per_op"] = per_op(messages_);
  state_.SetItemsProcessed(static_cast<int64_t>(operations));
}

}  // namespace raft::testing
