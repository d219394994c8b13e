#include "rafttest/scenario.h"

#include <algorithm>

#include "rafttest/scenario_scripts.h"

namespace rafttest {
namespace {

// A network and disks as they are, but nothing that is broken.
void Ordinary(Faults& f, Random& random) {
  f.delay = kTick * (0.1 + random.Unit());
  f.propose_every = 1 + random.Unit() * 3;
  f.read_every = 3;
  f.write_takes = random.Chance(0.5) ? 0 : 0.2;
  f.async_writes = random.Chance(0.3);
  f.compact_every = random.Chance(0.5) ? 0 : 20;
}

void Lossy(Faults& f, Random& random) {
  Ordinary(f, random);
  f.drop = random.Unit() * 0.1;
  f.duplicate = random.Unit() * 0.1;
}

void MixedVotes(Faults& f, Random& random) {
  Lossy(f, random);
  f.mixed_votes = true;
  f.partition_every = 60;
  f.partition_lasts = 30;
  f.pause_every = 100;
}

void SnapshotRace(Faults& f, Random& random) {
  Lossy(f, random);
  f.compact_every = 5;
  f.entries_kept = static_cast<uint32_t>(random.Below(4));
  f.slow_type = static_cast<uint32_t>(raftpb::MessageType::kSnap);
  f.duplicate = 0.3;
  f.replay_old = 0.02;
  f.lose_report = 0.5;
  f.propose_every = 0.7;
  f.crash_every = 60;
  f.partition_every = 60;
  f.partition_lasts = 30;
}

// Answers to heartbeats are so late that those who sent the heartbeats may be deposed by then.
void LateAnswers(Faults& f, Random& random) {
  Ordinary(f, random);
  f.slow_type = static_cast<uint32_t>(raftpb::MessageType::kHeartbeatResp);
  f.delay = kTick * (0.1 + 0.2 * random.Unit());
  f.pre_vote = f.check_quorum = false;
  f.propose_every = f.read_every = 0.5;
  f.partition_every = 40;
  f.partition_lasts = 40;
}

void JointReads(Faults& f, Random& random) {
  f.delay = kTick * (1 + random.Unit());
  f.check_quorum = f.pre_vote = false;
  f.propose_every = 3;
  f.read_every = 1;
  f.async_writes = random.Chance(0.3);
}

void Leases(Faults& f, Random& random) {
  Ordinary(f, random);
  f.lease_reads = true;
  f.propose_every = 1;
  f.read_every = 0.5;
  f.partition_every = 50;
  f.partition_lasts = 40;
  f.transfer_every = random.Chance(0.5) ? 0 : 50;
  f.crash_every = random.Chance(0.5) ? 0 : 60;
  f.crash_lasts = random.Unit() * 10;
}

// Some almost stand still, beside others that run twice as fast as they should. Many small
// elections, and nothing else that makes terms change: who is deposed must still believe in its
// lease.
void LeasesOutside(Faults& f, Random&) {
  f.lease_reads = true;
  f.clock_skew = 1.8;
  f.delay = kTick / 10.0;
  f.election_tick = 5;
  f.partition_every = 15;
  f.partition_lasts = 12;
  f.propose_every = 0.3;
  f.read_every = 0.1;
}

void SlowDisk(Faults& f, Random& random) {
  f.delay = kTick * 0.2;
  f.async_writes = true;
  f.write_takes = 0.1;
  f.slow_disk = 50 + random.Unit() * 150;
  f.apply_takes = random.Chance(0.5) ? 0 : 1;
  f.pre_vote = f.check_quorum = false;
  f.propose_every = 2;
  f.crash_every = 100;
  f.crash_lasts = 5;
}

constexpr Scenario kScenarios[] = {
    {.name = "bridge",
     .shows = "two groups that reach each other through one server only",
     .arrange = Ordinary,
     .script = Bridge},
    {.name = "swizzle-clog",
     .shows = "links stop one by one, and go on in another order",
     .arrange = Lossy,
     .script = SwizzleClog},
    {.name = "one-way",
     .shows = "a leader that is not heard, or does not hear",
     .arrange = Ordinary,
     .script = OneWayLinks},
    {.name = "flapping-leader",
     .shows = "the leader's links come and go",
     .arrange = Ordinary,
     .script = FlappingLeader},
    {.name = "mixed-votes",
     .shows = "some servers with pre-vote and check quorum, some without",
     .arrange = MixedVotes,
     .moment = Seen::kVoteIgnoredInLease},
    {.name = "leader-removed-in-joint",
     .shows = "a leader replaces itself, and may crash meanwhile",
     .servers = 3,
     .spares = 2,
     .arrange = Lossy,
     .script = LeaderRemovedInJoint},
    {.name = "reads-in-joint",
     .shows = "the incoming half alone confirms a deposed leader's reads",
     .servers = 3,
     .spares = 2,
     .arrange = JointReads,
     .script = ReadsInJoint},
    {.name = "late-answers",
     .shows = "heartbeats are answered when their sender is long deposed",
     .arrange = LateAnswers,
     .moment = Seen::kReadByLaterRound},
    {.name = "snapshot-race",
     .shows = "slow snapshots against the log that overtakes them",
     .arrange = SnapshotRace,
     .moment = Seen::kSnapshotOvertaken},
    {.name = "rolling-restarts",
     .shows = "one server after the other is restarted",
     .arrange = Ordinary,
     .script = RollingRestarts},
    {.name = "crash-loop",
     .shows = "a server that never stays up",
     .arrange = Lossy,
     .script = CrashLoop},
    {.name = "shrink-and-grow",
     .shows = "to a single voter, and back",
     .servers = 3,
     .spares = 2,
     .arrange = Lossy,
     .script = ShrinkAndGrow},
    {.name = "contested-log",
     .shows = "a slow disk whose log is rewritten to and fro",
     .servers = 5,
     .arrange = SlowDisk,
     .script = ContestedLog},
    {.name = "lease-inside",
     .shows = "lease reads while clocks run evenly",
     .arrange = Leases,
     .moment = Seen::kVoteIgnoredInLease},
    {.name = "lease-outside",
     .shows = "lease reads while clocks drift beyond the bound",
     .servers = 3,
     .spares = 0,
     .arrange = LeasesOutside,
     .moment = Seen::kVoteIgnoredInLease,
     .shows_violation = "R1"},
};

}  // namespace

absl::Span<const Scenario> Scenarios() { return kScenarios; }

const Scenario* FindScenario(absl::string_view name) {
  const auto* it = std::find_if(std::begin(kScenarios), std::end(kScenarios),
                                [&](const Scenario& each) { return each.name == name; });
  return it == std::end(kScenarios) ? nullptr : it;
}

}  // namespace rafttest
