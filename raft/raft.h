// The hall: what one server of one group must remember, and one banner of verbs for each room.
//
// Embedders use raw_node.h. Readers start here: the banners below follow the way of data through
// the core, and each names the file that has the bodies. docs/architecture.md has the picture.
#ifndef RAFT_RAFT_RAFT_H_
#define RAFT_RAFT_RAFT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "raft/applied.h"
#include "raft/config.h"
#include "raft/election_timer.h"
#include "raft/errors.h"
#include "raft/log/raft_log.h"
#include "raft/news.h"
#include "raft/outbox.h"
#include "raft/peer.h"
#include "raft/proposal_quota.h"
#include "raft/read_index_queue.h"
#include "raft/ready.h"
#include "raft/tracker/ballots.h"
#include "raft/tracker/config.h"
#include "raft/tracker/progress_map.h"
#include "raft/types.h"
#include "raftpb/conf_change.h"
#include "raftpb/message.h"

namespace raft {

// Marks the vote requests of a campaign that the leader itself commanded (§3.10): they are not
// refused on account of its lease.
inline constexpr absl::string_view kTransferContext = "CampaignTransfer";

class Raft {
 public:
  // Starts as a follower with what the storage holds (§3.8).
  static absl::StatusOr<std::unique_ptr<Raft>> Create(const GroupConfig& group);

  // --- Input. RawNode has the contracts. ---

  absl::Status StepRemote(const raftpb::Message& m);  // From the network: checked at the door.
  absl::Status Step(const raftpb::Message& m);        // From this server itself: trusted.
  absl::Status Propose(absl::Cord data);
  absl::Status Propose(absl::Span<const absl::Cord> batch);
  absl::Status ReadIndex(absl::Cord context);
  void Tick(uint32_t n);
  uint32_t TicksUntilDue() const;
  absl::Status Bootstrap(absl::Span<const Peer> peers);
  absl::StatusOr<raftpb::ConfState> ApplyConfChange(const raftpb::ConfChangeV2& change);

  // The disk holds the log up to `last` (if any) and the snapshot (if any), as handed out in
  // `term`.
  void OnStored(Term term, absl::optional<EntryId> last, const raftpb::SnapshotPtr& snapshot);
  void OnApplied(const Applied& applied);

  // --- Output, for RawNode to fill a Ready from ---

  // Puts what the peers should hear by now into the outbox.
  void FlushNews();
  bool HasNews() const { return leading_ != nullptr && !leading_->news.empty(); }
  Outbox& outbox() { return outbox_; }
  const Outbox& outbox() const { return outbox_; }
  std::vector<ReadState>& read_states() { return read_states_; }
  const std::vector<ReadState>& read_states() const { return read_states_; }
  log::RaftLog& log() { return log_; }
  const log::RaftLog& log() const { return log_; }

  // --- Looking ---

  const Config& config() const { return config_; }  // Without what is particular to the group.
  NodeId id() const { return id_; }
  Term term() const { return term_; }
  Role role() const { return role_; }
  NodeId lead() const { return lead_; }
  SoftState soft_state() const { return {lead_, role_}; }
  raftpb::HardState hard_state() const { return {term_, vote_, log_.committed()}; }
  const tracker::Config& membership() const { return membership_; }
  // Null unless leading.
  const tracker::ProgressMap* progress() const { return leading_ ? &leading_->progress : nullptr; }
  NodeId transferee() const { return leading_ ? leading_->transferee : kNone; }
  uint64_t uncommitted_size() const { return leading_ ? leading_->quota.taken() : 0; }
  // Whether nothing is under way here: all is stored, applied and told, no request waits, and it is
  // known who leads. (What its followers have, a leader knows from their progress.)
  bool IsAtRest() const;
  void ReleaseMemory();

  void SetRandomizedElectionTimeoutForTest(uint32_t ticks) { timer_.SetTimeout(ticks); }
  void RecordTrace(TraceAction action, const raftpb::Message* message = nullptr) const {
    if (config_.tracer != nullptr) WriteTrace(action, message);
  }

