// What a host promises, one claim at a time, on fleets of three hosts.
#include "raft/host/host.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "raft/errors.h"
#include "raft/host/fleet.h"
#include "raft/raft.h"
#include "raft/raw_node.h"
#include "raft/test_random.h"
#include "raftpb/allocation_counter.h"
#include "storage/memory_storage.h"

namespace raft {
namespace {

using testing::Fleet;
using testing::FleetOptions;
using ::testing::IsEmpty;

constexpr size_t kGroups = 20;

class HostTest : public ::testing::Test {
 protected:
  // All groups led by host 1, and awake.
  Fleet& Build(FleetOptions options = {}) {
    options.groups = std::max(options.groups, kGroups);
    fleet_ = std::make_unique<Fleet>(std::move(options));
    for (GroupId group = 1; group <= kGroups; ++group) fleet_->Campaign(1, group);
    fleet_->Tick(2);
    EXPECT_EQ(LedBy(1), kGroups);
    return *fleet_;
  }

  Fleet& BuildAsleep(FleetOptions options = {}) {
    Fleet& fleet = Build(std::move(options));
    fleet.Tick(30);
    EXPECT_EQ(fleet.Asleep(), 3 * kGroups);
    return fleet;
  }

  size_t LedBy(HostId host) const {
    size_t led = 0;
    for (GroupId group = 1; group <= kGroups; ++group) led += fleet_->LeaderOf(group) == host;
    return led;
  }

  void TearDown() override {
    if (fleet_ == nullptr) return;
    EXPECT_THAT(fleet_->violations(), IsEmpty());
  }

