// Room: roles. What am I now? The only writer of role_ (Figure 3.3; pre-candidate §9.6).
// Changes: role, term, vote, leader, the timer's count; births and ends what only a leader has.
#include "raft/check.h"
#include "raft/raft.h"
#include "raftpb/describe.h"

namespace raft {

using raftpb::Hex;

namespace {

constexpr bool IsLegal(Role from, Role to) {
  if (to == Role::kFollower) return true;                   // Anyone may step down.
  if (to == Role::kLeader) return from != Role::kFollower;  // Nobody leads without asking.
  return from != Role::kLeader;                             // A leader does not run against itself.
}

}  // namespace

void Raft::BecomeFollower(Term term, NodeId lead) {
  EnterTerm(term);
  EnterRole(Role::kFollower);
  lead_ = lead;
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " became follower at term ", term_);
  RecordTrace(TraceAction::kBecomeFollower);
}

// Asks what would happen: term, vote and timeout stay (§9.6). Only the leader is given up.
void Raft::BecomePreCandidate() {
  EnterRole(Role::kPreCandidate);
  lead_ = kNone;
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " became pre-candidate at term ", term_);
  RecordTrace(TraceAction::kBecomePreCandidate);
}

void Raft::BecomeCandidate() {
  EnterTerm(term_ + 1);
  EnterRole(Role::kCandidate);
  vote_ = id();
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " became candidate at term ", term_);
  RecordTrace(TraceAction::kBecomeCandidate);
}

void Raft::BecomeLeader() {
  EnterTerm(term_);
  EnterRole(Role::kLeader);
  lead_ = id();
  // Entries so far may hold a membership change of an earlier leader: none of our own until they
  // are applied (§4.1, and the bug in the original single-server change algorithm).
  leading_->pending_conf_index = log_.LastIndex();
  // An entry of our own term, so that what came before can be committed (§3.6.2, §6.4 step 1). It
  // has no payload, so no quota can refuse it.
  RAFT_CHECK(AppendOwn({raftpb::Entry{}})) << "a leader's first entry was refused";
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " became leader at term ", term_);
  RecordTrace(TraceAction::kBecomeLeader);
}

void Raft::EnterRole(Role role) {
  RAFT_CHECK(IsLegal(role_, role)) << Name(role_) << " cannot become " << Name(role);
  role_ = role;
  leading_.reset();
  ballots_.reset();
  if (role == Role::kPreCandidate || role == Role::kCandidate) {
    ballots_ = std::make_unique<tracker::Ballots>();
  }
  if (role != Role::kLeader) return;
  leading_ = std::make_unique<Leading>(Leading{
      .progress = tracker::ProgressMap({.max_inflight_msgs = config_.max_inflight_msgs,
                                        .max_inflight_bytes = config_.max_inflight_bytes == kNoLimit
                                                                  ? 0
                                                                  : config_.max_inflight_bytes}),
      .quota = ProposalQuota(config_.max_uncommitted_size)});
  // Nothing is known of the peers' logs but that they may be as long as ours (§3.5).
  leading_->progress.Reconcile(membership_, {}, log_.LastIndex() + 1);
  for (auto& [peer, progress] : leading_->progress) {
    progress.set_recently_active(false);
    // Of its own log, too, a leader counts only what is durable (§3.8).
    if (peer == id()) progress.ResetAsSelf(log_.unstable().offset() - 1);
  }
}

// Starts counting anew. A higher term forgets the vote: adopting a term is not voting in it
// (openraft issue 1220).
void Raft::EnterTerm(Term term) {
  if (term_ != term) {
    term_ = term;
    vote_ = kNone;
    outbox_.WithdrawAcks();
  }
  lead_ = kNone;
  timer_.Restart();
}

}  // namespace raft
