// Very many groups on one thread: what is idle costs nothing, and what is busy shares writes,
// messages and budgets.
//
// Separate from the core, and not needed by it: a host drives RawNodes through their public door,
// and looks behind it where that says too little (whether a server is at rest, what it has not
// committed, who is a member).
#ifndef RAFT_RAFT_HOST_HOST_H_
#define RAFT_RAFT_HOST_HOST_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "raft/host/deadline_wheel.h"
#include "raft/host/host_message.h"
#include "raft/raw_node.h"
#include "raft/ready.h"
#include "raft/types.h"
#include "raftpb/conf_state.h"
#include "raftpb/entry.h"
#include "raftpb/message.h"

namespace raft {

// Stores for all groups of a host (with storage/host_log.h, over one write-ahead log).
class HostStorage {
 public:
  virtual ~HostStorage() = default;
  // Adds `snapshot`, `entries` and `hard_state` of a Ready to the batch.
  virtual absl::Status Add(GroupId group, const Ready& ready) = 0;
  // Stores the batch, whole or not at all; before returning it is durable if `must_sync`. After an
  // error the host stops.
  virtual absl::Status Write(bool must_sync) = 0;
};

// What else an embedder does for a host. Called inside Host::Work (OnFailure also inside other
// calls); must not call the host, unless said otherwise.
class HostEmbedder {
 public:
  virtual ~HostEmbedder() = default;

  // Sends without blocking, or drops. Take what is useful out of the message (swap, move); its
  // memory is used again for the next. May call Host::Sent.
  virtual void Send(HostMessage& message) = 0;

  // A Ready that is stored: apply its snapshot and committed entries, serve its reads. May call
  // Host::ApplyConfChange, and must, for every configuration change among the entries.
  virtual void Apply(GroupId group, const Ready& ready) = 0;

  // A group refuses to go on: its storage cannot be read, or a promise of the protocol is broken
  // (IsPromiseBroken). Its input is ignored from now on; Remove it, then repair it.
  virtual void OnFailure(GroupId group, const absl::Status& why) = 0;
};

struct HostOptions {
  HostId id = 0;  // This host. Not 0.

  // A number that is larger in every life of this host: a counter on disk, the time of its start.
  // Others learn from it that what was volatile here is gone.
  uint64_t life = 1;

  // The server `node` lives on the host `node & host_mask`. All bits: servers are named like their
  // hosts. Fewer leave room for what tells two servers of a group apart that were on the same host
  // one after the other, the first one having lost its disk.
  uint64_t host_mask = ~uint64_t{0};

  // In ticks: heartbeats of all groups leave together, at multiples of this; so do pulses, to hosts
  // to which nothing else has to be said. Config::heartbeat_tick of the groups, if all have the
  // same.
  uint32_t heartbeat_interval = 1;

  // A leader that had nothing to do for so many ticks goes to sleep. 0: groups never sleep.
  uint32_t sleep_after = 10;

  // A host that was silent for so many ticks is taken for dead. Several heartbeat intervals; with
  // the election timeout on top it is how long a sleeping group may be without a leader.
  uint32_t host_timeout = 10;

  // Nobody sleeps longer than so many ticks (a leader half as long). Nothing rests on it but what
  // nobody has thought of. Not 0.
  uint32_t longest_sleep = 1 << 16;

  // --- Budgets, over all groups ---

  // One round hands out at most so many groups and, but for the last, bytes: entries to be stored
  // and applied. What a host needs beyond its groups is a Ready for each group of a round. The rest
  // follows in the next round of the same Work.
  size_t max_round_groups = 256;
  uint64_t max_round_bytes = 64 << 20;

  // Payload of proposals that are not committed: beyond that Propose refuses (kOverQuota).
  uint64_t max_uncommitted_bytes = 1 << 30;

