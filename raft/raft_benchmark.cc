// What the core costs: whole groups in one process and on one thread, without serialisation, over
// memory storage, with pre-vote and check quorum on. Each benchmark reports, for one operation,
// nanoseconds, allocations beyond the payload's own, bytes allocated (the payload's own Cord
// included), and messages sent.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/types/span.h"
#include "raft/check.h"
#include "raft/quorum/majority.h"
#include "raft/raft.h"
#include "raft/raw_node.h"
#include "raft/testing/meter.h"
#include "raft/tracker/progress_map.h"
#include "storage/memory_storage.h"

namespace raft {
namespace {

using raftpb::Message;
using raftpb::MessageType;

raftpb::SnapshotPtr Founding(int voters) {
  auto snapshot = std::make_shared<raftpb::Snapshot>();
  snapshot->metadata.index = 1;
  snapshot->metadata.term = 1;
  for (int id = 1; id <= voters; ++id) snapshot->metadata.conf_state.voters.push_back(id);
  return snapshot;
}

// The embedder's side, reduced to what it must do: hand messages over, store, compact.
class Group {
 public:
  explicit Group(int voters, const Config& shared = {})
      : Group(Founding(voters), voters, std::make_shared<const Config>(shared)) {
    Lead(1);
  }
  // Without a leader yet.
  Group(const raftpb::SnapshotPtr& founding, int voters, std::shared_ptr<const Config> shared) {
    for (int id = 1; id <= voters; ++id) {
      storages_.push_back(std::make_unique<storage::MemoryStorage>(founding));
      nodes_.push_back(*RawNode::Create(GroupConfig{
          .id = static_cast<NodeId>(id), .storage = storages_.back().get(), .shared = shared}));
    }
  }

  RawNode& leader() { return *nodes_[0]; }
  RawNode& node(NodeId id) { return *nodes_[id - 1]; }
  uint64_t reads() const { return reads_; }
  static uint64_t messages() { return messages_; }  // Of all groups together.

  void Lead(NodeId id) {
    RAFT_CHECK(node(id).Campaign().ok());
    Pump();
    RAFT_CHECK(node(id).GetBasicStatus().soft_state.role == Role::kLeader) << "nobody else ran";
  }

  void CutOff(NodeId id) { cut_off_ = id; }
  void Remove(NodeId id) {
    nodes_[id - 1].reset();
    storages_[id - 1].reset();
  }
  // What is sent to it stays on the way.
  void Stall(NodeId id) { stalled_ = id; }

  // Until nobody has anything to do.
  void Pump() {
    bool worked = true;
    while (worked) {
      worked = false;
      for (size_t i = 0; i < nodes_.size(); ++i) worked |= Turn(i);
    }
  }

  // Lets go of what all have applied.
  void Compact() {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const Index applied = nodes_[i]->GetBasicStatus().applied;
      if (applied >= storages_[i]->FirstIndex()) RAFT_CHECK(storages_[i]->Compact(applied).ok());
    }
  }

 private:
  bool Turn(size_t i) {
    RawNode& node = *nodes_[i];
    if (!node.HasReady()) return false;
    Ready& ready = ready_;
    RAFT_CHECK(node.TakeReady(ready).ok());
    Deliver(ready.messages);
    if (ready.hard_state) storages_[i]->SetHardState(*ready.hard_state);
    if (!ready.entries.empty()) RAFT_CHECK(storages_[i]->Append(ready.entries).ok());
    Deliver(ready.messages_after_write);
    reads_ += ready.read_states.size();
    node.Advance();
    return true;
  }

  void Deliver(const std::vector<Message>& messages) {
    for (const Message& m : messages) {
      ++messages_;
      if (m.to == cut_off_ || m.from == cut_off_) continue;
      if (m.to == stalled_) {
        on_the_way_.push_back(m);
        continue;
      }
      RAFT_CHECK(nodes_[m.to - 1]->Step(m).ok());
    }
  }

  std::vector<std::unique_ptr<storage::MemoryStorage>> storages_;
  std::vector<std::unique_ptr<RawNode>> nodes_;
  static inline Ready ready_;  // Of a host that drives its groups one after the other.
  static inline uint64_t messages_ = 0;
  std::vector<Message> on_the_way_;
  NodeId cut_off_ = kNone;
  NodeId stalled_ = kNone;
  uint64_t reads_ = 0;
};

// A payload as an embedder has it: a buffer that arrived, handed over without a copy.
class Payload {
 public:
  explicit Payload(size_t size) : bytes_(size, 'x') {}
  // Shares the bytes; the Cord's own node is the one allocation of each payload.
  absl::Cord Cord() const {
    return absl::MakeCordFromExternal(bytes_, [] {});
  }
  // Bytes of its own, for where memory counts.
  absl::Cord Copy() const { return absl::Cord(bytes_); }

