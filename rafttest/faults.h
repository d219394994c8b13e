// What may go wrong in one simulated run, and how often.
#ifndef RAFT_RAFTTEST_FAULTS_H_
#define RAFT_RAFTTEST_FAULTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rafttest/random.h"

namespace rafttest {

// Simulated time: a thousandth of a tick.
using SimTime = uint64_t;
inline constexpr SimTime kTick = 1000;

// Drawn anew for each seed, each parameter by itself and often zero ("swarm testing", Groce et al.
// 2012): runs that combine everything are rarely the ones that find something.
struct Faults {
  // Network. Probabilities per message, times as means.
  double drop = 0;
  double duplicate = 0;
  double replay_old = 0;  // A message of long ago comes again, perhaps after its sender's restart.
  double delay = kTick / 4.0;  // Mean delay.
  double heavy_tail = 0;       // A delay is a hundred times as long.
  double forged = 0;           // A copy without a term arrives before the message.
  uint32_t slow_type = 0;      // raftpb::MessageType that takes a hundred times as long; 0: none.
  double lose_report = 0;      // The transport forgets to say how a snapshot's transfer ended.

  // Mean times between events, in ticks; 0: never. How long they last: mean, in ticks.
  // Partitions: symmetric, one-way, bridge, isolated leader, single links, clogged links.
  double partition_every = 0;
  double partition_lasts = 50;
  double crash_every = 0;
  double crash_lasts = 30;
  double crash_all_every = 0;
  double pause_every = 0;
  double pause_lasts = 20;
  double transfer_every = 0;
  double campaign_every = 0;  // Somebody campaigns, or forgets its leader, out of the blue.
  double membership_every = 0;
  double propose_every = 5;
  double read_every = 20;

  // Disk.
  double write_takes = 0;   // Mean, in ticks; 0: at once.
  double slow_disk = 1;     // Server 1 takes so many times as long.
  double apply_takes = 0;   // Likewise, with asynchronous storage writes.
  double torn_write = 0;    // A crash leaves a beginning of the batch being written.
  double kept_write = 0.5;  // A crash leaves all of it, though nobody was told.
  double ready_delay = 0;   // A server gets round to its Ready only after this many ticks (mean).

  // The real log only (wal_disk.h). Per operation of the disk: it fails for good,
  double disk_error = 0;
  double disk_full = 0;     // or for lack of space;
  double disk_short = 0;    // it is interrupted, or does less than it was asked.
  double power_cut = 0;     // Per batch: the machine dies somewhere inside.
  double process_dies = 0;  // Of crashes: only the process dies, what it wrote stays.
  double rot = 0;  // After a crash a copy of the disk is damaged, and must not be believed.

  // Clocks: each server's ticks are this much faster or slower at most (0.5 .. 2).
  double clock_skew = 0;

  // The servers' configuration.
  bool pre_vote = true;
  bool check_quorum = true;
  bool mixed_votes = false;  // Some servers with pre-vote and check quorum, some without.
  bool async_writes = false;
  bool immediate_sends = false;
  bool lease_reads = false;
  uint32_t election_tick = 10;
  uint32_t max_inflight_msgs = 16;
  uint64_t max_size_per_msg = 1 << 20;
  uint64_t max_inflight_bytes = 0;
  uint64_t max_committed_size = 0;
  uint64_t max_uncommitted_size = 0;
  uint32_t compact_every = 0;  // Applied entries between snapshots; 0: never.
  uint32_t entries_kept = 0;   // Behind a snapshot.
  uint32_t payload_bytes = 8;

  static Faults Draw(Random& random);
  void DrawDisk(Random& random);  // What only the real log knows.

  // What differs from the above, exactly: `drop=0.1,crash_every=35`. Parse understands it.
  std::string Describe() const;
  static absl::StatusOr<Faults> Parse(absl::string_view text);

  // All that have one parameter less that differs.
  std::vector<Faults> Calmer() const;

  friend bool operator==(const Faults&, const Faults&) = default;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_FAULTS_H_