  // Payload on its way to one host that Sent was not called for. Beyond that appends and snapshots
  // are dropped, and the core is told so: it probes until the way is free. kNoLimit: nobody calls
  // Sent.
  uint64_t max_in_flight_bytes = kNoLimit;
};

// Since the start, but for the first three.
struct HostStats {
  size_t groups = 0;               // Now.
  size_t asleep = 0;               // Now.
  uint64_t uncommitted_bytes = 0;  // Now.
  uint64_t touched = 0;            // Groups that time made Tick call.
  uint64_t fell_asleep = 0;
  uint64_t rounds = 0;   // Batches written.
  uint64_t readies = 0;  // In all batches.
  uint64_t host_messages = 0;
  uint64_t beats = 0;        // Sent, responses included.
  uint64_t messages = 0;     // Sent, others.
  uint64_t over_budget = 0;  // Messages dropped for lack of in-flight budget.
  uint64_t refused = 0;      // Messages that were for nobody here, or were refused by the core.
};

// Any number of groups, of each at most one server. Not thread-safe, no thread, no clock: the same
// calls give the same result. A process with several cores has several hosts, or several parts of
// one, each with its own groups.
//
// The embedder's loop: Tick once per interval, Receive what arrives, put in requests with Propose
// and Touch; then Work, which stores, sends and applies whatever follows from it.
//
// TIME. Each group has an entry on a deadline wheel. A tick touches the groups that are due at it
// (a follower whose patience ends, a leader that has to send heartbeats) and no other; what passed
// meanwhile is told to a core before its next input (RawNode::Tick(n)).
//
// SLEEP. A leader with nothing to do, whose followers all have everything, tells them so in a
// last heartbeat, and all of them stop counting time: a sleeping group costs memory, and nothing
// else. What happens to a group wakes its server here, with its count where it stood: a message,
// a request, or one of the following.
//
//   Why this is safe. Nothing that Raft promises depends on how fast anybody counts, but leases;
//   groups with ReadOnlyOption::kLeaseBased never sleep. So sleep could at worst hide from a
//   follower that it has no leader any more. It does not:
//   1. A follower falls asleep only at the word of its leader in its term, if it has nothing that
//      this leader does not know, and nothing to do. Otherwise it says so, and the leader wakes.
//      If the word or the answer is lost the follower stays awake, hears nothing, and asks for
//      votes (pre-vote: without harm), which wakes the leader.
//   2. Hosts watch each other: who has a group in common exchanges at least a pulse in every
//      interval. When a host falls silent, returns, or starts a new life, all groups wake up here
//      that it leads, or that we lead with a server of theirs there. So nobody sleeps on account of
//      a leader that is gone or has forgotten that it was one, and no leader sleeps while a
//      follower has come back and needs to hear of it.
//   3. A leader that lives but no longer leads, has seen a later term, or a quorum that did not
//      answer. Either way somebody is awake: who leads now sends heartbeats to all, and before it
//      sleeps it has to find that they have everything; who runs for office asks all for their
//      votes. Both wake whom they reach. Whom they do not reach could not have helped awake,
//      either.
//   4. A leader may sleep while the host of a follower is taken for dead, if the others are a
//      quorum; rule 2 wakes it when that host is back. Without a quorum it stays awake, and steps
//      down.
//   5. Whatever happened, everybody wakes after HostOptions::longest_sleep, leaders first: their
//      heartbeats find out.
//
// ROUNDS. Work takes one Ready each of many groups, stores all of them as one batch, and only then
// lets out what promises something stored; so a hundred busy groups share one sync. What leaves for
// the same host leaves in one message.
class Host {
 public:
  // `storage` and `embedder` outlive the host.
  Host(const HostOptions& options, HostStorage& storage, HostEmbedder& embedder);
  ~Host();

  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // --- Groups ---

  // Takes over a server of a group, awake. It must not use asynchronous storage writes, and must
  // live here by its id. absl::AlreadyExists: the group has a server here.
  absl::Status Add(GroupId group, std::unique_ptr<RawNode> node);
  // Gives it back, with what has not been handed out. Null if there is none.
  std::unique_ptr<RawNode> Remove(GroupId group);

  // --- Input ---

  // One interval passes.
  void Tick();

  // What another host sent. Errors of single messages are counted (HostStats::refused).
  void Receive(const HostMessage& message);

  // As RawNode::Propose; kOverQuota also if all groups together have too much uncommitted.
  // absl::NotFound: no such group here.
  absl::Status Propose(GroupId group, absl::Cord data);

  // Wakes the group up and gives access to its inputs: ReadIndex, Campaign, TransferLeadership, ..
  // Until the next call to the host; Work, not the caller, takes its output. Null if there is none.
  RawNode* Touch(GroupId group);
  // To look at, without waking. Null if there is none.
  const RawNode* Find(GroupId group) const;

  // See RawNode::ApplyConfChange. Requires that the group is here.
  absl::StatusOr<raftpb::ConfState> ApplyConfChange(GroupId group, const raftpb::Entry& entry);

  // The transport is done with so many payload bytes to a host, sent or lost.
  void Sent(HostId to, uint64_t bytes);
  // How the transfer of a snapshot ended, which every snapshot sent has to be told for.
  void ReportSnapshot(GroupId group, NodeId to, SnapshotOutcome outcome);
  // What was sent to a host did not arrive.
  void ReportUnreachable(GroupId group, NodeId to);

