// One server of one Raft group, for a caller who brings the thread, the clock, the network and the
// disk. The front door of the library.
#ifndef RAFT_RAFT_RAW_NODE_H_
#define RAFT_RAFT_RAW_NODE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/types/span.h"
#include "raft/applied.h"
#include "raft/config.h"
#include "raft/peer.h"
#include "raft/ready.h"
#include "raft/status.h"
#include "raftpb/conf_change.h"
#include "raftpb/message.h"

namespace raft {

class Raft;

enum class SnapshotOutcome { kFinished, kFailed };

// A pure state machine: the same calls in the same order give the same answers. Not thread-safe;
// raft/node.h is the thread-safe driver. Calls take constant time unless said otherwise and never
// block, except for what the Storage does.
//
// The caller's loop: feed it Tick, Step, Propose..; while HasReady(), TakeReady, do what
// raft/ready.h says, Advance. docs/ready-loop.md has a complete one.
class RawNode {
 public:
  // Starts with what the storage holds. Fails if the configuration is invalid, or contradicts
  // itself or the storage (for example a commit index beyond the end of the log: the disk lost
  // acknowledged entries).
  static absl::StatusOr<std::unique_ptr<RawNode>> Create(const Config& config);
  // The same for a host of many groups. Requires group.shared.
  static absl::StatusOr<std::unique_ptr<RawNode>> Create(const GroupConfig& group);
  ~RawNode();

  // Founds a new group on an empty storage: all founding servers make the same call, and the first
  // entries of the log become the changes that add the peers. For a server that joins a
  // running group there is nothing to found: Create is all. absl::InvalidArgument without peers,
  // absl::FailedPrecondition if the log is not empty.
  absl::Status Bootstrap(absl::Span<const Peer> peers);

  // --- Input ---

  // Lets one unit of time pass. Tick(n) is n times Tick, cheaper.
  void Tick();
  void Tick(uint32_t n);
  // How many ticks may be skipped without missing anything. Before any other input, and after
  // that many at the latest, call Tick with the number that passed: a follower's patience and its
  // lease are counted in ticks. True until the next call that changes the node.
  uint32_t TicksUntilDue() const;

  // A message from a peer. Whatever it says, the node survives: a message that no correct peer
  // sends is refused (IsInvalidMessage, IsLocalMessageError, IsPeerNotFound), and state is
  // unchanged. IsProposalDropped: a proposal or read that a peer has passed on cannot be taken
  // here; nobody needs to be told. IsPromiseBroken means that this server, or the peer, lost stored
  // data: stop and repair it. The transport must make sure that `from` is who it claims to be.
  absl::Status Step(const raftpb::Message& message);
  // A message from this server's own storage threads, or to itself, in asynchronous mode.
  absl::Status StepLocal(const raftpb::Message& message);

  // Proposes an entry. Ok means that it is in the leader's log or on its way there, not that it
  // will be committed: it may still be lost with the leader. IsProposalDropped means that it will
  // not be.
  absl::Status Propose(absl::Cord data);
  // Several entries, taken or dropped together, consecutive in the log.
  absl::Status Propose(absl::Span<const absl::Cord> batch);
  // A change of membership. A leader replaces a change that cannot be made now by an empty entry:
  // that the change happened is known only when it is applied.
  absl::Status ProposeConfChange(const raftpb::ConfChange& change);
  absl::Status ProposeConfChange(const raftpb::ConfChangeV2& change);
  // Must be called for every committed configuration change when it is applied; the result is the
  // membership from then on, to be kept with the state machine. A change that cannot be applied (it
  // came from a faulty proposer) is an error on every server alike: nothing has changed, go on.
  // Requires raftpb::IsConfChange(entry).
  // IsAborted: a snapshot that covers the entry was taken over meanwhile (asynchronous storage
  // writes), and is about to replace the state machine: apply nothing more before it has, not even
  // of batches handed out earlier. (To apply an entry only if it follows the last one applied is
  // rule enough.)
  absl::StatusOr<raftpb::ConfState> ApplyConfChange(const raftpb::Entry& entry);
  // Without its entry nothing can tell that a snapshot covers the change: for synchronous writes.
  absl::StatusOr<raftpb::ConfState> ApplyConfChange(const raftpb::ConfChangeV2& change);

