// What one command costs the thread that applies, with the flushing thread beside it as in a
// server.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "benchmark/benchmark.h"
#include "examples/raftexample/apply/state_machine.h"
#include "examples/raftexample/testing/temp_directory.h"

namespace raftexample {
namespace {

constexpr int kKeys = 10000;

class Machine {
 public:
  Machine() {
    machine_ = *StateMachine::Open({.backend = {.directory = dir_ / "db", .sync = true}});
    flusher_ = std::thread([this] {
      while (!done_) {
        if (!machine_->backend().Flush().ok()) std::abort();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  }
  ~Machine() {
    done_ = true;
    flusher_.join();
  }
  StateMachine* operator->() { return machine_.get(); }

  ApplyResult Apply(const absl::Cord& payload, Answer answer) {
    ApplyResult result = machine_->Apply({1, ++index_}, payload, answer);
    if (machine_->backend().gathered_writes() >= 10000) machine_->backend().Seal();
    return result;
  }

 private:
  TempDirectory dir_;
  std::unique_ptr<StateMachine> machine_;
  std::thread flusher_;
  std::atomic<bool> done_{false};
  uint64_t index_ = 0;
};

std::vector<absl::Cord> Puts(size_t value_bytes) {
  std::vector<absl::Cord> payloads;
  internal::Command command;
  for (int i = 0; i < kKeys; ++i) {
    command.mutable_header()->set_id(i + 1);
    // Random order of keys, the same every time.
    command.mutable_put()->set_key(absl::StrFormat("key/%08d", i * 7919 % kKeys));
    command.mutable_put()->set_value(std::string(value_bytes, 'v'));
    payloads.emplace_back(command.SerializeAsString());
  }
  return payloads;
}

void BM_ApplyPut(benchmark::State& state) {
  Machine machine;
  const std::vector<absl::Cord> payloads = Puts(state.range(0));
  const Answer answer = state.range(1) ? Answer::kWanted : Answer::kNobodyWaits;
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(machine.Apply(payloads[i++ % kKeys], answer));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ApplyPut)
    ->ArgNames({"value", "answer"})
    ->Args({256, 1})
    ->Args({256, 0})
    ->Args({16, 1});

void BM_ApplyPutWatched(benchmark::State& state) {
  Machine machine;
  const std::vector<absl::Cord> payloads = Puts(256);
  std::vector<std::unique_ptr<WatchStream>> streams;
  for (int64_t n = 0; n < state.range(0); ++n) {
    streams.push_back(machine->watches().OpenStream([] {}));
    etcdserverpb::WatchCreateRequest request;
    request.set_key("key/");
    request.set_range_end("key0");
    streams.back()->Create(request);
  }
  size_t i = 0;
  for (auto _ : state) {
    machine.Apply(payloads[i++ % kKeys], Answer::kWanted);
    for (auto& stream : streams) {
      while (auto output = stream->Next()) benchmark::DoNotOptimize(output->Serialize());
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ApplyPutWatched)->ArgName("watches")->Arg(1)->Arg(50);

void BM_ApplyTxn(benchmark::State& state) {
  Machine machine;
  for (const absl::Cord& payload : Puts(256)) machine.Apply(payload, Answer::kNobodyWaits);
  std::vector<absl::Cord> payloads;
  internal::Command command;
  for (int i = 0; i < kKeys; ++i) {
    const std::string key = absl::StrFormat("key/%08d", i * 7919 % kKeys);
    command.Clear();
    auto* compare = command.mutable_txn()->add_compare();
    compare->set_key(key);
    compare->set_target(etcdserverpb::Compare::VERSION);
    compare->set_result(etcdserverpb::Compare::GREATER);
    auto* put = command.mutable_txn()->add_success()->mutable_request_put();
    put->set_key(key);
    put->set_value(std::string(256, 'v'));
    command.mutable_txn()->add_success()->mutable_request_range()->set_key(key);
    payloads.emplace_back(command.SerializeAsString());
  }
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(machine.Apply(payloads[i++ % kKeys], Answer::kWanted));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ApplyTxn);

// Reads must cost the same however much was just written.
void BM_Range(benchmark::State& state) {
  Machine machine;
  for (const absl::Cord& payload : Puts(256)) machine.Apply(payload, Answer::kNobodyWaits);
  if (!machine->backend().Commit().ok()) std::abort();
  if (state.range(0)) {  // A burst that is not flushed.
    for (int burst = 0; burst < 9; ++burst) {
      for (const absl::Cord& payload : Puts(256)) {
        machine->Apply({1, machine->applied().index + 1}, payload, Answer::kNobodyWaits);
      }
    }
  }
  etcdserverpb::RangeRequest request;
  etcdserverpb::RangeResponse response;
  size_t i = 0;
  for (auto _ : state) {
    request.set_key(absl::StrFormat("key/%08d", i++ * 31 % kKeys));
    response.Clear();
    if (!machine->store().Range(request, &response).ok()) std::abort();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Range)->ArgName("after_burst")->Arg(0)->Arg(1);

}  // namespace
}  // namespace raftexample
