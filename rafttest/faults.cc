#include "rafttest/faults.h"

#include "absl/strings/str_cat.h"

namespace rafttest {
namespace {

// Zero half of the time, else between the bounds.
double SometimesBetween(Random& random, double low, double high) {
  if (random.Chance(0.5)) return 0;
  return low + random.Unit() * (high - low);
}

}  // namespace

Faults Faults::Draw(Random& random) {
  Faults f;
  f.drop = SometimesBetween(random, 0.01, 0.3);
  f.duplicate = SometimesBetween(random, 0.01, 0.5);
  f.replay_old = SometimesBetween(random, 0.001, 0.05);
  f.delay = random.Chance(0.5) ? kTick / 4.0 : kTick * (0.1 + 10 * random.Unit() * random.Unit());
  f.heavy_tail = SometimesBetween(random, 0.001, 0.02);
  f.lose_report = SometimesBetween(random, 0.1, 0.9);

  f.partition_every = SometimesBetween(random, 30, 400);
  f.partition_lasts = 10 + random.Unit() * 100;
  f.crash_every = SometimesBetween(random, 20, 400);
  f.crash_lasts = random.Unit() * 60;
  f.crash_all_every = random.Chance(0.8) ? 0 : 200 + random.Unit() * 800;
  f.pause_every = SometimesBetween(random, 50, 400);
  f.pause_lasts = 5 + random.Unit() * 50;
  f.transfer_every = SometimesBetween(random, 20, 300);
  f.campaign_every = SometimesBetween(random, 30, 300);
  f.membership_every = SometimesBetween(random, 20, 200);
  f.propose_every = 0.5 + random.Unit() * 10;
  f.read_every = SometimesBetween(random, 0.3, 20);

  f.write_takes = SometimesBetween(random, 0.01, 3);
  f.apply_takes = SometimesBetween(random, 0.01, 5);
  f.torn_write = SometimesBetween(random, 0.1, 0.9);
  f.kept_write = random.Unit();
  f.ready_delay = random.Chance(0.8) ? 0 : random.Unit() * 5;
  f.clock_skew = SometimesBetween(random, 0.1, 1);

  f.pre_vote = random.Chance(0.7);
  f.check_quorum = random.Chance(0.7);
  f.mixed_votes = random.Chance(0.1);
  f.async_writes = random.Chance(0.4);
  f.immediate_sends = !f.async_writes && random.Chance(0.2);
  f.election_tick = static_cast<uint32_t>(random.Between(5, 20));
  f.max_inflight_msgs = static_cast<uint32_t>(random.Chance(0.5) ? 256 : random.Between(1, 8));
  f.max_size_per_msg = random.Chance(0.6) ? 1 << 20 : random.Between(0, 200);
  f.max_committed_size = random.Chance(0.6) ? 0 : random.Between(20, 500);
  f.max_uncommitted_size = random.Chance(0.7) ? 0 : random.Between(16, 400);
  f.compact_every = random.Chance(0.4) ? 0 : static_cast<uint32_t>(random.Between(5, 100));
  f.entries_kept = random.Chance(0.5) ? 0 : static_cast<uint32_t>(random.Between(1, 50));
  if (random.Chance(0.2)) f.max_inflight_bytes = f.max_size_per_msg + random.Between(0, 200);
  f.payload_bytes = static_cast<uint32_t>(random.Chance(0.7) ? 8 : random.Between(8, 64));
  return f;
}

std::string Faults::Describe() const {
  return absl::StrCat(
      "drop=", drop, " duplicate=", duplicate, " replay=", replay_old, " delay=", delay / kTick,
      " tail=", heavy_tail, " partition=", partition_every, "/", partition_lasts,
      " crash=", crash_every, "/", crash_lasts, " crash_all=", crash_all_every,
      " pause=", pause_every, "/", pause_lasts, " transfer=", transfer_every,
      " campaign=", campaign_every, " membership=", membership_every, " propose=", propose_every,
      " read=", read_every, " write=", write_takes, " apply=", apply_takes, " torn=", torn_write,
      " ready=", ready_delay, " skew=", clock_skew, " pre_vote=", pre_vote,
      " check_quorum=", check_quorum, " mixed=", mixed_votes, " async=", async_writes,
      " immediate=", immediate_sends, " election_tick=", election_tick,
      " inflight=", max_inflight_msgs, " per_msg=", max_size_per_msg,
      " inflight_bytes=", max_inflight_bytes, " per_ready=", max_committed_size,
      " uncommitted=", max_uncommitted_size, " compact=", compact_every, "/", entries_kept);
}

}  // namespace rafttest
