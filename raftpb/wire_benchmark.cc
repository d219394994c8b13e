// What it costs to encode and decode an append of {1, 64} entries of {16 B .. 64 KiB}.
//
//     bazel run -c opt //raftpb:wire_benchmark
//
// Next to each figure of ours stands that of the classes generated from raft.proto, for the same
// bytes. One operation is one message. Counters: allocs_per_op, bytes_per_op (on the wire),
// msgs_per_op.
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "benchmark/benchmark.h"
#include "raftpb/allocation_counter.h"
#include "raftpb/frame.h"
#include "raftpb/message.h"
#include "raftpb/raft.pb.h"
#include "raftpb/wire.h"

namespace raftpb {
namespace {

Message Append(size_t entries, size_t payload) {
  Message m;
  m.type = MessageType::kApp;
  m.to = 2;
  m.from = 1;
  m.term = 7;
  m.log_term = 7;
  m.index = 123456;
  m.commit = 123450;
  m.entries.Reserve(entries);  // As a slice of a log is: mostly from one chunk.
  for (size_t i = 0; i < entries; ++i) {
    m.entries.PushBack(
        {.term = 7, .index = m.index + 1 + i, .data = absl::Cord(std::string(payload, 'x'))});
  }
  return m;
}

Message Append(const benchmark::State& state) { return Append(state.range(0), state.range(1)); }

wire::Message Generated(const benchmark::State& state) {
  wire::Message m;
  m.ParseFromString(Encode(Append(state)));
  return m;
}

void Report(benchmark::State& state, const AllocationCounter& counter, size_t bytes) {
  const auto operations = static_cast<double>(state.iterations());
  state.counters["allocs_per_op"] = static_cast<double>(counter.allocations()) / operations;
  state.counters["bytes_per_op"] = static_cast<double>(bytes);
  state.counters["msgs_per_op"] = 1;
}

void BM_EncodeToString(benchmark::State& state) {
  const Message m = Append(state);
  std::string out;
  const AllocationCounter counter;
  for (auto _ : state) {
    out.clear();
    EncodeTo(m, out);
    benchmark::DoNotOptimize(out.data());
  }
  Report(state, counter, out.size());
}

void EncodeToFrame(benchmark::State& state, Frame& frame) {
  const Message m = Append(state);
  const AllocationCounter counter;
  for (auto _ : state) {
    frame.Assign(m);
    benchmark::DoNotOptimize(frame.pieces().data());
  }
  Report(state, counter, frame.size());
}

void BM_EncodeToFrame(benchmark::State& state) {
  Frame frame;
  EncodeToFrame(state, frame);
}

// Every payload a piece of its own, however small.
void BM_EncodeToPieces(benchmark::State& state) {
  Frame frame(0);
  EncodeToFrame(state, frame);
}

void BM_EncodeGenerated(benchmark::State& state) {
  const wire::Message m = Generated(state);
  std::string out;
  const AllocationCounter counter;
  for (auto _ : state) {
    out.clear();
    m.AppendToString(&out);
    benchmark::DoNotOptimize(out.data());
  }
  Report(state, counter, out.size());
}

void BM_DecodeString(benchmark::State& state) {
  const std::string bytes = Encode(Append(state));
  const AllocationCounter counter;
  for (auto _ : state) {
    Message m;
    if (!Decode(absl::string_view(bytes), m).ok()) state.SkipWithError("does not decode");
    benchmark::DoNotOptimize(m);
  }
  Report(state, counter, bytes.size());
}

void BM_DecodeCord(benchmark::State& state) {
  const absl::Cord bytes(Encode(Append(state)));
  const AllocationCounter counter;
  for (auto _ : state) {
    Message m;
    if (!Decode(bytes, m).ok()) state.SkipWithError("does not decode");
    benchmark::DoNotOptimize(m);
  }
  Report(state, counter, bytes.size());
}

void BM_DecodeGenerated(benchmark::State& state) {
  const std::string bytes = Encode(Append(state));
  const AllocationCounter counter;
  for (auto _ : state) {
    wire::Message m;
    if (!m.ParseFromString(bytes)) state.SkipWithError("does not decode");
    benchmark::DoNotOptimize(m);
  }
  Report(state, counter, bytes.size());
}

#define RAFT_SIZES \
  ArgNames({"entries", "payload"})->ArgsProduct({{1, 64}, {8, 16, 128, 1024, 65536}})

BENCHMARK(BM_EncodeToString)->RAFT_SIZES;
BENCHMARK(BM_EncodeToFrame)->RAFT_SIZES;
BENCHMARK(BM_EncodeToPieces)->RAFT_SIZES;
BENCHMARK(BM_EncodeGenerated)->RAFT_SIZES;
BENCHMARK(BM_DecodeString)->RAFT_SIZES;
BENCHMARK(BM_DecodeCord)->RAFT_SIZES;
BENCHMARK(BM_DecodeGenerated)->RAFT_SIZES;

}  // namespace
}  // namespace raftpb