 private:
  // What only a leader has: born in BecomeLeader, gone on stepping down.
  struct Leading {
    tracker::ProgressMap progress;
    ProposalQuota quota;  // Bytes proposed and not yet applied.
    News news;
    ReadIndexQueue reads;                      // Waiting for a round of heartbeats (§6.4).
    std::vector<ReadRequest> postponed_reads;  // Waiting for the first commit in this term.
    Index pending_conf_index = 0;   // The last membership change that may be unapplied (§4.1).
    NodeId transferee = kNone;      // Where leadership is moving to (§3.10).
    uint64_t transfer_until = 0;    // Then the transfer is given up.
    uint64_t ticks = 0;             // Since taking office.
    uint64_t lease_until = 0;       // Before this tick nobody else can be elected (§6.4.1).
    bool lease_given_away = false;  // Somebody may win in this term's lease; see SendTimeoutNow.
  };

  Raft(const GroupConfig& group, const raftpb::HardState& hard_state, tracker::Config membership);

  // raft_step.cc: who may speak in this term; which message meets which verb.
  void WriteTrace(TraceAction action, const raftpb::Message* message) const;
  absl::Status CheckRemote(const raftpb::Message& m) const;
  bool IsPossible(const raftpb::Message& m) const;
  absl::Status WhyImpossible(const raftpb::Message& m) const;
  bool AdmitOtherTerm(const raftpb::Message& m);
  void OnHigherTerm(const raftpb::Message& m);
  void OnLowerTerm(const raftpb::Message& m);
  absl::Status StepFollower(const raftpb::Message& m);
  absl::Status StepCandidate(const raftpb::Message& m);
  absl::Status StepLeader(const raftpb::Message& m);
  void NotForLeaders(const raftpb::Message& m);
  void Send(raftpb::Message&& m);
  raftpb::Message& Address(raftpb::Message& m, raftpb::MessageType type, NodeId to) const;
  void Acknowledge(NodeId to, Index index);

  // raft_roles.cc: the only writer of role_.
  void BecomeFollower(Term term, NodeId lead);
  void BecomePreCandidate();
  void BecomeCandidate();
  void BecomeLeader();
  void EnterRole(Role role);
  void EnterTerm(Term term);

  // raft_election.cc: at most one leader per term (§3.4, §3.6.1, §9.6).
  enum class Campaign : uint8_t { kPreElection, kElection, kTransfer };
  bool Promotable() const;
  uint32_t TickElection(uint32_t n);
  void OnHup(Campaign kind);
  void StartCampaign(Campaign kind);
  void OnVoteRequest(const raftpb::Message& m);
  void OnVoteResponse(const raftpb::Message& m);
  bool LearnsOfChange(EntryId committed);
  bool InLease() const;
  bool LeaseIsPromised() const;

  // raft_proposal.cc: was my write accepted?
  absl::Status OnPropose(const raftpb::Message& m);
  absl::Status ForwardProposal(const raftpb::Message& m);
  absl::Status WhyNoProposals() const;
  bool TakeQuota(uint64_t bytes);
  bool AppendOwn(const raftpb::EntryList& entries);
  void PushOwn(raftpb::Entry&& entry);
  void FinishOwn();
  raftpb::EntryList ScreenConfChanges(const raftpb::EntryList& entries);
  std::string WhyNotNow(const raftpb::ConfChangeV2& change) const;

