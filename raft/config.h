// What an embedder decides about one server of one group.
#ifndef RAFT_RAFT_CONFIG_H_
#define RAFT_RAFT_CONFIG_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "raft/logger.h"
#include "raft/storage.h"
#include "raft/trace.h"
#include "raft/types.h"

namespace raft {

// How a leader proves that it still leads before it answers a read (§6.4).
enum class ReadOnlyOption : uint8_t {
  kSafe,        // By a round of heartbeats that a quorum answers. Needs no clock.
  kLeaseBased,  // By its lease (§6.4.1), which each answered round of heartbeats renews for one
                // election timeout less a tick: right only while the ticks of all servers take the
                // same time. To be set on all of them alike. Requires check_quorum.
};

// A value; copied by RawNode::Create. Everything behind a pointer belongs to the embedder and must
// outlive the node.
struct Config {
  NodeId id = kNone;           // This server. Not kNone, not an id of a storage thread.
  Storage* storage = nullptr;  // The log of this group. Required.

  // The last index that the state machine has already applied; entries up to it are not handed
  // out again. 0: whatever the storage's snapshot covers. Not above the stored commit index, nor
  // below the storage's snapshot position: a state machine that is older loads the snapshot first.
  Index applied = 0;

  // Time. A follower that hears nothing for a random number of ticks of [election_tick,
  // 2*election_tick) campaigns; a leader sends heartbeats every heartbeat_tick ticks. Not 0, and
  // election_tick is the larger one; ten times as large leaves room for lost heartbeats.
  uint32_t election_tick = 10;
  uint32_t heartbeat_tick = 1;

  // Chance. Servers of one group must not share a seed, or they campaign in lock-step.
  // 0 means: derived from `id`.
  uint64_t seed = 0;

  bool pre_vote = true;      // Ask before raising the term (§9.6).
  bool check_quorum = true;  // A leader that cannot reach a quorum steps down (§6.2).
  ReadOnlyOption read_only = ReadOnlyOption::kSafe;

  // Sizes, in bytes; kNoLimit for none. What alone is larger than a limit still goes, alone.
  // EncodedSize of entries in one message; 0: one entry each.
  uint64_t max_size_per_msg = 1 << 20;
  // EncodedSize of entries handed out and not yet applied; 0: the same as max_size_per_msg.
  uint64_t max_committed_size_per_ready = 0;
  // PayloadSize of entries that a leader took and that are not yet applied; 0: no limit.
  uint64_t max_uncommitted_size = kNoLimit;

  // Appends to one follower without an answer, not 0; and their PayloadSize in bytes, at least
  // max_size_per_msg; 0 or kNoLimit: no limit.
  uint32_t max_inflight_msgs = 256;
  uint64_t max_inflight_bytes = kNoLimit;

  // Reads that wait at a leader for its confirmation, or for its first commit. Not 0.
  uint32_t max_pending_reads = 1 << 16;

  // Storage writes are asked for by messages to local threads instead of Ready's own fields
  // (docs/ready-loop.md).
  bool async_storage_writes = false;

  // Election timeouts that a follower may spend waiting for a snapshot of whose transfer nothing is
  // reported; then it is taken for lost, and sent anew. 0: for ever. Longer than any transfer
  // takes.
  uint32_t snapshot_patience = 600;

  bool disable_proposal_forwarding = false;     // Followers refuse instead of asking the leader.
  bool disable_conf_change_validation = false;  // Leaders append any membership change as it is.
  // A leader that is removed or demoted hands over and steps down (docs/membership.md).
  bool step_down_on_removal = true;

  // False: news for a peer is collected and leaves with the next Ready: one heartbeat at most, and
  // one append unless that takes several messages. True: every step fills the outbox at once, in
  // the order in which etcd/raft does. For comparing the two, so where etcd/raft is less strict
  // this core is, too:
  // - Acknowledgements of an older term still leave; a vote request may leave before its term is
  //   stored (asynchronous writes); a membership change is told before its commit is stored.
  // - A lease lasts as long as the leader thinks that it leads, also after it has told another to
  //   campaign, and voters do not keep their word for it.
  // - A single voter answers reads before it has committed in its term. A removed leader that has
  //   one voter left answers them without asking that voter.
  // - A request for a vote restarts the receiver's timer, granted or not. Who refuses a vote does
  //   not say what is committed. A removed leader steps down at once. Each order to hand over puts
  //   off the quorum check, and one that failed may leave the group joint until something else is
  //   applied.
  bool immediate_sends = false;

  Logger* logger = nullptr;  // Null: no log lines, and no time spent on them.
  Tracer* tracer = nullptr;  // Null: no trace, at no cost.

  // What is wrong with it, in words.
  absl::Status Validate() const;
};

// One group of many whose servers here are run alike: they share the rest of the configuration.
struct GroupConfig {
  NodeId id = kNone;
  Storage* storage = nullptr;
  Index applied = 0;
  uint64_t seed = 0;
  // What applies to all of them. Its own values of the fields above do not count. Not null.
  std::shared_ptr<const Config> shared;

  Config Whole() const;  // What a group of its own would have been given.
};

}  // namespace raft

#endif  // RAFT_RAFT_CONFIG_H_