  // Asks for a linearizable read. The answer is a ReadState with this context, unless leadership
  // changes meanwhile or a message is lost: then there is none, and the caller asks again.
  // IsProposalDropped: there will be none (kNoLeader, kOverQuota).
  absl::Status ReadIndex(absl::Cord context);

  // Wishes: OkStatus also if they change nothing, since the server may not campaign now, or nobody
  // is known to lead. Whether they came true is seen in Ready::soft_state.
  absl::Status Campaign();                     // Without waiting for the election timeout.
  absl::Status TransferLeadership(NodeId to);  // Asks the leader, wherever it is (§3.10).
  absl::Status ForgetLeader();                 // A follower takes its leader for dead.

  // What the transport knows: `to` did not get what was sent; how a snapshot transfer ended. Every
  // snapshot sent must be reported, or the follower stays without appends until it acknowledges
  // what it got, or for Config::snapshot_patience.
  void ReportUnreachable(NodeId to);
  void ReportSnapshot(NodeId to, SnapshotOutcome outcome);

  // --- Output ---

  bool HasReady() const;
  // Takes the next Ready into `ready`, replacing what is there and reusing its memory. An error is
  // one of the Storage's own; nothing is taken then, and the call may be repeated. Requires that
  // the Ready before was advanced over (not with asynchronous storage writes).
  absl::Status TakeReady(Ready& ready);
  // What the last Ready asked for is stored and applied. Once for each Ready; not with asynchronous
  // storage writes.
  void Advance();
  // Frees what is kept to be written over: buffers of messages, the last chunk of the log. The next
  // turns allocate it again. For a server that is expected to be quiet for long.
  void ReleaseMemory();

  // --- Looking ---

  BasicStatus GetBasicStatus() const;
  Status GetStatus() const;  // Copies; linear in the number of servers.
  // Visits the progress of every tracked server in ascending order; nothing unless leading.
  void VisitProgress(absl::FunctionRef<void(NodeId, const tracker::Progress&)> visit) const;

  // The core itself, for tests and tools inside this library.
  Raft& raft() { return *raft_; }
  const Raft& raft() const { return *raft_; }

 private:
  explicit RawNode(std::unique_ptr<Raft> raft);

  bool async() const;
  bool HardStateChanged() const;
  bool DecidesMembership(IndexRange commits) const;
  bool OutrunsDisk(const raftpb::Message& m) const;
  void OnCommitStored(Index commit);
  void TakeStates(Ready& ready);
  void TakeMessages(Ready& ready);
  void TakeMessagesAfterWrite(Ready& ready);
  void RememberUnconfirmed(const Ready& ready);
  void PassWorkToThreads(Ready& ready);

  // What the last Ready asked for, until Advance says that it is done (synchronous mode).
  struct Unconfirmed {
    bool pending = false;
    Term term = 0;                 // When it was handed out.
    Index commit = 0;              // When it was handed out.
    absl::optional<EntryId> last;  // The end of the log, if entries were to be stored.
    raftpb::SnapshotPtr snapshot;
    Applied applied;
    std::vector<raftpb::Message> to_self;  // Own votes and acknowledgements.
  };

  // Commits that cover a membership change and are not durable yet: nobody hears of them.
  struct UntoldCommits {
    Index after = 0;         // Up to here all may be told.
    Index until_stored = 0;  // Once this commit is durable, everything may. 0: there are none.

    bool any() const { return until_stored != 0; }
  };

  std::unique_ptr<Raft> raft_;
  SoftState soft_state_;          // As last handed out.
  raftpb::HardState hard_state_;  // As last handed out.
  Term stored_term_;              // The latest term known to be durable.
  UntoldCommits untold_;
  Unconfirmed unconfirmed_;
};

}  // namespace raft

#endif  // RAFT_RAFT_RAW_NODE_H_
