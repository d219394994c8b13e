// The contract of the front door, as raft/raw_node.h and raft/ready.h state it: time, Ready and
// Advance, storage threads, founding, restarts, looking.
#include "raft/raw_node.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "raft/errors.h"
#include "raft/test_random.h"
#include "raft/testing/cluster.h"
#include "raft/testing/photo.h"
#include "raftpb/describe.h"
#include "raftpb/wire.h"

namespace raft {
namespace {

using raftpb::EntryType;
using raftpb::Message;
using raftpb::MessageType;
using testing::Cluster;
using testing::ClusterOptions;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::EntriesOfTerms;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Photo;

ClusterOptions With(std::function<void(Config&)> configure) {
  ClusterOptions options;
  options.configure = std::move(configure);
  return options;
}

std::vector<MessageType> Types(const std::vector<Message>& messages) {
  std::vector<MessageType> types;
  for (const Message& m : messages) types.push_back(m.type);
  return types;
}

// --- Creating ------------------------------------------------------------------------------------

TEST(RawNodeCreate, RefusesWhatMakesNoSense) {
  storage::MemoryStorage storage;
  Config config;
  config.id = 1;
  EXPECT_FALSE(RawNode::Create(config).ok()) << "no storage";
  config.storage = &storage;
  EXPECT_TRUE(RawNode::Create(config).ok());
  config.applied = 3;
  EXPECT_TRUE(IsPromiseBroken(RawNode::Create(config).status())) << "applied beyond the log";
  config.applied = 0;
  storage.SetConfState({.voters = {1, 1}});
  EXPECT_FALSE(RawNode::Create(config).ok()) << "a membership that is none";
}

TEST(RawNodeCreate, RefusesAStorageThatContradictsItself) {
  const struct {
    const char* name;
    raftpb::HardState hard_state;
    Index applied;
    bool ok;
  } cases[] = {
      {"a commit index at the end of the log", {.term = 2, .commit = 5}, 0, true},
      {"a commit index beyond it", {.term = 2, .commit = 6}, 0, false},
      {"a commit index before the snapshot", {.term = 2, .commit = 2}, 0, false},
      {"applied within", {.term = 2, .commit = 5}, 4, true},
      {"applied beyond the commit index", {.term = 2, .commit = 4}, 5, false},
      {"applied before the snapshot", {.term = 2, .commit = 5}, 2, false},
  };
  for (const auto& c : cases) {
    storage::MemoryStorage storage;
    ASSERT_TRUE(storage.Append(EntriesOfTerms({1, 1, 1, 2, 2})).ok());
    ASSERT_TRUE(storage.CreateSnapshot(3, {.voters = {1}}, {}).ok());
    ASSERT_TRUE(storage.Compact(3).ok());
    storage.SetHardState(c.hard_state);
    Config config;
    config.id = 1;
    config.storage = &storage;
    config.applied = c.applied;
    const auto node = RawNode::Create(config);
    EXPECT_EQ(node.ok(), c.ok) << c.name << ": " << node.status();
    if (!c.ok) {
      EXPECT_TRUE(IsPromiseBroken(node.status())) << c.name;
    }
  }
}

// A storage that fails when it is asked, on demand.
class FailingStorage : public storage::MemoryStorage {
 public:
  absl::StatusOr<InitialState> Initial() const override {
    if (fails) return absl::InternalError("disk");
    return MemoryStorage::Initial();
  }
  absl::StatusOr<raftpb::EntryList> Entries(IndexRange wanted, uint64_t max_bytes) const override {
    if (fails) return absl::InternalError("disk");
    return MemoryStorage::Entries(wanted, max_bytes);
  }
  absl::StatusOr<raftpb::SnapshotPtr> Snapshot() const override {
    if (fails) return absl::InternalError("disk");
    return MemoryStorage::Snapshot();
  }
  bool fails = false;
};

TEST(RawNodeCreate, GroupsShareAConfiguration) {
  storage::MemoryStorage storages[2];
  Config config;
  config.id = 9;  // Does not count.
  config.pre_vote = false;
  config.election_tick = 77;
  const auto shared = std::make_shared<const Config>(config);
  for (NodeId id : {1, 2}) {
    storage::MemoryStorage& storage = storages[id - 1];
    storage.SetConfState({.voters = {id}});
    const auto node =
        *RawNode::Create(GroupConfig{.id = id, .storage = &storage, .shared = shared});
    EXPECT_EQ(node->GetBasicStatus().id, id);
    EXPECT_GE(node->TicksUntilDue(), 77u);
    ASSERT_TRUE(node->Campaign().ok());
    Ready ready;
    ASSERT_TRUE(node->TakeReady(ready).ok());
    EXPECT_EQ(ready.hard_state->vote, id);
  }
  EXPECT_EQ(shared.use_count(), 1);
  EXPECT_FALSE(RawNode::Create(GroupConfig{.id = 1, .shared = shared}).ok()) << "no storage";
}

TEST(RawNodeCreate, PassesOnWhatTheStorageSays) {
  FailingStorage storage;
  storage.fails = true;
  Config config;
  config.id = 1;
  config.storage = &storage;
  EXPECT_EQ(RawNode::Create(config).status(), absl::InternalError("disk"));
}

TEST(RawNodeBootstrap, FoundsAGroupInItsFirstEntries) {
  storage::MemoryStorage storage;
  Config config;
  config.id = 1;
  config.storage = &storage;
  auto node = RawNode::Create(config).value();
  ASSERT_FALSE(node->HasReady());
  ASSERT_TRUE(node->Bootstrap({{1, absl::Cord("first")}, {2, {}}}).ok());
  ASSERT_TRUE(node->HasReady());
  Ready ready;
  ASSERT_TRUE(node->TakeReady(ready).ok());
  EXPECT_EQ(ready.hard_state, (raftpb::HardState{.term = 1, .commit = 2}));
  EXPECT_TRUE(ready.must_sync);
  ASSERT_EQ(ready.entries.size(), 2);
  EXPECT_EQ(ready.committed_entries, ready.entries);
  for (size_t i : {0, 1}) {
    EXPECT_EQ(ready.entries[i].id(), (EntryId{1, i + 1}));
    raftpb::ConfChange change;
    ASSERT_TRUE(raftpb::Decode(ready.entries[i].data, change).ok());
    EXPECT_EQ(change.type, raftpb::ConfChangeType::kAddNode);
    EXPECT_EQ(change.node_id, i + 1);
    EXPECT_EQ(change.context, i == 0 ? "first" : "");
    const auto applied = node->ApplyConfChange(ready.committed_entries[i]);
    ASSERT_TRUE(applied.ok()) << "a second time changes nothing";
    EXPECT_THAT(applied->voters, ElementsAre(1, 2));
  }
}

TEST(RawNodeBootstrap, OnlyOnceAndNotWithoutPeers) {
  storage::MemoryStorage storage;
  Config config;
  config.id = 1;
  config.storage = &storage;
  auto node = RawNode::Create(config).value();
  EXPECT_EQ(node->Bootstrap({}).code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(storage.Append(EntriesOfTerms({1})).ok());
  node = RawNode::Create(config).value();
  EXPECT_EQ(node->Bootstrap({{1, {}}}).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(RawNodeBootstrap, AFoundedGroupElectsAndServes) {
  Cluster group({.voters = {}});
  for (NodeId id : {1, 2, 3}) {
    group.Add(id);
    ASSERT_TRUE(group.node(id).Bootstrap({{1, {}}, {2, {}}, {3, {}}}).ok());
    group.Flush(id);
    EXPECT_THAT(group.machine(id).conf_state.voters, ElementsAre(1, 2, 3));
  }
  group.Elect(2);
  group.Commit("x");
  EXPECT_THAT(group.commands(2), ElementsAre("x"));
  group.Restart(1);
  EXPECT_TRUE(group.raft(1).membership().IsVoter(3));
}

// --- Time ----------------------------------------------------------------------------------------

// Two equal groups live through the same random events. One takes ticks one by one, the other in
// arbitrary portions; they stay equal in everything.
TEST(RawNodeTick, ManyTicksAtOnceAreAsManyTicks) {
  for (uint64_t seed = 1; seed <= 32; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    const auto configure = [seed](Config& c) {
      c.pre_vote = seed & 1;
      c.check_quorum = seed & 2;
      c.heartbeat_tick = 1 + seed % 4;
      c.immediate_sends = seed & 4;
      c.seed = seed * 10 + c.id;
    };
    Cluster at_once(With(configure));
    Cluster one_by_one(With(configure));
    TestRandom random(seed);
    for (int step = 0; step < 40; ++step) {
      const NodeId id = random.Between(1, 3);
      const auto ticks = static_cast<uint32_t>(random.Below(35));
      const bool settles = random.OneIn(2);
      const bool proposes = random.OneIn(3);
      at_once.Tick(id, ticks);
      for (uint32_t i = 0; i < ticks; ++i) one_by_one.Tick(id);
      for (Cluster* group : {&at_once, &one_by_one}) {
        if (proposes) group->Propose(id, absl::StrCat(step)).IgnoreError();
        if (settles) group->Settle();
      }
      for (NodeId server : {1, 2, 3}) {
        ASSERT_EQ(Photo(at_once.raft(server)), Photo(one_by_one.raft(server))) << step;
      }
    }
    ASSERT_EQ(at_once.sent(), one_by_one.sent());
  }
}

// Skipping what TicksUntilDue allows misses nothing: until then no tick does anything.
TEST(RawNodeTick, NothingHappensBeforeItIsDue) {
  for (Role role : {Role::kFollower, Role::kPreCandidate, Role::kLeader}) {
    Cluster group(With([](Config& c) { c.heartbeat_tick = 4; }));
    if (role == Role::kPreCandidate) group.TimeOut(1);
    if (role == Role::kLeader) group.Elect(1);
    group.Flush(1);
    for (int round = 0; round < 5; ++round) {
      const uint32_t due = group.node(1).TicksUntilDue();
      ASSERT_GE(due, 1);
      for (uint32_t i = 1; i < due; ++i) {
        group.Tick(1);
        ASSERT_FALSE(group.node(1).HasReady()) << "tick " << i << " of " << due;
        ASSERT_EQ(group.node(1).TicksUntilDue(), due - i);
      }
      group.Tick(1);
      group.Flush(1);
    }
  }
}

TEST(RawNodeTick, WhoMayNotCampaignIsNeverDue) {
  Cluster group({.voters = {1, 2}, .learners = {3}});
  EXPECT_EQ(group.node(3).TicksUntilDue(), std::numeric_limits<uint32_t>::max());
  group.Tick(3, std::numeric_limits<uint32_t>::max());
  EXPECT_EQ(group.raft(3).role(), Role::kFollower);
  EXPECT_FALSE(group.node(3).HasReady());
}

// --- Ready and Advance ---------------------------------------------------------------------------

TEST(RawNodeReady, HasReadyTellsTheTruth) {
  for (bool async : {false, true}) {
    for (bool immediately : {false, true}) {
      Cluster group(With([=](Config& c) {
        c.async_storage_writes = async;
        c.immediate_sends = immediately;
      }));
      TestRandom random(async * 2 + immediately);
      int said_yes = 0;
      int empty = 0;
      for (int step = 0; step < 1000; ++step) {
        const NodeId id = random.Between(1, 3);
        switch (random.Below(6)) {
          case 0: group.Tick(id, static_cast<uint32_t>(random.Below(6))); break;
          case 1: group.Propose(id, "x").IgnoreError(); break;
          case 2: group.node(id).ReadIndex(absl::Cord("r")).IgnoreError(); break;
          case 3: group.RunStorage(id); break;
          default:
            if (!group.wire().empty()) {
              group.Deliver(random.Below(group.wire().size())).IgnoreError();
            }
        }
        const bool has_ready = group.node(id).HasReady();
        Ready ready;
        if (!has_ready) {
          ASSERT_TRUE(group.node(id).TakeReady(ready).ok());
          ASSERT_TRUE(ready.empty()) << Describe(ready);
          if (!async) group.node(id).Advance();
          continue;
        }
        ++said_yes;
        group.HandleReady(id);
        empty += group.last_ready(id).empty();
      }
      EXPECT_GT(said_yes, 100);
      EXPECT_EQ(empty, 0);
    }
  }
}

TEST(RawNodeReady, StatesAreHandedOutWhenTheyChange) {
  Cluster group({.voters = {1}});
  RawNode& node = group.node(1);
  EXPECT_FALSE(node.HasReady()) << "what was there at the start is no change";
  ASSERT_TRUE(node.Campaign().ok());
  Ready ready;
  ASSERT_TRUE(node.TakeReady(ready).ok());
  EXPECT_EQ(ready.soft_state, (SoftState{.role = Role::kPreCandidate}));
  EXPECT_FALSE(ready.hard_state.has_value());
  EXPECT_FALSE(ready.must_sync);
  node.Advance();
  ASSERT_TRUE(node.TakeReady(ready).ok());
  EXPECT_EQ(ready.soft_state, (SoftState{.role = Role::kCandidate}));
  EXPECT_EQ(ready.hard_state, (raftpb::HardState{.term = 1, .vote = 1}));
  EXPECT_TRUE(ready.must_sync) << "term and vote";
  group.storage(1).SetHardState(*ready.hard_state);
  node.Advance();
  ASSERT_TRUE(node.TakeReady(ready).ok());
  EXPECT_EQ(ready.soft_state, (SoftState{.lead = 1, .role = Role::kLeader}));
  EXPECT_FALSE(ready.hard_state.has_value()) << "unchanged";
  EXPECT_EQ(ready.entries.size(), 1);
  EXPECT_TRUE(ready.must_sync) << "entries";
  ASSERT_TRUE(group.storage(1).Append(ready.entries).ok());
  node.Advance();
  ASSERT_TRUE(node.TakeReady(ready).ok());
  EXPECT_EQ(ready.hard_state, (raftpb::HardState{.term = 1, .vote = 1, .commit = 1}));
  EXPECT_FALSE(ready.must_sync) << "a commit index may be lost";
  EXPECT_EQ(ready.committed_entries.size(), 1);
  node.Advance();
  EXPECT_FALSE(node.HasReady());
}

TEST(RawNodeReady, NothingIsHandedOutTwice) {
  Cluster group;
  group.Elect(1);
  ASSERT_TRUE(group.Propose(1, "x").ok());
  ASSERT_TRUE(group.node(1).ReadIndex(absl::Cord("r")).ok());
  RawNode& node = group.node(1);
  Ready ready;
  ASSERT_TRUE(node.TakeReady(ready).ok());
  EXPECT_EQ(ready.entries.size(), 1);
  EXPECT_EQ(ready.messages.size(), 4);
  EXPECT_FALSE(node.HasReady()) << "even before Advance";
  ASSERT_TRUE(group.storage(1).Append(ready.entries).ok());
  node.Advance();
  EXPECT_FALSE(node.HasReady());
}

TEST(RawNodeReady, WhatArrivesMeanwhileComesWithTheNext) {
  Cluster group;
  group.Elect(1);
  ASSERT_TRUE(group.Propose(1, "x").ok());
  RawNode& node = group.node(1);
  Ready ready;
  ASSERT_TRUE(node.TakeReady(ready).ok());
  ASSERT_TRUE(group.Propose(1, "y").ok());
  EXPECT_TRUE(node.HasReady());
  ASSERT_TRUE(group.storage(1).Append(ready.entries).ok());
  node.Advance();
  ASSERT_TRUE(node.TakeReady(ready).ok());
  ASSERT_EQ(ready.entries.size(), 1);
  EXPECT_EQ(ready.entries[0].data, "y");
}

TEST(RawNodeReady, EntriesMayBeStoredAndAppliedInOneTurn) {
  // A follower that learns of entries and of their commitment at once.
  Cluster group;
  group.ExpectNoSafety();  // Server 2 leads only in words.
  group.Receive({.type = MessageType::kApp,
                 .to = 1,
                 .from = 2,
                 .term = 1,
                 .entries = EntriesOfTerms({1, 1}),
                 .commit = 2});
  Ready ready;
  ASSERT_TRUE(group.node(1).TakeReady(ready).ok());
  EXPECT_EQ(ready.entries.size(), 2);
  EXPECT_EQ(ready.committed_entries, ready.entries);
}

TEST(RawNodeReady, ApplyingIsBoundedUntilItIsConfirmed) {
  ClusterOptions options = With([](Config& c) { c.max_committed_size_per_ready = 250; });
  Cluster group(std::move(options));
  group.Elect(1);
  const std::string payload(100, 'x');
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(group.Propose(1, payload).ok());
  std::vector<size_t> batches;
  for (int round = 0; round < 20; ++round) {
    for (NodeId id : {2, 3}) {
      for (const Message& m : group.Flush(id)) group.Receive(m);
    }
    Ready ready;
    ASSERT_TRUE(group.node(1).TakeReady(ready).ok());
    if (!ready.committed_entries.empty()) batches.push_back(ready.committed_entries.size());
    ASSERT_TRUE(group.storage(1).Append(ready.entries).ok());
    group.node(1).Advance();
    group.ExpectNoSafety();  // The loop is turned by hand.
    for (const Message& m : ready.messages) group.Step(m.to, m).IgnoreError();
  }
  EXPECT_THAT(batches, ElementsAre(2, 2, 1));
}

TEST(RawNodeReady, AnErrorOfTheStorageTakesNothing) {
  FailingStorage storage;
  storage.SetConfState({.voters = {1, 2, 3}});
  ASSERT_TRUE(storage.Append(EntriesOfTerms({1, 1})).ok());
  storage.SetHardState({.term = 1, .commit = 2});
  Config config;
  config.id = 1;
  config.storage = &storage;
  auto node = RawNode::Create(config).value();
  storage.fails = true;
  const std::string before = Photo(node->raft());
  Ready ready;
  EXPECT_EQ(node->TakeReady(ready), absl::InternalError("disk"));
  EXPECT_EQ(Photo(node->raft()), before);
  storage.fails = false;
  ASSERT_TRUE(node->TakeReady(ready).ok());
  EXPECT_EQ(ready.committed_entries.size(), 2);
}

// A leader whose disk does not answer goes on without that follower, and catches up later.
TEST(RawNodeReady, AFollowerWaitsWhileTheLeadersLogCannotBeRead) {
  FailingStorage storage;
  storage.SetConfState({.voters = {1, 2}});
  ASSERT_TRUE(storage.Append(EntriesOfTerms({1, 1, 1})).ok());
  storage.SetHardState({.term = 1});
  Config config;
  config.id = 1;
  config.storage = &storage;
  config.pre_vote = false;
  auto node = RawNode::Create(config).value();
  const auto turn = [&] {
    Ready ready;
    EXPECT_TRUE(node->TakeReady(ready).ok());
    EXPECT_TRUE(ready.entries.empty() || storage.Append(ready.entries).ok());
    if (ready.hard_state.has_value()) storage.SetHardState(*ready.hard_state);
    node->Advance();
    return ready.messages;
  };
  ASSERT_TRUE(node->Campaign().ok());
  turn();
  ASSERT_TRUE(node->Step({.type = MessageType::kVoteResp, .to = 1, .from = 2, .term = 2}).ok());
  turn();
  // Server 2 has nothing: the leader has to read its log.
  storage.fails = true;
  ASSERT_TRUE(node->Step({.type = MessageType::kAppResp,
                          .to = 1,
                          .from = 2,
                          .term = 2,
                          .index = 3,
                          .reject = true})
                  .ok());
  EXPECT_THAT(turn(), IsEmpty());
  storage.fails = false;
  ASSERT_TRUE(
      node->Step({.type = MessageType::kHeartbeatResp, .to = 1, .from = 2, .term = 2}).ok());
  const std::vector<Message> sent = turn();
  ASSERT_EQ(sent.size(), 1);
  EXPECT_EQ(sent[0].entries.size(), 4);
}

TEST(RawNodeReadyDeathTest, TheTurnsOfTheLoopAreKeptInOrder) {
  Cluster group;
  RawNode& node = group.node(1);
  Ready ready;
  ASSERT_TRUE(node.TakeReady(ready).ok());
  EXPECT_DEATH(node.TakeReady(ready).IgnoreError(), "without Advance");
  node.Advance();
  EXPECT_DEATH(node.Advance(), "without a Ready");
}

// --- Terms are stored before they are spoken in --------------------------------------------------

TEST(RawNodeTermHold, AVoteRequestWaitsUntilItsTermIsStored) {
  for (bool immediately : {false, true}) {
    Cluster group(With([immediately](Config& c) {
      c.pre_vote = false;
      c.immediate_sends = immediately;
    }));
    ASSERT_TRUE(group.node(1).Campaign().ok());
    Ready ready;
    ASSERT_TRUE(group.node(1).TakeReady(ready).ok());
    EXPECT_THAT(ready.messages, IsEmpty());
    EXPECT_THAT(Types(ready.messages_after_write),
                ElementsAre(MessageType::kVote, MessageType::kVote));
    EXPECT_TRUE(ready.must_sync);
  }
}

TEST(RawNodeTermHold, APreVoteDoesNotWait) {
  Cluster group;
  ASSERT_TRUE(group.node(1).Campaign().ok());
  Ready ready;
  ASSERT_TRUE(group.node(1).TakeReady(ready).ok());
  EXPECT_THAT(Types(ready.messages), ElementsAre(MessageType::kPreVote, MessageType::kPreVote));
  EXPECT_THAT(ready.messages_after_write, IsEmpty());
}

TEST(RawNodeTermHold, EveryAnswerInANewTermWaits) {
  Cluster group;
  group.ExpectNoSafety();  // Server 2 is played.
  group.Receive({.type = MessageType::kHeartbeat, .to = 1, .from = 2, .term = 7});
  Ready ready;
  ASSERT_TRUE(group.node(1).TakeReady(ready).ok());
  EXPECT_THAT(ready.messages, IsEmpty());
  EXPECT_THAT(Types(ready.messages_after_write), ElementsAre(MessageType::kHeartbeatResp));
  group.storage(1).SetHardState(*ready.hard_state);
  group.node(1).Advance();
  group.Receive({.type = MessageType::kHeartbeat, .to = 1, .from = 2, .term = 7});
  ASSERT_TRUE(group.node(1).TakeReady(ready).ok());
  EXPECT_THAT(Types(ready.messages), ElementsAre(MessageType::kHeartbeatResp)) << "term 7 is known";
}

TEST(RawNodeTermHold, WithStorageThreadsTheTermIsHeldUntilItsWriteIsConfirmed) {
  for (bool immediately : {false, true}) {
    Cluster group(With([immediately](Config& c) {
      c.pre_vote = false;
      c.async_storage_writes = true;
      c.immediate_sends = immediately;
    }));
    ASSERT_TRUE(group.node(1).Campaign().ok());
    Ready ready;
    ASSERT_TRUE(group.node(1).TakeReady(ready).ok());
    ASSERT_EQ(ready.messages.back().type, MessageType::kStorageAppend);
    const Message work = ready.messages.back();
    if (immediately) {  // As etcd/raft does.
      EXPECT_THAT(Types(ready.messages),
                  ElementsAre(MessageType::kVote, MessageType::kVote, MessageType::kStorageAppend));
      EXPECT_THAT(Types(work.responses), ElementsAre(MessageType::kVoteResp));
      continue;
    }
    EXPECT_THAT(Types(ready.messages), ElementsAre(MessageType::kStorageAppend));
    EXPECT_THAT(Types(work.responses),
                ElementsAre(MessageType::kVote, MessageType::kVote, MessageType::kVoteResp,
                            MessageType::kStorageAppendResp));
    // A second Ready before the write is confirmed: still nothing leaves.
    ASSERT_TRUE(
        group.node(1).Step({.type = MessageType::kHeartbeat, .to = 1, .from = 2, .term = 1}).ok());
    ASSERT_TRUE(group.node(1).TakeReady(ready).ok());
    EXPECT_THAT(Types(ready.messages), ElementsAre(MessageType::kStorageAppend));
    EXPECT_THAT(ready.messages[0].responses,
                Contains(::testing::Field(&Message::type, MessageType::kHeartbeatResp)));
  }
}

// --- Storage threads -----------------------------------------------------------------------------

ClusterOptions Async() {
  return With([](Config& c) { c.async_storage_writes = true; });
}

TEST(RawNodeAsync, AGroupServesWithStorageThreads) {
  Cluster group(Async());
  group.Elect(1);
  group.Commit("x");
  ASSERT_TRUE(group.node(2).ReadIndex(absl::Cord("r")).ok());
  group.Tick(1);
  group.Settle();
  for (NodeId id : group.ids()) EXPECT_THAT(group.commands(id), ElementsAre("x"));
  EXPECT_EQ(group.reads(2).size(), 1);
  group.Restart(2);
  group.Elect(2);
  group.Commit("y");
  EXPECT_THAT(group.commands(2), ElementsAre("x", "y"));
}

TEST(RawNodeAsync, WorkIsHandedOutAsMessagesThatCarryTheirAnswers) {
  Cluster group(Async());
  group.ExpectNoSafety();  // Server 2 leads only in words.
  group.Receive({.type = MessageType::kApp,
                 .to = 1,
                 .from = 2,
                 .term = 3,
                 .entries = EntriesOfTerms({1, 3}),
                 .commit = 1});
  Ready ready;
  ASSERT_TRUE(group.node(1).TakeReady(ready).ok());
  ASSERT_THAT(Types(ready.messages), ElementsAre(MessageType::kStorageAppend));
  EXPECT_THAT(ready.messages_after_write, IsEmpty());
  const Message append = ready.messages[0];
  EXPECT_EQ(append.to, kLocalAppendThread);
  EXPECT_EQ(append.from, 1);
  EXPECT_EQ(append.term, 3);
  EXPECT_EQ(append.vote, kNone);
  EXPECT_EQ(append.commit, 1);
  EXPECT_EQ(append.entries, EntriesOfTerms({1, 3}));
  ASSERT_EQ(append.responses.size(), 2);
  EXPECT_EQ(append.responses[0],
            (Message{.type = MessageType::kAppResp, .to = 2, .from = 1, .term = 3, .index = 2}));
  EXPECT_EQ(append.responses[1], (Message{.type = MessageType::kStorageAppendResp,
                                          .to = 1,
                                          .from = kLocalAppendThread,
                                          .term = 3,
                                          .log_term = 3,
                                          .index = 2}));
  // Only what is stored is applied.
  EXPECT_THAT(ready.committed_entries, IsEmpty());
  ASSERT_TRUE(group.storage(1).Append(append.entries).ok());
  ASSERT_TRUE(group.node(1).StepLocal(append.responses[1]).ok());
  ASSERT_TRUE(group.node(1).TakeReady(ready).ok());
  ASSERT_THAT(Types(ready.messages), ElementsAre(MessageType::kStorageApply));
  const Message apply = ready.messages[0];
  EXPECT_EQ(apply.to, kLocalApplyThread);
  EXPECT_EQ(apply.term, 0);
  EXPECT_EQ(apply.entries, EntriesOfTerms({1}));
  EXPECT_THAT(apply.responses, ElementsAre(Message{.type = MessageType::kStorageApplyResp,
                                                   .to = 1,
                                                   .from = kLocalApplyThread,
                                                   .entries = EntriesOfTerms({1})}));
  EXPECT_EQ(group.node(1).GetBasicStatus().applied, 0);
  ASSERT_TRUE(group.node(1).StepLocal(apply.responses[0]).ok());
  EXPECT_EQ(group.node(1).GetBasicStatus().applied, 1);
}

TEST(RawNodeAsync, ASlowDiskHoldsBackOnlyWhatDependsOnIt) {
  Cluster group(Async());
  group.Elect(1);
  const Index before = group.raft(1).log().committed();
  ASSERT_TRUE(group.Propose(1, "x").ok());
  while (group.HandleReady(1)) {
  }
  // The others write at once, the leader does not: two of three are a quorum.
  while (!group.wire().empty()) {
    ASSERT_TRUE(group.Deliver().ok());
    for (NodeId id : {2, 3}) {
      while (group.HandleReady(id)) group.RunStorage(id);
    }
  }
  EXPECT_EQ(group.raft(1).log().committed(), before + 1);
  while (group.HandleReady(1)) {
  }
  EXPECT_THAT(group.apply_work(1), IsEmpty()) << "is not stored here yet";
  group.RunStorage(1);
  group.Settle();
  EXPECT_THAT(group.commands(1), ElementsAre("x"));
}

// Lets everybody but server 1 act, and server 1 hear the answers.
void DeliverAllBut1(Cluster& group) {
  while (!group.wire().empty()) {
    ASSERT_TRUE(group.Deliver().ok());
    for (NodeId id : group.ids()) {
      if (id == 1) continue;
      while (group.HandleReady(id)) group.RunStorage(id);
    }
  }
}

// A server that hears of its removal may leave for good. Had the leader forgotten the removal by
// then, it would need the one that is gone.
TEST(RawNodeAsync, AMembershipChangeIsToldWhenItsCommitIsStored) {
  ClusterOptions options = Async();
  options.voters = {1, 2};
  Cluster group(std::move(options));
  group.Elect(1);
  ASSERT_TRUE(group.node(1).ProposeConfChange(testing::RemoveServer(2)).ok());
  while (group.HandleReady(1)) group.RunStorage(1);
  const Index change = group.raft(1).log().LastIndex();
  DeliverAllBut1(group);
  ASSERT_EQ(group.raft(1).log().committed(), change);
  // From now on the leader's disk is slow. The other has what the leader lacks.
  ASSERT_TRUE(group.Propose(1, "x").ok());
  while (group.HandleReady(1)) {
  }
  group.Tick(1);
  while (group.HandleReady(1)) {
  }
  DeliverAllBut1(group);
  EXPECT_LT(group.raft(2).log().committed(), change);

  group.Restart(1);
  for (NodeId id : {1, 2}) {
    group.TimeOut(id);
    group.Settle();
  }
  EXPECT_EQ(group.leader(), 2) << "has the longest log, and is still a voter";
}

TEST(RawNodeAsync, AMembershipChangeIsToldAsSoonAsItsCommitIsStored) {
  Cluster group(Async());
  group.Elect(1);
  ASSERT_TRUE(group.node(1).ProposeConfChange(testing::RemoveServer(3)).ok());
  while (group.HandleReady(1)) group.RunStorage(1);
  const Index change = group.raft(1).log().LastIndex();
  DeliverAllBut1(group);
  ASSERT_EQ(group.raft(1).log().committed(), change);
  ASSERT_TRUE(group.HandleReady(1));
  EXPECT_TRUE(group.last_ready(1).must_sync);
  EXPECT_THAT(group.wire(), IsEmpty());
  group.RunAppend(1);
  EXPECT_THAT(group.wire(), Contains(::testing::Field(&Message::commit, change)));
  ASSERT_TRUE(group.Propose(1, "x").ok());
  ASSERT_TRUE(group.HandleReady(1));
  EXPECT_THAT(group.last_ready(1).messages, Contains(::testing::Field(&Message::commit, change)))
      << "nothing is held back any more";
}

// Whoever wins while its disk still writes does not count itself for what is not there.
TEST(RawNodeAsync, ANewLeaderBelievesItsOwnDiskOnly) {
  Cluster group(With([](Config& c) {
    c.async_storage_writes = true;
    c.pre_vote = false;
    c.check_quorum = false;
  }));
  group.ExpectNoSafety();  // Peers are played.
  group.Receive({.type = MessageType::kApp,
                 .to = 1,
                 .from = 2,
                 .term = 1,
                 .entries = EntriesOfTerms({1, 1})});
  while (group.HandleReady(1)) {
  }
  group.TimeOut(1);
  for (NodeId voter : {2, 3}) {
    group.Receive({.type = MessageType::kVoteResp, .to = 1, .from = voter, .term = 2});
  }
  ASSERT_EQ(group.raft(1).role(), Role::kLeader);
  EXPECT_EQ(group.raft(1).progress()->Find(1)->match(), 0);
  group.Flush(1);
  EXPECT_EQ(group.raft(1).progress()->Find(1)->match(), 3);
}

TEST(RawNodeAsync, ASnapshotIsStoredAndAppliedByTheAppendThread) {
  Cluster group(Async());
  group.Elect(1);
  group.Isolate(3);
  group.Commit("x");
  group.Compact(1);
  group.Heal();
  for (int i = 0; i < 3; ++i) {
    group.Tick(1);
    group.Settle();
  }
  EXPECT_THAT(group.commands(3), ElementsAre("x"));
  EXPECT_EQ(group.raft(3).log().applied(), group.raft(1).log().applied());
}

// --- Proposing -----------------------------------------------------------------------------------

TEST(RawNodePropose, EveryRefusalHasItsReason) {
  const auto reason = [](Cluster& group, NodeId id) {
    const absl::Status status = group.Propose(id, "x");
    EXPECT_TRUE(IsProposalDropped(status)) << status;
    return IsProposalDropped(status) ? DropReasonOf(status) : DropReason{-1};
  };
  Cluster no_leader;
  EXPECT_EQ(reason(no_leader, 1), DropReason::kNoLeader);
  no_leader.TimeOut(1);
  EXPECT_EQ(reason(no_leader, 1), DropReason::kNoLeader) << "a candidate";

  Cluster group(With([](Config& c) {
    c.max_uncommitted_size = 10;
    c.disable_proposal_forwarding = c.id == 3;
  }));
  group.Elect(1);
  EXPECT_EQ(reason(group, 3), DropReason::kForwardingDisabled);
  EXPECT_TRUE(group.Propose(2, "x").ok()) << "is forwarded";
  group.Settle();
  EXPECT_THAT(group.commands(1), ElementsAre("x"));
  group.Isolate(1);
  ASSERT_TRUE(group.Propose(1, "0123456789").ok());
  EXPECT_EQ(reason(group, 1), DropReason::kOverQuota);
  group.Heal();
  group.Tick(1);
  group.Settle();
  EXPECT_EQ(group.raft(1).uncommitted_size(), 0);
  EXPECT_TRUE(group.Propose(1, "y").ok()) << "there is room again";
  group.Settle();
  ASSERT_TRUE(group.node(1).TransferLeadership(2).ok());
  EXPECT_EQ(reason(group, 1), DropReason::kTransferring);
}

TEST(RawNodePropose, ABatchIsTakenTogether) {
  Cluster group(With([](Config& c) { c.max_uncommitted_size = 4; }));
  group.Elect(1);
  const std::vector<absl::Cord> batch = {absl::Cord("aa"), absl::Cord("bb"), absl::Cord("cc")};
  ASSERT_TRUE(group.node(1).Propose(batch).ok());
  EXPECT_TRUE(IsProposalDropped(group.node(1).Propose(batch)));
  group.Settle();
  EXPECT_THAT(group.commands(3), ElementsAre("aa", "bb", "cc"));
}

TEST(RawNodePropose, ConfChangesOfBothForms) {
  Cluster group;
  group.Elect(1);
  ASSERT_TRUE(group.node(1)
                  .ProposeConfChange(raftpb::ConfChange{
                      .type = raftpb::ConfChangeType::kAddLearnerNode, .node_id = 4})
                  .ok());
  group.Settle();
  EXPECT_THAT(group.machine(1).conf_state.learners, ElementsAre(4));
  ASSERT_TRUE(group.node(2).ProposeConfChange(testing::AddVoter(4)).ok()) << "forwarded";
  group.Settle();
  EXPECT_THAT(group.machine(1).conf_state.voters, ElementsAre(1, 2, 3, 4));
}

TEST(RawNodePropose, ValidationCanBeLeftToTheApplication) {
  Cluster group(With([](Config& c) { c.disable_conf_change_validation = true; }));
  group.Elect(1);
  group.Isolate(1);
  ASSERT_TRUE(group.node(1).ProposeConfChange(testing::AddVoter(4)).ok());
  ASSERT_TRUE(group.node(1).ProposeConfChange(testing::AddVoter(5)).ok());
  group.Heal();
  group.Tick(1);
  group.Settle();
  EXPECT_THAT(group.machine(2).conf_state.voters, ElementsAre(1, 2, 3, 4, 5));
}

TEST(RawNodePropose, WhatIsProposedWithARefusedChangeKeepsItsPlace) {
  Cluster group;
  group.Elect(1);
  const absl::Cord change(raftpb::Encode(testing::AddVoter(4)));
  group.Receive({.type = MessageType::kProp,
                 .to = 1,
                 .from = 2,
                 .entries = {{.data = absl::Cord("a")},
                             {.type = EntryType::kConfChangeV2, .data = change},
                             {.data = absl::Cord("b")},
                             {.type = EntryType::kConfChangeV2, .data = change},
                             {.data = absl::Cord("c")}}});
  group.Settle();
  EXPECT_THAT(group.commands(2), ElementsAre("a", "b", "c"));
  EXPECT_THAT(group.machine(2).conf_state.voters, ElementsAre(1, 2, 3, 4));
  const raftpb::EntryList entries = group.storage(2).Entries({2, 7}, kNoLimit).value();
  EXPECT_EQ(entries[1].type, EntryType::kConfChangeV2);
  EXPECT_EQ(entries[3].type, EntryType::kNormal);
  EXPECT_TRUE(entries[3].data.empty());
}

// --- Transport reports ---------------------------------------------------------------------------

TEST(RawNodeReport, AnUnreachableFollowerIsProbed) {
  Cluster group;
  group.Elect(1);
  const tracker::Progress* progress = group.raft(1).progress()->Find(2);
  ASSERT_EQ(progress->state(), tracker::ProgressState::kReplicate);
  group.node(1).ReportUnreachable(2);
  EXPECT_EQ(progress->state(), tracker::ProgressState::kProbe);
  group.Isolate(2);
  for (int i = 0; i < 10; ++i) group.Commit("x");
  EXPECT_LE(group.CountSent(MessageType::kApp, 2), 5) << "one at a time";
  group.node(1).ReportUnreachable(9);  // Nobody knows it: nothing happens.
  group.node(2).ReportUnreachable(1);  // Does not lead: nothing happens.
}

TEST(RawNodeReport, HowASnapshotEndedDecidesWhereToGoOn) {
  for (SnapshotOutcome outcome : {SnapshotOutcome::kFinished, SnapshotOutcome::kFailed}) {
    Cluster group;
    group.Elect(1);
    group.Isolate(3);
    group.Commit("x");
    group.Compact(1);
    const Index snapshot = group.machine(1).applied;
    group.Heal();
    group.Drop([](const Message& m) { return m.type == MessageType::kSnap; });
    group.Tick(1);
    group.Settle();
    group.Tick(1);
    group.Settle();
    const tracker::Progress* progress = group.raft(1).progress()->Find(3);
    ASSERT_EQ(progress->state(), tracker::ProgressState::kSnapshot);
    EXPECT_EQ(progress->pending_snapshot(), snapshot);
    group.node(1).ReportSnapshot(9, outcome);  // Nobody knows it.
    group.node(1).ReportSnapshot(2, outcome);  // Got none.
    group.node(1).ReportSnapshot(3, outcome);
    EXPECT_EQ(progress->state(), tracker::ProgressState::kProbe);
    EXPECT_EQ(progress->next(),
              outcome == SnapshotOutcome::kFinished ? snapshot + 1 : progress->match() + 1);
    EXPECT_TRUE(progress->IsPaused()) << "until it is heard of";
    group.Heal();
    for (int i = 0; i < 3; ++i) {
      group.Tick(1);
      group.Settle();
    }
    EXPECT_THAT(group.commands(3), ElementsAre("x")) << "either way";
  }
}

TEST(RawNodeReport, ASnapshotThatIsBeingMadeIsAskedForAgain) {
  Cluster group;
  group.Elect(1);
  group.Isolate(3);
  group.Commit("x");
  ASSERT_TRUE(group.storage(1).Compact(2).ok());  // Without a snapshot.
  group.Heal();
  group.Tick(1);
  group.Settle();
  EXPECT_EQ(group.CountSent(MessageType::kSnap), 0);
  ASSERT_TRUE(group.storage(1)
                  .CreateSnapshot(2, group.machine(1).conf_state, group.machine(1).Save())
                  .ok());
  group.Tick(1);
  group.Settle();
  EXPECT_THAT(group.commands(3), ElementsAre("x"));
}

TEST(RawNodeForgetLeader, LetsAFollowerVoteAtOnce) {
  Cluster group;
  group.Elect(1);
  group.Isolate(1);
  ASSERT_TRUE(group.node(2).ForgetLeader().ok());
  EXPECT_EQ(group.raft(2).lead(), kNone);
  ASSERT_TRUE(group.node(2).ForgetLeader().ok()) << "there is none any more";
  group.TimeOut(3);
  group.Settle();
  EXPECT_EQ(group.leader(), 3);
}

TEST(RawNodeForgetLeader, NotWhereALeaderTrustsItsLease) {
  Cluster group(With([](Config& c) { c.read_only = ReadOnlyOption::kLeaseBased; }));
  group.Elect(1);
  ASSERT_TRUE(group.node(2).ForgetLeader().ok());
  EXPECT_EQ(group.raft(2).lead(), 1);
  ASSERT_TRUE(group.node(1).ForgetLeader().ok());
  EXPECT_EQ(group.raft(1).role(), Role::kLeader);
}

TEST(RawNodeCampaign, ALeaderDoesNotRunAgainstItself) {
  Cluster group;
  group.Elect(1);
  ASSERT_TRUE(group.node(1).Campaign().ok());
  EXPECT_EQ(group.raft(1).role(), Role::kLeader);
  group.Settle();
  EXPECT_EQ(group.raft(1).term(), 1);
}

// A follower whose state is a snapshot that its disk does not have yet.
TEST(RawNodeCampaign, NotFromASnapshotThatIsNotStored) {
  Cluster group(Async());
  group.ExpectNoSafety();  // Server 2 leads only in words.
  group.Receive({.type = MessageType::kSnap,
                 .to = 1,
                 .from = 2,
                 .term = 1,
                 .snapshot = std::make_shared<raftpb::Snapshot>(raftpb::Snapshot{
                     .metadata = {.conf_state = {.voters = {1, 2, 3}}, .index = 9, .term = 1}})});
  EXPECT_EQ(group.node(1).TicksUntilDue(), std::numeric_limits<uint32_t>::max());
  group.Tick(1, 100);
  EXPECT_EQ(group.raft(1).role(), Role::kFollower);
  group.Flush(1);
  group.TimeOut(1);
  EXPECT_EQ(group.raft(1).role(), Role::kPreCandidate);
}

// --- Restart -------------------------------------------------------------------------------------

TEST(RawNodeRestart, GoesOnWhereTheStateMachineIs) {
  Cluster group;
  group.Elect(1);
  for (const char* command : {"x", "y", "z"}) group.Commit(command);
  group.Tick(1);
  group.Settle();
  group.Restart(2);
  EXPECT_FALSE(group.node(2).HasReady()) << "nothing is applied twice";
  EXPECT_EQ(group.node(2).GetBasicStatus().applied, group.machine(2).applied);
  group.Restart(3, /*keep_state_machine=*/false);
  Ready ready;
  ASSERT_TRUE(group.node(3).TakeReady(ready).ok());
  EXPECT_EQ(ready.committed_entries.size(), 4) << "everything, from the beginning";
}

TEST(RawNodeRestart, FromASnapshotWhatItCoversIsApplied) {
  Cluster group;
  group.Elect(1);
  group.Commit("x");
  group.Compact(1);
  group.Commit("y");
  group.Restart(1, /*keep_state_machine=*/false);
  EXPECT_THAT(group.commands(1), ElementsAre("x"));
  group.Settle();
  EXPECT_THAT(group.commands(1), ElementsAre("x", "y"));
}

// --- Looking -------------------------------------------------------------------------------------

TEST(RawNodeStatus, TellsWhatALeaderKnows) {
  Cluster group({.voters = {1, 2, 3}, .learners = {4}});
  group.Elect(1);
  group.Commit("x");
  const Status status = group.node(1).GetStatus();
  EXPECT_EQ(status.basic.id, 1);
  EXPECT_EQ(status.basic.hard_state, group.raft(1).hard_state());
  EXPECT_EQ(status.basic.soft_state, (SoftState{.lead = 1, .role = Role::kLeader}));
  EXPECT_EQ(status.basic.applied, 2);
  EXPECT_EQ(status.basic.transferee, kNone);
  EXPECT_TRUE(status.config.IsLearner(4));
  std::vector<NodeId> ids;
  for (const auto& [id, progress] : status.progress) {
    ids.push_back(id);
    EXPECT_EQ(progress.match(), 2) << id;
  }
  EXPECT_THAT(ids, ElementsAre(1, 2, 3, 4));
  std::vector<NodeId> visited;
  group.node(1).VisitProgress(
      [&visited](NodeId id, const tracker::Progress&) { visited.push_back(id); });
  EXPECT_EQ(visited, ids);
  ASSERT_TRUE(group.node(1).TransferLeadership(2).ok());
  EXPECT_EQ(group.node(1).GetBasicStatus().transferee, 2);
}

TEST(RawNodeStatus, AFollowerKnowsNobodysProgress) {
  Cluster group;
  group.Elect(1);
  EXPECT_THAT(group.node(2).GetStatus().progress, IsEmpty());
  group.node(2).VisitProgress([](NodeId, const tracker::Progress&) { FAIL(); });
}

// --- Logger and tracer ---------------------------------------------------------------------------

class Recorder : public Logger, public Tracer {
 public:
  bool Enabled(LogLevel level) const override { return level >= least; }
  void Log(LogLevel level, absl::string_view line) override {
    EXPECT_TRUE(Enabled(level)) << line;
    lines.push_back(std::string(line));
  }
  void Record(const TraceEvent& event) override {
    actions.push_back(event.action);
    EXPECT_EQ(event.id, 1);
    const bool has_message =
        event.action == TraceAction::kReceive || event.action == TraceAction::kSend;
    EXPECT_EQ(event.message != nullptr, has_message);
    last = event;
  }
  LogLevel least = LogLevel::kDebug;
  std::vector<std::string> lines;
  std::vector<TraceAction> actions;
  TraceEvent last;
};

TEST(RawNodeLogger, GetsTheLinesItWants) {
  Recorder recorder;
  Cluster group(With([&recorder](Config& c) {
    if (c.id == 1) c.logger = &recorder;
  }));
  group.Elect(1);
  EXPECT_THAT(recorder.lines, Contains("1 became leader at term 1"));
  recorder.lines.clear();
  recorder.least = LogLevel::kWarn;
  group.Isolate(1);
  group.Tick(1, 20);
  EXPECT_THAT(recorder.lines, ElementsAre("1 stepped down to follower since quorum is not active"));
}

TEST(RawNodeTracer, SeesEveryTransition) {
  Recorder recorder;
  Cluster group(With([&recorder](Config& c) {
    if (c.id == 1) c.tracer = &recorder;
  }));
  EXPECT_EQ(recorder.actions,
            (std::vector<TraceAction>{TraceAction::kBecomeFollower, TraceAction::kInit}));
  group.Elect(1);
  group.ChangeMembership(testing::AddLearner(4));
  for (TraceAction action :
       {TraceAction::kBecomePreCandidate, TraceAction::kBecomeCandidate, TraceAction::kBecomeLeader,
        TraceAction::kReceive, TraceAction::kSend, TraceAction::kAppend, TraceAction::kStable,
        TraceAction::kCommit, TraceAction::kApply, TraceAction::kReady,
        TraceAction::kConfigChange}) {
    EXPECT_THAT(recorder.actions, Contains(action)) << static_cast<int>(action);
  }
  EXPECT_EQ(recorder.last.role, Role::kLeader);
  EXPECT_EQ(recorder.last.term, 1);
  EXPECT_EQ(recorder.last.commit, 2);
  EXPECT_EQ(recorder.last.applied, 2);
  EXPECT_EQ(recorder.last.last, (EntryId{1, 2}));
}

TEST(RawNodeTracer, SeesAFollowersCommitAndARestoredSnapshot) {
  Recorder recorder;
  Cluster group(With([&recorder](Config& c) {
    if (c.id == 1) c.tracer = &recorder;
  }));
  group.Elect(2);
  group.Commit("x");
  EXPECT_THAT(recorder.actions, Contains(TraceAction::kCommit));
  group.Isolate(1);
  group.Commit("y");
  group.Compact(2);
  group.Heal();
  for (int i = 0; i < 3; ++i) {
    group.Tick(2);
    group.Settle();
  }
  EXPECT_THAT(recorder.actions, Contains(TraceAction::kRestoreSnapshot));
}

}  // namespace
}  // namespace raft
