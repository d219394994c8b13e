// Replication in steady state allocates nothing of its own: every allocation on three servers is
// counted, from a proposal to the last server that has applied it. The bounds are what was
// measured, with a little room for the growth of the logs, which comes in chunks of many entries.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "raft/raw_node.h"
#include "storage/memory_storage.h"

namespace {

// So far, in a program of one thread.
int64_t allocations = 0;
int64_t freed = 0;

void Free(void* memory) {
  freed += memory != nullptr;
  std::free(memory);
}

}  // namespace

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void* operator new[](size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete(void* memory, size_t) noexcept { Free(memory); }
void operator delete[](void* memory) noexcept { Free(memory); }
void operator delete[](void* memory, size_t) noexcept { Free(memory); }

namespace raft {
namespace {

using raftpb::Message;

constexpr size_t kServers = 3;

// Three servers that pass messages to each other by hand, with nothing in between that allocates.
class Group {
 public:
  Group() {
    for (size_t i = 0; i < kServers; ++i) {
      storages_[i].SetConfState({.voters = {1, 2, 3}});
      Config config;
      config.id = i + 1;
      config.storage = &storages_[i];
      nodes_[i] = RawNode::Create(config).value();
    }
    EXPECT_TRUE(nodes_[0]->Campaign().ok());
    Pump();
    EXPECT_EQ(nodes_[0]->GetBasicStatus().soft_state.role, Role::kLeader);
  }

  RawNode& leader() { return *nodes_[0]; }
  RawNode& follower() { return *nodes_[1]; }
  Index applied(size_t i) const { return nodes_[i]->GetBasicStatus().applied; }

  // Until nobody has anything left to do.
  void Pump() {
    for (bool worked = true; worked;) {
      worked = false;
      for (size_t i = 0; i < kServers; ++i) {
        while (nodes_[i]->HasReady()) {
          worked = true;
          Turn(i);
        }
      }
    }
  }

  // What a database does when it has applied enough.
  void Compact() {
    for (size_t i = 0; i < kServers; ++i) {
      EXPECT_TRUE(storages_[i].Compact(nodes_[i]->GetBasicStatus().applied).ok());
    }
  }

 private:
  void Turn(size_t i) {
    Ready& ready = readies_[i];
    EXPECT_TRUE(nodes_[i]->TakeReady(ready).ok());
    if (ready.hard_state.has_value()) storages_[i].SetHardState(*ready.hard_state);
    EXPECT_TRUE(ready.entries.empty() || storages_[i].Append(ready.entries).ok());
    for (std::vector<Message>* messages : {&ready.messages, &ready.messages_after_write}) {
      for (Message& m : *messages) EXPECT_TRUE(nodes_[m.to - 1]->Step(m).ok());
    }
    nodes_[i]->Advance();
  }

  std::array<storage::MemoryStorage, kServers> storages_;
  std::array<std::unique_ptr<RawNode>, kServers> nodes_;
  std::array<Ready, kServers> readies_;
};

// Allocations for each call of `work`, after a time to warm up.
template <typename Work>
double AllocationsPer(int count, Work work) {
  for (int i = 0; i < count; ++i) work();
  const int64_t before = allocations;
  for (int i = 0; i < count; ++i) work();
  return static_cast<double>(allocations - before) / count;
}

TEST(Allocation, AnAllocationIsCounted) {
  EXPECT_EQ(AllocationsPer(10, [] { std::make_unique<int>(1); }), 1);
}

// Everybody shares what the payload came in. The logs grow in chunks of 256 entries, one chunk for
// all three servers together; whoever commits an entry in between allocates nothing at all.
TEST(Allocation, ACommittedEntryCostsNothingBeyondItsPayload) {
  Group group;
  const absl::Cord payload(std::string(128, 'x'));
  constexpr int kEntries = 2560;
  int costly = 0;
  const auto commit = [&] {
    const int64_t before = allocations;
    EXPECT_TRUE(group.leader().Propose(payload).ok());
    group.Pump();
    costly += allocations != before;
    if (group.applied(0) % 1000 == 0) group.Compact();
  };
  for (int i = 0; i < kEntries; ++i) commit();  // To warm up.
  costly = 0;
  const int64_t before = allocations;
  for (int i = 0; i < kEntries; ++i) commit();
  EXPECT_LE(costly, kEntries / 256 + 1);
  EXPECT_LE(allocations - before, kEntries / 256 + 4);
  EXPECT_EQ(group.applied(0), group.applied(2));
}

TEST(Allocation, ProposalsThatTravelTogetherShareTheirChunks) {
  Group group;
  const absl::Cord payload(std::string(128, 'x'));
  EXPECT_LE(AllocationsPer(500,
                           [&] {
                             for (int i = 0; i < 64; ++i) {
                               EXPECT_TRUE(group.leader().Propose(payload).ok());
                             }
                             group.Pump();
                             group.Compact();
                           }),
            4);
}

TEST(Allocation, ABatchSharesItsChunks) {
  Group group;
  const std::vector<absl::Cord> batch(64, absl::Cord(std::string(128, 'x')));
  EXPECT_LE(AllocationsPer(500,
                           [&] {
                             EXPECT_TRUE(group.leader().Propose(batch).ok());
                             group.Pump();
                             group.Compact();
                           }),
            4);
}

TEST(Allocation, ARoundOfHeartbeatsCostsNothing) {
  Group group;
  EXPECT_EQ(AllocationsPer(500,
                           [&] {
                             group.leader().Tick();
                             group.Pump();
                           }),
            0);
}

TEST(Allocation, ReadsCostNothing) {
  Group group;
  const absl::Cord context("read");
  EXPECT_EQ(AllocationsPer(500,
                           [&] {
                             for (int i = 0; i < 64; ++i) {
                               EXPECT_TRUE(group.leader().ReadIndex(context).ok());
                             }
                             group.Pump();
                           }),
            0);
}

// What a server keeps to write over is its own messages, and a place in the log.
TEST(Allocation, AQuietServerGivesBackWhatItKeeps) {
  Group group;
  const absl::Cord payload(std::string(128, 'x'));
  EXPECT_TRUE(group.leader().Propose(payload).ok());
  group.Pump();
  const int64_t before = freed;
  group.leader().ReleaseMemory();
  group.follower().ReleaseMemory();
  EXPECT_GE(freed - before, 4);
  const int64_t after = freed;
  group.leader().ReleaseMemory();
  group.follower().ReleaseMemory();
  EXPECT_EQ(freed, after) << "there is nothing left to give";
  EXPECT_TRUE(group.leader().Propose(payload).ok());
  group.Pump();
  EXPECT_EQ(group.applied(0), 2 + 1);
  EXPECT_EQ(group.applied(1), 2 + 1);
}

TEST(Allocation, TimeAndLookingCostNothing) {
  Group group;
  EXPECT_EQ(AllocationsPer(500,
                           [&] {
                             group.follower().Tick(group.follower().TicksUntilDue() - 1);
                             EXPECT_FALSE(group.follower().HasReady());
                             EXPECT_EQ(group.follower().GetBasicStatus().id, 2);
                             group.leader().Tick();
                             group.Pump();
                           }),
            0);
}

}  // namespace
}  // namespace raft
