// Room: election. Turns ballots into at most one leader per term (§3.4, §3.6.1; Pre-Vote §9.6).
// Changes: vote, ballots. Reads: last entry, configuration. Never touches: progress, reads.
#include <algorithm>

#include "raft/raft.h"
#include "raftpb/describe.h"

namespace raft {

using raftpb::Hex;
using raftpb::Message;
using raftpb::MessageType;
using raftpb::Name;

namespace {

MessageType ResponseTo(MessageType request) {
  return request == MessageType::kVote ? MessageType::kVoteResp : MessageType::kPreVoteResp;
}

}  // namespace

// Only a voter may lead; and not while its state is a snapshot that its disk does not have yet.
bool Raft::Promotable() const { return membership_.IsVoter(id()) && !log_.HasUnstableSnapshot(); }

// Lets up to n ticks pass until something happens. How many did.
uint32_t Raft::TickElection(uint32_t n) {
  const bool promotable = Promotable();
  const uint32_t passed = promotable ? std::min(n, timer_.UntilElection()) : n;
  timer_.AdvanceFollower(passed);
  if (promotable && timer_.ElectionDue()) {
    timer_.RestartElapsed();
    OnHup(config_.pre_vote ? Campaign::kPreElection : Campaign::kElection);
  }
  return passed;
}

void Raft::OnHup(Campaign kind) {
  if (role_ == Role::kLeader) {
    RAFT_LOG(config_.logger, kDebug, Hex(id()), " ignoring MsgHup because already leader");
    return;
  }
  if (!Promotable() || term_ >= kMaxTerm) {
    RAFT_LOG(config_.logger, kWarn, Hex(id()), " is unpromotable and can not campaign");
    return;
  }
  if (HasUnappliedConfChange()) {
    // It might win with a configuration that the group has already left (etcd issue 12133).
    RAFT_LOG(config_.logger, kWarn, Hex(id()), " cannot campaign at term ", term_,
             " since there are still pending configuration changes to apply");
    return;
  }
  if (kind != Campaign::kTransfer && LeaseIsPromised()) {
    RAFT_LOG(config_.logger, kWarn, Hex(id()), " cannot campaign at term ", term_,
             " since the leader counts on its vote");
    return;
  }
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " is starting a new election at term ", term_);
  StartCampaign(kind);
}

void Raft::StartCampaign(Campaign kind) {
  const bool pre = kind == Campaign::kPreElection;
  if (pre) {
    BecomePreCandidate();
  } else {
    BecomeCandidate();
  }
  const MessageType request = pre ? MessageType::kPreVote : MessageType::kVote;
  const Term election_term = pre ? term_ + 1 : term_;
  const EntryId last = log_.LastId();
  for (NodeId voter : membership_.voters.All()) {
    if (voter == id()) {
      // The own vote counts when it is durable, like every other (§3.8).
      Send({.type = ResponseTo(request), .to = voter, .term = election_term});
      continue;
    }
    RAFT_LOG(config_.logger, kInfo, Hex(id()), " [logterm: ", last.term, ", index: ", last.index,
             "] sent ", Name(request), " request to ", Hex(voter), " at term ", term_);
    Send({.type = request,
          .to = voter,
          .term = election_term,
          .log_term = last.term,
          .index = last.index,
          .context = kind == Campaign::kTransfer ? absl::Cord(kTransferContext) : absl::Cord()});
  }
}

// Learners vote too: a candidate may know better than we whether we are one (§4.2.2).
void Raft::OnVoteRequest(const Message& m) {
  const EntryId last = log_.LastId();
  const bool commanded = m.context == kTransferContext;
  if (LeaseIsPromised() && !commanded) return;  // Of our own term; others were stopped before.
  const bool may_vote =
      vote_ == m.from ||                                       // The same answer again, or
      (vote_ == kNone && lead_ == kNone) ||                    // our only vote of the term, or
      (m.type == MessageType::kPreVote && m.term > term_);     // a promise of nothing (§9.6).
  const bool granted = may_vote && m.id().AsUpToDateAs(last);  // §3.6.1
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " [logterm: ", last.term, ", index: ", last.index,
           ", vote: ", Hex(vote_), granted ? "] cast " : "] rejected ", Name(m.type),
           granted ? " for " : " from ", Hex(m.from), " [logterm: ", m.log_term,
           ", index: ", m.index, "] at term ", term_);
  // A yes names the election it is for, a no the term that the candidate may have missed.
  Message response = {.type = ResponseTo(m.type),
                      .to = m.from,
                      .term = granted ? m.term : term_,
                      .reject = !granted};
  if (!granted && !config_.immediate_sends) {
    response.commit = log_.committed();
    response.log_term = log_.KnownTermAt(log_.committed()).value_or(0);
  }
  Send(std::move(response));
  if (granted && m.type == MessageType::kVote) {
    timer_.RestartElapsed();
    vote_ = m.from;
  }
}

void Raft::OnVoteResponse(const Message& m) {
  const bool pre = role_ == Role::kPreCandidate;
  if (m.type != (pre ? MessageType::kPreVoteResp : MessageType::kVoteResp)) return;
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " received ", Name(m.type),
           m.reject ? " rejection from " : " from ", Hex(m.from), " at term ", term_);
  if (m.reject && !config_.immediate_sends && LearnsOfChange({m.log_term, m.commit})) {
    return BecomeFollower(term_, kNone);
  }
  ballots_->Record(m.from, !m.reject);
  const tracker::Ballots::Count count = ballots_->Tally(membership_);
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " has received ", count.granted, " ", Name(m.type),
           " votes and ", count.rejected, " vote rejections");
  switch (count.result) {
    case quorum::VoteResult::kPending: return;
    case quorum::VoteResult::kLost: return BecomeFollower(term_, kNone);
    case quorum::VoteResult::kWon:
      if (pre) return StartCampaign(Campaign::kElection);
      BecomeLeader();
      return BroadcastAppend();
  }
}

// Who refuses says what is committed; whether a membership change is among it that is in our log.
// Else a candidate that needs the votes of servers whom that change has removed, and whose logs are
// longer than its own, could never win, nor could they: a removed leader that crashes before it
// told anybody of the commit leaves a group like that (raft-rs has the same remedy; etcd/raft has
// none).
bool Raft::LearnsOfChange(EntryId committed) {
  return log_.MaybeCommit(committed) && HasUnappliedConfChange();
}

// Whether a leader was heard of so recently that nobody has a reason to campaign (§6.2).
bool Raft::InLease() const {
  return (config_.check_quorum && lead_ != kNone && timer_.InLease()) || LeaseIsPromised();
}

// With lease-based reads a leader counts on those who heard of it, also if they have seen a later
// term since, are told to campaign, or have restarted and forgotten who it was. etcd/raft lets
// them vote.
bool Raft::LeaseIsPromised() const {
  return config_.read_only == ReadOnlyOption::kLeaseBased && !config_.immediate_sends &&
         timer_.HasPromised();
}

}  // namespace raft