  // raft_replication.cc: the leader's side of the log (§3.5).
  uint32_t UntilLeaderDue() const;
  uint32_t TickLeader(uint32_t n);
  void BroadcastAppend();
  void SendAppend(NodeId to, tracker::Progress& progress);
  void SendEntriesIfAny(NodeId to, tracker::Progress& progress);
  bool MaybeSendAppend(NodeId to, tracker::Progress& progress, bool even_if_empty);
  void BroadcastHeartbeat();
  void SendHeartbeats(const absl::Cord& context);
  void OnAppendResponse(const raftpb::Message& m);
  void OnAppendRejected(const raftpb::Message& m, tracker::Progress& progress);
  void OnAppendAccepted(const raftpb::Message& m, tracker::Progress& progress);
  void OnHeartbeatResponse(const raftpb::Message& m);
  void OnUnreachable(const raftpb::Message& m);
  bool MaybeCommit();
  void OnCheckQuorum();

  // raft_append.cc: the follower's side of the log (§3.5).
  void FollowSender(const raftpb::Message& m);
  absl::Status OnAppend(const raftpb::Message& m);
  void RejectAppend(const raftpb::Message& m);
  void OnHeartbeat(const raftpb::Message& m);
  void LearnCommit(Index commit);

  // raft_snapshot.cc: when the log is not enough (§5).
  bool MaybeSendSnapshot(NodeId to, tracker::Progress& progress);
  void OnSnapshotStatus(const raftpb::Message& m);
  void GiveUpOverdueSnapshots();
  void GiveUpSnapshot(NodeId to, tracker::Progress& progress);
  void OnSnapshot(const raftpb::Message& m);
  bool Restore(const raftpb::SnapshotPtr& snapshot);

  // raft_membership.cc: who takes part (§4).
  void LeadUnderNewMembership(absl::Span<const NodeId> joined);
  bool HasUnappliedConfChange() const;
  void MaybeLeaveJoint();

  // raft_read_index.cc: linearizable reads (§6.4).
  absl::Status OnReadIndex(ReadRequest read);
  absl::Status ForwardReadIndex(const raftpb::Message& m);
  void OnReadIndexResponse(const raftpb::Message& m);
  void OnReadConfirmed(const raftpb::Message& heartbeat_response);
  void StartRead(ReadRequest&& read);
  bool LeadsAlone() const;
  bool HasLease() const;
  uint64_t NextLease() const;
  void RenewLease();
  void ReleaseConfirmedReads();
  void AnswerRead(ReadRequest&& read, Index index);
  void ReleasePostponedReads();
  bool CommittedInTerm() const;

  // raft_transfer.cc: handing the office over (§3.10).
  void OnTransferLeader(const raftpb::Message& m);
  void ForwardTransfer(const raftpb::Message& m);
  void SendTimeoutNow(NodeId to);
  void MaybeFinishTransfer(const raftpb::Message& ack, const tracker::Progress& progress);
  bool IsHandingOver() const { return leading_->transferee != kNone || LeavesOffice(); }
  void GiveUpTransfer();
  bool LeavesOffice() const;
  void LeaveOffice();
  void OnTimeoutNow(const raftpb::Message& m);
  void OnForgetLeader();

  // raft_persistence.cc: what the disk and the application confirmed.
  void OnSnapshotStored(const raftpb::Snapshot& snapshot);
  void OnAppliedTo(Index index, uint64_t size);

  const std::shared_ptr<const Config> shared_config_;
  const Config& config_;  // *shared_config_.
  const NodeId id_;
  log::RaftLog log_;
  tracker::Config membership_;  // In force at the applied index; not at append as in §4.1.

  Term term_ = 0;        // Latest term seen; only increases (Figure 3.1).
  NodeId vote_ = kNone;  // Cast in term_, at most once (§3.4).
  NodeId lead_ = kNone;  // Who leads term_, as far as known.
  Role role_{Role::kFollower};

  ElectionTimer timer_;
  std::unique_ptr<tracker::Ballots> ballots_;  // Engaged exactly while campaigning.
  std::unique_ptr<Leading> leading_;           // Engaged exactly while role_ == kLeader.

  Outbox outbox_;
  std::vector<ReadState> read_states_;  // Answered, for the next Ready.
};

}  // namespace raft

#endif  // RAFT_RAFT_RAFT_H_