  std::unique_ptr<Fleet> fleet_;
};

TEST_F(HostTest, ElectsByItself) {
  fleet_ = std::make_unique<Fleet>(FleetOptions{.groups = kGroups});
  fleet_->Tick(60);
  EXPECT_EQ(LedBy(0), 0);
}

TEST_F(HostTest, CommitsEverywhere) {
  Fleet& fleet = Build();
  for (GroupId group = 1; group <= kGroups; ++group) {
    EXPECT_TRUE(fleet.Propose(group, absl::Cord("x")));
  }
  fleet.Tick(2);
  fleet.ExpectNothingLost();
  EXPECT_EQ(fleet.Applied(3, 1), 3);  // The founding snapshot, the leader's entry, ours.
}

TEST_F(HostTest, OneWriteForAllGroupsOfARound) {
  Fleet& fleet = Build();
  const uint64_t before = fleet.host(1).stats().rounds;
  for (GroupId group = 1; group <= kGroups; ++group) fleet.Propose(group, absl::Cord("x"));
  EXPECT_TRUE(fleet.host(1).Work().ok());
  EXPECT_EQ(fleet.host(1).stats().rounds - before, 1);
}

TEST_F(HostTest, ARoundHasABudget) {
  FleetOptions options;
  options.host.max_round_groups = 8;
  Fleet& fleet = Build(options);
  const uint64_t before = fleet.host(1).stats().rounds;
  for (GroupId group = 1; group <= kGroups; ++group) fleet.Propose(group, absl::Cord("x"));
  EXPECT_TRUE(fleet.host(1).Work().ok());
  EXPECT_EQ(fleet.host(1).stats().rounds - before, (kGroups + 7) / 8);
}

TEST_F(HostTest, HeartbeatsOfAllGroupsShareAMessage) {
  FleetOptions options;
  options.host.sleep_after = 0;
  Fleet& fleet = Build(options);
  fleet.Tick(5);
  const uint64_t messages = fleet.messages();
  const uint64_t beats = fleet.host(1).stats().beats;
  constexpr int kTicks = 10;
  fleet.Tick(kTicks);
  // From each host to each other: a pulse or heartbeats in every interval; and the responses.
  EXPECT_EQ(fleet.messages() - messages, kTicks * (6 + 2));
  EXPECT_EQ(fleet.host(1).stats().beats - beats, kTicks * 2 * kGroups);
}

TEST_F(HostTest, HeartbeatsLeaveAtMultiplesOfTheInterval) {
  FleetOptions options;
  options.host.sleep_after = 0;
  options.host.heartbeat_interval = 3;
  options.configure = [](Config& config) { config.heartbeat_tick = 3; };
  Fleet& fleet = Build(options);
  fleet.Tick(6);
  const uint64_t messages = fleet.messages();
  fleet.Tick(30);
  EXPECT_EQ(fleet.messages() - messages, 10 * (6 + 2));
  EXPECT_EQ(LedBy(1), kGroups);
}

// --- Sleep ---

TEST_F(HostTest, IdleGroupsFallAsleepAndAreNotTouched) {
  Fleet& fleet = BuildAsleep();
  const uint64_t touched = fleet.host(1).stats().touched;
  const uint64_t beats = fleet.host(1).stats().beats;
  fleet.Tick(500);
  EXPECT_EQ(fleet.host(1).stats().touched, touched);
  EXPECT_EQ(fleet.host(1).stats().beats, beats);
  EXPECT_EQ(LedBy(1), kGroups);
}

TEST_F(HostTest, ASleeperKeepsNoBuffers) {
  Fleet& fleet = BuildAsleep();
  const auto room_for_messages = [&] {
    const Outbox& outbox = fleet.host(1).Find(7)->raft().outbox();
    return outbox.now().capacity() + outbox.after_write().capacity();
  };
  EXPECT_EQ(room_for_messages(), 0);
  EXPECT_TRUE(fleet.Propose(7, absl::Cord("x")));
  fleet.Tick(5);
  EXPECT_GT(room_for_messages(), 0);
  fleet.Tick(30);
  EXPECT_EQ(fleet.Asleep(), 3 * kGroups);
  EXPECT_EQ(room_for_messages(), 0);
}

TEST_F(HostTest, AProposalWakesItsGroupAndNoOther) {
  Fleet& fleet = BuildAsleep();
  EXPECT_TRUE(fleet.Propose(7, absl::Cord("x")));
  fleet.Tick(1);
  EXPECT_EQ(fleet.Asleep(), 3 * (kGroups - 1));
  fleet.ExpectNothingLost();
  EXPECT_EQ(fleet.Applied(2, 7), 3);
  fleet.Tick(30);
  EXPECT_EQ(fleet.Asleep(), 3 * kGroups);
}

TEST_F(HostTest, AFollowersRequestWakesTheLeader) {
  Fleet& fleet = BuildAsleep();
  EXPECT_TRUE(fleet.host(2).Propose(7, absl::Cord("x")).ok());
  fleet.Tick(2);
  EXPECT_EQ(fleet.Applied(3, 7), 3);
}

TEST_F(HostTest, AReadOfASleepingGroupIsConfirmed) {
  Fleet& fleet = BuildAsleep();
  EXPECT_TRUE(fleet.host(1).Touch(7)->ReadIndex(absl::Cord("r")).ok());
  fleet.Tick(1);
  EXPECT_TRUE(fleet.host(1).Find(7)->raft().IsAtRest());  // No read waits any more.
  EXPECT_FALSE(fleet.host(2).IsAsleep(7));                // It was asked.
}

TEST_F(HostTest, ADeadLeaderIsMissed) {
  Fleet& fleet = BuildAsleep();
  fleet.Crash(1);
  fleet.Tick(60);
  EXPECT_EQ(LedBy(2) + LedBy(3), kGroups);
  EXPECT_FALSE(fleet.host(2).IsAlive(1));
}

TEST_F(HostTest, ALeaderThatRestartsAtOnceIsMissed) {
  Fleet& fleet = BuildAsleep();
  fleet.Crash(1);
  fleet.Restart(1);  // Before anybody could find it silent.
  fleet.Tick(60);
  EXPECT_EQ(LedBy(0), 0);
}

TEST_F(HostTest, ALeaderThatIsCutOffIsMissed) {
  Fleet& fleet = BuildAsleep();
  fleet.Isolate(1);
  fleet.Tick(60);
  EXPECT_EQ(LedBy(2) + LedBy(3), kGroups);
  // And does not believe for ever that it leads: it misses its followers.
  EXPECT_NE(fleet.host(1).Find(7)->GetBasicStatus().soft_state.role, Role::kLeader);
}

TEST_F(HostTest, ALeaderWhoseServerIsTakenAwayIsMissed) {
  Fleet& fleet = BuildAsleep();
  EXPECT_NE(fleet.host(1).Remove(7), nullptr);
  EXPECT_EQ(fleet.host(1).Find(7), nullptr);
  fleet.Tick(60);
  const auto role = [&](HostId host) {
    return fleet.host(host).Find(7)->GetBasicStatus().soft_state.role;
  };
  EXPECT_TRUE(role(2) == Role::kLeader || role(3) == Role::kLeader);
}

TEST_F(HostTest, GroupsSleepWithoutAFollowerWhoseHostIsDead) {
  Fleet& fleet = Build();
  fleet.Crash(3);
  fleet.Tick(60);
  EXPECT_EQ(fleet.Asleep(), 2 * kGroups);
  fleet.Restart(3);
  fleet.Tick(2);
  EXPECT_EQ(fleet.host(1).stats().asleep, 0);  // It has to be told who leads.
  fleet.Tick(60);
  EXPECT_EQ(fleet.Asleep(), 3 * kGroups);
  EXPECT_EQ(LedBy(1), kGroups);  // Nobody had a reason to run.
}

TEST_F(HostTest, ALeaderDoesNotSleepWithoutAQuorum) {
  Fleet& fleet = Build();
  fleet.Crash(2);
  fleet.Crash(3);
  fleet.Tick(60);
  EXPECT_EQ(fleet.Asleep(), 0);
  EXPECT_EQ(LedBy(1), 0);
}

TEST_F(HostTest, AFollowerThatDidNotHearOfSleepWakesTheLeader) {
  Fleet& fleet = Build();
  fleet.Drop([](const HostMessage& m) {
    return m.to == 3 && std::any_of(m.beats.begin(), m.beats.end(), [](const Beat& beat) {
             return beat.kind == Beat::Kind::kSleep;
           });
  });
  fleet.Tick(13);
  EXPECT_EQ(fleet.Asleep(), 2 * kGroups);
  EXPECT_EQ(fleet.host(3).stats().asleep, 0);
  fleet.Drop(nullptr);
  fleet.Tick(60);
  EXPECT_EQ(fleet.Asleep(), 3 * kGroups);
  EXPECT_EQ(LedBy(1), kGroups);
}

TEST_F(HostTest, AFollowerThatLacksTheCommitStaysAwakeAndSaysSo) {
  Fleet& fleet = Build();
  const Raft& leader = fleet.host(1).Find(7)->raft();
  fleet.host(2).Receive({.from = 1,
                         .to = 2,
                         .life = 1,
                         .beats = {{.group = 7,
                                    .from = 1,
                                    .to = 2,
                                    .term = leader.term(),
                                    .commit = leader.log().committed() - 1,
                                    .kind = Beat::Kind::kSleep}}});
  EXPECT_FALSE(fleet.host(2).IsAsleep(7));
  uint64_t awake = 0;
  fleet.Drop([&](const HostMessage& m) {
    for (const Beat& beat : m.beats) awake += beat.kind == Beat::Kind::kStaysAwake;
    return false;
  });
  fleet.Tick(1);
  EXPECT_EQ(awake, 1);
}

TEST_F(HostTest, LeasedReadsKeepAGroupAwake) {
  FleetOptions options;
  options.groups = kGroups;
  options.configure = [](Config& config) { config.read_only = ReadOnlyOption::kLeaseBased; };
  fleet_ = std::make_unique<Fleet>(std::move(options));
  fleet_->Tick(100);
  for (GroupId group = 1; group <= kGroups; ++group) EXPECT_NE(fleet_->LeaderOf(group), kNone);
  EXPECT_EQ(fleet_->Asleep(), 0);
}

TEST_F(HostTest, NobodySleepsForEver) {
  FleetOptions options;
  options.host.longest_sleep = 100;
  Fleet& fleet = BuildAsleep(options);
  const uint64_t slept = fleet.host(1).stats().fell_asleep;
  fleet.Tick(400);
  EXPECT_GE(fleet.host(1).stats().fell_asleep - slept, 4 * kGroups);
  EXPECT_EQ(LedBy(1), kGroups);
}

TEST_F(HostTest, AMessageOfAnEarlierLifeIsRefused) {
  Fleet& fleet = BuildAsleep();
  const uint64_t refused = fleet.host(2).stats().refused;
  fleet.host(2).Receive({.from = 1, .to = 2, .life = 0});
  EXPECT_EQ(fleet.host(2).stats().refused - refused, 1);
}

// --- What is done costs nothing more ---

TEST_F(HostTest, TimeAllocatesNothing) {
  FleetOptions options;
  options.host.host_timeout = 2000;  // The others will be silent.
  Fleet& fleet = BuildAsleep(options);
  const raftpb::AllocationCounter counter;
  for (int i = 0; i < 1000; ++i) fleet.host(1).Tick();
  EXPECT_EQ(counter.allocations(), 0);
}

TEST_F(HostTest, HeartbeatsAndTheirAnswersAllocateNothing) {
  FleetOptions options;
  options.host.sleep_after = 0;
  Fleet& fleet = Build(options);
  fleet.Tick(5);
  // A heartbeat that comes again and again; what is answered stays in the host until it works.
  const Term term = fleet.host(1).Find(7)->raft().term();
  const HostMessage message = {
      .from = 1, .to = 2, .life = 1, .beats = {{.group = 7, .from = 1, .to = 2, .term = term}}};
  fleet.Drop([](const HostMessage&) { return true; });
  for (int i = 0; i < 10; ++i) {
    fleet.host(2).Receive(message);
    EXPECT_TRUE(fleet.host(2).Work().ok());
  }
  const uint64_t beats = fleet.host(2).stats().beats;
  const raftpb::AllocationCounter counter;
  for (int i = 0; i < 100; ++i) {
    fleet.host(2).Receive(message);
    EXPECT_TRUE(fleet.host(2).Work().ok());
  }
  EXPECT_EQ(counter.allocations(), 0);
  EXPECT_EQ(fleet.host(2).stats().beats - beats, 100);
}

// --- Budgets ---

TEST_F(HostTest, UncommittedBytesOfAllGroupsTogetherHaveALimit) {
  FleetOptions options;
  options.host.max_uncommitted_bytes = 1000;
  Fleet& fleet = Build(options);
  const absl::Cord payload(std::string(400, 'x'));
  EXPECT_TRUE(fleet.host(1).Propose(1, payload).ok());
  EXPECT_TRUE(fleet.host(1).Propose(2, payload).ok());
  EXPECT_EQ(DropReasonOf(fleet.host(1).Propose(3, payload)), DropReason::kOverQuota);
  fleet.Tick(1);
  EXPECT_EQ(fleet.host(1).stats().uncommitted_bytes, 0);
  EXPECT_TRUE(fleet.host(1).Propose(3, payload).ok());
}

// A peer that nothing can be sent to holds no more than its share, and gets all of it later.
TEST_F(HostTest, BytesOnTheirWayToOneHostHaveALimit) {
  class Slow : public HostEmbedder, public HostStorage {
   public:
    absl::Status Add(GroupId, const Ready&) override { return absl::OkStatus(); }
    absl::Status Write(bool) override { return absl::OkStatus(); }
    void Send(HostMessage& message) override {
      for (const GroupMessage& m : message.messages) sent += m.message.entries.PayloadSize();
    }
    void Apply(GroupId, const Ready&) override {}
    void OnFailure(GroupId, const absl::Status&) override {}
    uint64_t sent = 0;
  };
  Slow slow;
  Host host({.id = 1, .max_in_flight_bytes = 1000}, slow, slow);
  std::vector<std::unique_ptr<storage::MemoryStorage>> storages;
  for (GroupId group = 1; group <= 10; ++group) {
    storages.push_back(std::make_unique<storage::MemoryStorage>());
    storages.back()->SetConfState({.voters = {1, 2}});
    Config config;
    config.id = 1;
    config.storage = storages.back().get();
    config.pre_vote = false;
    ASSERT_TRUE(host.Add(group, *RawNode::Create(config)).ok());
    ASSERT_TRUE(host.Touch(group)->Campaign().ok());
    ASSERT_TRUE(host.Work().ok());
    host.Receive(
        {.from = 2,
         .to = 1,
         .life = 1,
         .messages = {
             {group, {.type = raftpb::MessageType::kVoteResp, .to = 1, .from = 2, .term = 1}}}});
    ASSERT_TRUE(host.Propose(group, absl::Cord(std::string(300, 'x'))).ok());
  }
  ASSERT_TRUE(host.Work().ok());
  EXPECT_EQ(slow.sent, 900);
  EXPECT_EQ(host.stats().over_budget, 7);
}

TEST_F(HostTest, AFailedWriteStopsTheHostAndPromisesNothing) {
  FleetOptions options;
  Fleet& fleet = Build(options);
  class Broken : public HostStorage {
   public:
    absl::Status Add(GroupId, const Ready&) override { return absl::OkStatus(); }
    absl::Status Write(bool) override { return absl::DataLossError("x"); }
  };
  class Silent : public HostEmbedder {
   public:
    void Send(HostMessage& m) override { messages += m.messages.size(); }
    void Apply(GroupId, const Ready&) override { ++applied; }
    void OnFailure(GroupId, const absl::Status&) override {}
    uint64_t messages = 0;
    int applied = 0;
  };
  Broken broken;
  Silent silent;
  Host host({.id = 2}, broken, silent);
  ASSERT_TRUE(host.Add(7, fleet.host(2).Remove(7)).ok());
  ASSERT_TRUE(host.Touch(7)->Campaign().ok());  // The candidate's own pre-vote is nothing to store.
  for (int i = 0; i < 100 && host.Work().ok(); ++i) {
    host.Receive({.from = 3,
                  .to = 2,
                  .life = 1,
                  .messages = {{7,
                                {.type = raftpb::MessageType::kPreVoteResp,
                                 .to = 2,
                                 .from = 3,
                                 .term = host.Find(7)->raft().term() + 1}}}});
    silent.messages = 0;
  }
  EXPECT_EQ(host.Work().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(silent.messages, 0);  // No request for a vote in a term that is not stored.
  EXPECT_EQ(host.Propose(7, absl::Cord("x")).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(host.Touch(7), nullptr);
}

// --- Simulation: everything goes wrong, and nothing is lost ---

TEST(HostSimulation, NothingIsLost) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    FleetOptions options;
    options.groups = 60;
    options.seed = seed;
    options.max_delay = 10;
    options.drop_one_in = 20;
    options.repeat_one_in = 20;
    options.fail_write_one_in = 400;
    options.compact_every = 8;
    options.host.longest_sleep = 2000;
    options.configure = [](Config& config) { config.snapshot_patience = 5; };
    Fleet fleet(options);
    TestRandom random(seed);
    uint64_t taken = 0;
    for (int tick = 0; tick < 1000; ++tick) {
      // Busy times and quiet ones, so that groups fall asleep and are woken in the worst moments.
      const bool busy = tick / 100 % 2 == 0;
      for (int i = 0; i < (busy ? 8 : 1) && random.OneIn(2); ++i) {
        taken += fleet.Propose(random.Between(1, options.groups), absl::Cord("some command"));
      }
      const HostId host = random.Between(1, 3);
      if (random.OneIn(150) && fleet.IsUp(host)) fleet.Crash(host);
      if (random.OneIn(20) && !fleet.IsUp(host)) fleet.Restart(host);
      fleet.Tick();
    }
    fleet.Heal();
    fleet.Tick(200);
    fleet.ExpectNothingLost();
    EXPECT_THAT(fleet.violations(), IsEmpty()) << "seed " << seed;
    EXPECT_GT(taken, 300) << "seed " << seed;
    EXPECT_EQ(fleet.Asleep(), 3 * options.groups) << "seed " << seed;
    EXPECT_LE(fleet.committed_commands(), taken) << "seed " << seed;
    EXPECT_GT(fleet.committed_commands(), taken / 2) << "seed " << seed;
  }
}

}  // namespace
}  // namespace raft