 private:
  std::string bytes_;
};

enum class Batching { kOne, kSeparate, kTogether };
constexpr int kBatch = 64;
constexpr int kCompactEvery = 64;

// nodes, payload bytes, batching.
void BM_Commit(benchmark::State& state) {
  Group group(static_cast<int>(state.range(0)));
  const Payload payload(state.range(1));
  const auto batching = static_cast<Batching>(state.range(2));
  const int entries = batching == Batching::kOne ? 1 : kBatch;
  std::vector<absl::Cord> together(entries);
  const auto commit = [&] {
    if (batching == Batching::kTogether) {
      for (absl::Cord& data : together) data = payload.Cord();
      RAFT_CHECK(group.leader().Propose(absl::MakeSpan(together)).ok());
    } else {
      for (int i = 0; i < entries; ++i) RAFT_CHECK(group.leader().Propose(payload.Cord()).ok());
    }
    group.Pump();
  };
  for (int i = 0; i < 1000; ++i) {  // Grow everything that grows.
    commit();
    if (i % kCompactEvery == 0) group.Compact();
  }
  testing::Meter meter(state, &Group::messages);
  int round = 0;
  for (auto _ : state) {
    commit();
    if (++round % kCompactEvery == 0) group.Compact();
  }
  meter.Report(static_cast<double>(state.iterations()) * entries, /*payload_allocations=*/1);
  state.SetBytesProcessed(state.items_processed() * state.range(1));
}
BENCHMARK(BM_Commit)
    ->ArgNames({"nodes", "bytes", "batching"})
    ->ArgsProduct({{1, 3, 5}, {16, 128, 1 << 10, 64 << 10, 1 << 20}, {0, 1, 2}});

// Reads asked for together; the leader is asked.
void BM_ReadIndex(benchmark::State& state) {
  Group group(3);
  const int reads = static_cast<int>(state.range(0));
  const absl::Cord context("read");
  testing::Meter meter(state, &Group::messages);
  const uint64_t before = group.reads();
  for (auto _ : state) {
    for (int i = 0; i < reads; ++i) RAFT_CHECK(group.leader().ReadIndex(context).ok());
    group.Pump();
  }
  RAFT_CHECK(group.reads() - before == state.iterations() * static_cast<uint64_t>(reads));
  meter.Report(static_cast<double>(state.iterations()) * reads);
}
BENCHMARK(BM_ReadIndex)->ArgName("reads")->Arg(1)->Arg(64)->Arg(1024);

void BM_HeartbeatRound(benchmark::State& state) {
  Group group(3);
  testing::Meter meter(state, &Group::messages);
  for (auto _ : state) {
    group.leader().Tick();
    group.Pump();
  }
  meter.Report(static_cast<double>(state.iterations()));
}
BENCHMARK(BM_HeartbeatRound);

// Idle follower groups, each ticked once: what a host pays that does not skip with TicksUntilDue.
void BM_TickIdle(benchmark::State& state) {
  const size_t groups = state.range(0);
  std::vector<std::unique_ptr<storage::MemoryStorage>> storages;
  std::vector<std::unique_ptr<RawNode>> nodes;
  const raftpb::SnapshotPtr founding = Founding(3);
  for (size_t i = 0; i < groups; ++i) {
    storages.push_back(std::make_unique<storage::MemoryStorage>(founding));
    Config config;
    config.id = 1;
    config.seed = i + 1;
    config.election_tick = 1 << 30;
    config.storage = storages.back().get();
    nodes.push_back(*RawNode::Create(config));
  }
  testing::Meter meter(state, &Group::messages);
  for (auto _ : state) {
    for (auto& node : nodes) node->Tick();
  }
  meter.Report(static_cast<double>(state.iterations()) * static_cast<double>(groups));
}
BENCHMARK(BM_TickIdle)->ArgName("groups")->Arg(10'000)->Arg(100'000);

// Bytes that the allocator has given out, its own overhead included.
double HeldBytes() { return static_cast<double>(mallinfo2().uordblks); }

// What a server of a group of three holds that has just started: its node, and its storage. An
// operation is to start one.
void BM_MemoryPerIdleGroup(benchmark::State& state) {
  constexpr int kGroups = 1000;
  const raftpb::SnapshotPtr founding = Founding(3);
  const auto shared = std::make_shared<const Config>();
  testing::Meter meter(state, &Group::messages);
  for (auto _ : state) {
    meter.Pause();
    std::vector<std::unique_ptr<storage::MemoryStorage>> storages(kGroups);
    std::vector<std::unique_ptr<RawNode>> nodes(kGroups);
    meter.Resume();
    const double before = HeldBytes();
    for (auto& s : storages) s = std::make_unique<storage::MemoryStorage>(founding);
    const double with_storages = HeldBytes();
    for (int i = 0; i < kGroups; ++i) {
      nodes[i] =
          *RawNode::Create(GroupConfig{.id = 1, .storage = storages[i].get(), .shared = shared});
    }
    state.counters["storage_bytes"] = (with_storages - before) / kGroups;
    state.counters["node_bytes"] = (HeldBytes() - with_storages) / kGroups;
    meter.Pause();
  }
  meter.Report(static_cast<double>(state.iterations()) * kGroups);
  state.counters["sizeof_raft"] = sizeof(Raft);
}
BENCHMARK(BM_MemoryPerIdleGroup);

// What leader and follower of an idle group of three hold, storage included, after an election and
// so many entries of 128 bytes, which were compacted. What they share, a chunk of the log, is
// counted for one of the followers. An operation is a group's life until then.
void BM_MemoryAfterWork(benchmark::State& state) {
  constexpr int kGroups = 1000;
  const raftpb::SnapshotPtr founding = Founding(3);
  const auto shared = std::make_shared<const Config>();
  const Payload payload(128);
  testing::Meter meter(state, &Group::messages);
  for (auto _ : state) {
    meter.Resume();
    std::vector<std::unique_ptr<Group>> groups(kGroups);
    for (auto& group : groups) {
      group = std::make_unique<Group>(founding, 3, shared);
      group->Lead(1);
      for (int i = 0; i < state.range(0); ++i) {
        RAFT_CHECK(group->leader().Propose(payload.Cord()).ok());
        group->Pump();
      }
      group->Compact();
    }
    meter.Pause();
    const double with_all = HeldBytes();
    for (auto& group : groups) group->Remove(1);
    const double with_followers = HeldBytes();
    for (auto& group : groups) {
      group->Remove(2);
      group->Remove(3);
    }
    state.counters["leader_bytes"] = (with_all - with_followers) / kGroups;
    state.counters["follower_bytes"] = (with_followers - HeldBytes()) / (2 * kGroups);
  }
  meter.Report(static_cast<double>(state.iterations()) * kGroups);
}
BENCHMARK(BM_MemoryAfterWork)->ArgName("entries")->Arg(0)->Arg(100)->Unit(benchmark::kMillisecond);

// From a follower's campaign to its first entry committed everywhere.
void BM_Election(benchmark::State& state) {
  const auto nodes = static_cast<NodeId>(state.range(0));
  Group group(static_cast<int>(nodes));
  testing::Meter meter(state, &Group::messages);
  NodeId next = 1;
  for (auto _ : state) {
    next = next % nodes + 1;
    for (NodeId id = 1; id <= nodes; ++id) {
      if (id != next) RAFT_CHECK(group.node(id).ForgetLeader().ok());
    }
    group.node(next).ForgetLeader().IgnoreError();
    RAFT_CHECK(group.node(next).Campaign().ok());
    group.Pump();
  }
  meter.Report(static_cast<double>(state.iterations()));
}
BENCHMARK(BM_Election)->ArgName("nodes")->Arg(3)->Arg(5);

// Groups of three that all elect a leader at the same time.
void BM_ElectionOfManyGroups(benchmark::State& state) {
  const auto shared = std::make_shared<const Config>();
  const raftpb::SnapshotPtr founding = Founding(3);
  testing::Meter meter(state, &Group::messages);
  for (auto _ : state) {
    meter.Pause();
    std::vector<std::unique_ptr<Group>> groups(state.range(0));
    for (auto& group : groups) group = std::make_unique<Group>(founding, 3, shared);
    meter.Resume();
    for (auto& group : groups) group->Lead(1);
    meter.Pause();
  }
  meter.Report(static_cast<double>(state.iterations() * state.range(0)));
}
BENCHMARK(BM_ElectionOfManyGroups)->ArgName("groups")->Arg(10'000)->Unit(benchmark::kMillisecond);

void BM_TransferLeadership(benchmark::State& state) {
  Group group(3);
  testing::Meter meter(state, &Group::messages);
  NodeId leader = 1;
  for (auto _ : state) {
    const NodeId target = leader % 3 + 1;
    RAFT_CHECK(group.node(leader).TransferLeadership(target).ok());
    group.Pump();
    leader = target;
  }
  RAFT_CHECK(group.node(leader).GetBasicStatus().soft_state.role == Role::kLeader);
  meter.Report(static_cast<double>(state.iterations()));
}
BENCHMARK(BM_TransferLeadership);

void BM_CommittedIndex(benchmark::State& state) {
  const int voters = static_cast<int>(state.range(0));
  const int outgoing = static_cast<int>(state.range(1));
  tracker::Config config;
  for (int id = 1; id <= voters; ++id) config.voters.incoming.Insert(id);
  for (int id = 1; id <= outgoing; ++id) config.voters.outgoing.Insert(voters + id);
  tracker::ProgressMap progress(tracker::ProgressLimits{});
  progress.Reconcile(config, {}, 1);
  Index acked = 100;
  for (auto& [id, peer] : progress) peer.MaybeUpdate(acked += id * 7919 % 13);
  testing::Meter meter(state, &Group::messages);
  for (auto _ : state) benchmark::DoNotOptimize(progress.CommittedIndex(config));
  meter.Report(static_cast<double>(state.iterations()));
}
BENCHMARK(BM_CommittedIndex)
    ->ArgNames({"voters", "outgoing"})
    ->ArgsProduct({benchmark::CreateDenseRange(1, 11, 1), {0}})
    ->Args({3, 3})
    ->Args({5, 5});

// A follower that missed a million entries of 128 bytes gets them from its leader's log; bytes per
// append as given.
void BM_CatchUp(benchmark::State& state) {
  constexpr int kEntries = 1'000'000;
  const Payload payload(128);
  Config config;
  config.max_size_per_msg = state.range(0);
  config.max_committed_size_per_ready = state.range(0);
  testing::Meter meter(state, &Group::messages);
  for (auto _ : state) {
    meter.Pause();
    Group group(3, config);
    group.CutOff(3);
    for (int i = 0; i < kEntries; i += kBatch) {
      for (int j = 0; j < kBatch; ++j) RAFT_CHECK(group.leader().Propose(payload.Cord()).ok());
      group.Pump();
    }
    group.CutOff(kNone);
    meter.Resume();
    group.leader().Tick();  // The heartbeat's answer tells that the follower is back.
    group.Pump();
    meter.Pause();
    RAFT_CHECK(group.node(3).GetBasicStatus().applied >= kEntries);
  }
  meter.Report(static_cast<double>(state.iterations()) * kEntries);
}
BENCHMARK(BM_CatchUp)
    ->ArgName("bytes_per_message")
    ->Arg(64 << 10)
    ->Arg(1 << 20)
    ->Unit(benchmark::kMillisecond);

// Proposals of 1 KiB come faster than they can be committed, whatever happens to them: so many
// rounds of 64 while one follower, or both, do not read what they are sent. What the leader and the
// network hold at most beyond what they held before; the logs are compacted as they are applied. An
// operation is a proposal, taken or refused.
void BM_Overload(benchmark::State& state) {
  const auto stalled = static_cast<int>(state.range(0));
  constexpr int kRounds = 10'000;
  const Payload payload(1 << 10);
  Config config;
  config.max_inflight_msgs = 64;
  config.max_inflight_bytes = 4 << 20;
  config.max_uncommitted_size = 16 << 20;
  double peak = 0;
  double refused = 0;
  testing::Meter meter(state, &Group::messages);
  for (auto _ : state) {
    Group group(3, config);
    const double before = HeldBytes();
    group.Stall(3);
    if (stalled == 2) group.CutOff(2);
    for (int round = 0; round < kRounds; ++round) {
      for (int i = 0; i < kBatch; ++i) refused += !group.leader().Propose(payload.Copy()).ok();
      group.Pump();
      peak = std::max(peak, HeldBytes() - before);
      group.Compact();
    }
  }
  const double proposals = static_cast<double>(state.iterations()) * kRounds * kBatch;
  meter.Report(proposals, /*payload_allocations=*/1);
  state.counters["peak_bytes"] = peak;
  state.counters["refused"] = refused / proposals;
}
BENCHMARK(BM_Overload)
    ->ArgName("stalled")
    ->Arg(1)
    ->Arg(2)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace raft
