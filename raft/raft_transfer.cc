// Room: transfer. How leadership moves on request (§3.10).
// Changes: the transferee. While there is one the leader proposes nothing.
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/raft.h"
#include "raftpb/describe.h"

namespace raft {

using raftpb::Hex;
using raftpb::Message;
using raftpb::MessageType;

// At the leader; the target is the message's sender.
void Raft::OnTransferLeader(const Message& m) {
  const NodeId target = m.from;
  tracker::Progress* progress = leading_->progress.Find(target);
  if (progress == nullptr) {
    RAFT_LOG(config_.logger, kDebug, Hex(id()), " no progress available for ", Hex(target));
    return;
  }
  if (membership_.IsLearner(target)) {
    RAFT_LOG(config_.logger, kDebug, Hex(id()), " is learner. Ignored transferring leadership");
    return;
  }
  if (leading_->transferee == target) {
    RAFT_LOG(config_.logger, kInfo, Hex(id()), " [term ", term_, "] transfer leadership to ",
             Hex(target), " is in progress, ignores request to same node ", Hex(target));
    return;
  }
  if (leading_->transferee != kNone) {
    const NodeId previous = std::exchange(leading_->transferee, kNone);
    RAFT_LOG(config_.logger, kInfo, Hex(id()), " [term ", term_,
             "] abort previous transferring leadership to ", Hex(previous));
  }
  if (target == id()) {
    RAFT_LOG(config_.logger, kDebug, Hex(id()),
             " is already leader. Ignored transferring leadership to self");
    return;
  }
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " [term ", term_,
           "] starts to transfer leadership to ", Hex(target));
  // It should come about within an election timeout; then it is given up (TickLeader). etcd/raft
  // counts this by the quorum check, which each order thus puts off.
  leading_->transferee = target;
  leading_->transfer_until = leading_->ticks + timer_.election_tick();
  if (config_.immediate_sends) timer_.RestartElapsed();
  if (progress->match() == log_.LastIndex()) {
    SendTimeoutNow(target);
    RAFT_LOG(config_.logger, kInfo, Hex(id()), " sends MsgTimeoutNow to ", Hex(target),
             " immediately as ", Hex(target), " already has up-to-date log");
  } else {
    SendAppend(target, *progress);
  }
}

// The target may campaign once its log is complete.
void Raft::MaybeFinishTransfer(const Message& ack, const tracker::Progress& progress) {
  if (ack.from != leading_->transferee || progress.match() != log_.LastIndex()) return;
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " sent MsgTimeoutNow to ", Hex(ack.from),
           " after received MsgAppResp");
  SendTimeoutNow(ack.from);
}

// Whoever campaigns on our order is not refused on account of our lease, and the order may arrive
// long after we have given up on it: from now on a lease proves nothing, and reads are confirmed by
// rounds of heartbeats until this term is over (raft-rs issue 234).
void Raft::SendTimeoutNow(NodeId to) {
  Send({.type = MessageType::kTimeoutNow, .to = to});
  leading_->lease_given_away = !config_.immediate_sends;
}

// It had an election timeout to come about. The leader proposes again; first of all the change that
// it could not propose meanwhile.
void Raft::GiveUpTransfer() {
  if (LeavesOffice()) return LeaveOffice();
  leading_->transferee = kNone;
  if (!config_.immediate_sends) MaybeLeaveJoint();
}

bool Raft::LeavesOffice() const {
  return config_.step_down_on_removal && !config_.immediate_sends && !membership_.IsVoter(id());
}

// A leader that is a voter no more (§4.2.2). If it just stepped down, and nobody else had learned
// that its removal is committed, the others would still need its vote, and might not get it because
// its log is longer than theirs: two servers, of which the leader is removed, then never elect one
// again. So it leads on, without counting itself and without taking proposals, until a voter has
// taken over: the one that has most of the log, and the next one if that takes too long.
void Raft::LeaveOffice() {
  if (config_.immediate_sends) return BecomeFollower(term_, kNone);
  const NodeId last_asked = std::exchange(leading_->transferee, kNone);
  NodeId heir = kNone;
  Index best = 0;
  for (const auto& [peer, progress] : leading_->progress) {
    const bool better = heir == kNone || progress.match() > best ||
                        (progress.match() == best && heir == last_asked);
    if (!membership_.voters.incoming.contains(peer) || !better) continue;
    heir = peer;
    best = progress.match();
  }
  if (heir == kNone) return BecomeFollower(term_, kNone);
  OnTransferLeader({.type = MessageType::kTransferLeader, .from = heir});
}

// At a follower.
void Raft::ForwardTransfer(const Message& m) {
  if (lead_ == kNone) {
    RAFT_LOG(config_.logger, kInfo, Hex(id()), " no leader at term ", term_,
             "; dropping leader transfer msg");
    return;
  }
  Message forwarded = m;
  forwarded.to = lead_;
  Send(std::move(forwarded));
}

// The leader asks us to take over: no pre-vote, and its lease does not hold against us.
void Raft::OnTimeoutNow(const Message& m) {
  if (role_ != Role::kFollower) {
    RAFT_LOG(config_.logger, kDebug, Hex(id()), " [term ", term_, " state ", Name(role_),
             "] ignored MsgTimeoutNow from ", Hex(m.from));
    return;
  }
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " [term ", term_, "] received MsgTimeoutNow from ",
           Hex(m.from), " and starts an election to get leadership.");
  OnHup(Campaign::kTransfer);
}

// Somebody knows better than our timer that the leader is gone: from now on we may vote.
void Raft::OnForgetLeader() {
  if (config_.read_only == ReadOnlyOption::kLeaseBased) {
    // Then another could be elected while the old leader still trusts its lease (§6.4.1).
    RAFT_LOG(config_.logger, kError, "ignoring MsgForgetLeader due to ReadOnlyLeaseBased");
    return;
  }
  if (lead_ == kNone) return;
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " forgetting leader ", Hex(lead_), " at term ", term_);
  lead_ = kNone;
}

}  // namespace raft