  // Hosts are watched from the first group in common, or the first word, on. To end that when
  // one has been taken away for good.
  void ForgetHost(HostId host);

  // --- Output ---

  bool HasWork() const { return !busy_.empty() || owes_; }
  // Until there is nothing left to do. An error is one of the storage's: the host has stopped,
  // nothing that was promised by the failed write has left, and every later call gives it again.
  absl::Status Work();

  // --- Looking ---

  uint64_t now() const { return wheel_.now(); }  // In ticks.
  HostStats stats() const;
  bool IsAsleep(GroupId group) const;
  bool IsAlive(HostId host) const;  // As far as we know. False for hosts never heard of.

 private:
  using Slot = DeadlineWheel::Item;

  struct Group {
    GroupId id = 0;
    std::unique_ptr<RawNode> node;  // Null: the slot is free.
    uint64_t counted = 0;           // The node has been told of all ticks up to here.
    uint64_t due = 0;          // When it needs attention; the wheel may call earlier, never later.
    uint64_t last_active = 0;  // When something happened that is not a heartbeat.
    uint64_t uncommitted = 0;  // Bytes, as last added to uncommitted_bytes_.
    bool asleep = false;
    bool busy = false;  // In busy_.
    bool failed = false;
    bool refuses_sleep = false;  // Its next heartbeat response says kStaysAwake.
    bool may_sleep = true;
  };

  struct Peer {
    HostId id = 0;
    uint64_t life = 0;
    uint64_t heard = 0;      // At which tick.
    bool alive = true;       // Until proved otherwise.
    bool owed = false;       // A message, be it an empty one.
    uint64_t in_flight = 0;  // Payload bytes.
    HostMessage out;
    std::vector<Beat> heartbeats;  // To leave at the next multiple of the interval.
  };

  // A message that the in-flight budget had no room for.
  struct Dropped {
    NodeId to = kNone;
    bool snapshot = false;
  };

  // What a round has taken of one group.
  struct Taken {
    Slot slot = 0;
    Ready ready;
    std::vector<Dropped> dropped;
  };

  HostId HostOf(NodeId node) const { return node & options_.host_mask; }
  Group* Lookup(GroupId id);

  // Other hosts.
  Peer& PeerAt(HostId id);
  const Peer* FindPeer(HostId id) const;
  void WatchMembers(const RawNode& node);
  void WatchHosts();
  void WakeAllSharedWith(HostId host);

  // Time.
  void OnDue(Slot slot);
  void CatchUp(Group& group);
  void AfterInput(Slot slot);
  void MarkBusy(Slot slot);
  void Fail(Slot slot, const absl::Status& why);

  // Sleep.
  bool LeaderMaySleep(const Group& group) const;
  void PutLeaderToSleep(Slot slot);
  bool FollowerMaySleep(const Group& group, const Beat& beat) const;
  void FallAsleep(Slot slot, uint32_t at_most);
  void Wake(Slot slot);
  void WakePeers(const Group& group);

  // Input.
  void OnBeat(const Beat& beat);
  void StepInto(Slot slot, const raftpb::Message& message);

  // Rounds.
  absl::Status Round();
  bool Take(Slot slot, Taken& taken);
  void Finish(Taken& taken);
  void PutOut(Taken& taken, std::vector<raftpb::Message>& messages);
  void Flush();

  const HostOptions options_;
  HostStorage& storage_;
  HostEmbedder& embedder_;

  DeadlineWheel wheel_;
  std::vector<Group> groups_;
  std::vector<Slot> free_;
  absl::flat_hash_map<GroupId, Slot> by_id_;  // To look up; never walked, its order is none.
  std::vector<Peer> peers_;                   // In ascending order of ids.

  std::vector<Slot> busy_;  // May have a Ready, in the order in which that was noticed.
  size_t next_busy_ = 0;    // Of busy_, the first that was not looked at.

  bool owes_ = false;       // Some host is owed a message.
  uint64_t out_bytes_ = 0;  // Payload in messages that wait to be sent.
  uint64_t uncommitted_bytes_ = 0;
  absl::Status failure_;
  HostStats stats_;

  // Kept for their memory.
  std::vector<Slot> due_;
  std::vector<Taken> round_;
  raftpb::Message beat_;
};

}  // namespace raft

#endif  // RAFT_RAFT_HOST_HOST_H_
