// Room: step. Who may speak in this term, and which message meets which verb (§3.3).
// Changes: nothing by itself. The index into the other rooms.
#include <utility>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "raft/message_check.h"
#include "raft/raft.h"
#include "raftpb/describe.h"

namespace raft {

using raftpb::Hex;
using raftpb::Message;
using raftpb::MessageType;
using raftpb::Name;

namespace {

// Answers that promise something on disk: they leave when it is durable.
bool WaitsForWrite(MessageType type) {
  return type == MessageType::kAppResp || type == MessageType::kVoteResp ||
         type == MessageType::kPreVoteResp;
}

// Messages that carry the term of an election, chosen where they are made.
bool BringsItsTerm(MessageType type) {
  return type == MessageType::kVote || type == MessageType::kVoteResp ||
         type == MessageType::kPreVote || type == MessageType::kPreVoteResp;
}

// Requests that are passed on to the leader under the name of whom they concern; they may come
// back.
bool KeepsFirstSender(MessageType type) {
  return type == MessageType::kProp || type == MessageType::kReadIndex ||
         type == MessageType::kTransferLeader;
}

ABSL_ATTRIBUTE_NOINLINE absl::Status ForSomebodyElse(NodeId to) {
  return InvalidMessage(absl::StrCat("it is for server ", Hex(to)));
}

bool ComesFromLeader(MessageType type) {
  return type == MessageType::kApp || type == MessageType::kHeartbeat || type == MessageType::kSnap;
}

}  // namespace

// The door. Everything that a peer could use to make a promise of ours untrue is refused here,
// before any state has changed (docs/architecture.md).
absl::Status Raft::StepRemote(const Message& m) {
  if (absl::Status checked = CheckRemote(m); !checked.ok()) return checked;
  return Step(m);
}

absl::Status Raft::CheckRemote(const Message& m) const {
  if (!IsPlainlyValid(m)) {
    if (absl::Status checked = CheckRemoteMessage(m); !checked.ok()) return checked;
  }
  if (m.to != id() && m.to != kNone) return ForSomebodyElse(m.to);
  if (m.from == id() && !KeepsFirstSender(m.type)) {
    return InvalidMessage("it claims to come from this server");
  }
  if (raftpb::IsResponse(m.type) && !membership_.Tracks(m.from)) return PeerNotFound();
  return IsPossible(m) ? absl::OkStatus() : WhyImpossible(m);
}

// What a message of a term that counts says about our log, and about what we asked, must be
// possible.
bool Raft::IsPossible(const Message& m) const {
  const Index last = log_.LastIndex();
  switch (m.type) {
    case MessageType::kHeartbeat: return m.commit <= last || m.term < term_;
    case MessageType::kAppResp:
      return (m.index <= last && m.reject_hint <= last) || !leading_ || m.term != term_;
    case MessageType::kHeartbeatResp:
      return m.context.empty() || !leading_ || m.term != term_ ||
             config_.read_only != ReadOnlyOption::kSafe || leading_->reads.ParseContext(m.context);
    default: return true;
  }
}

absl::Status Raft::WhyImpossible(const Message& m) const {
  if (m.type == MessageType::kHeartbeat) {
    return PromiseBroken(absl::StrCat("leader ", Hex(m.from), " believes that entries up to ",
                                      m.commit, " are stored here, but the log ends at ",
                                      log_.LastIndex(), ": its tail was lost"));
  }
  if (m.type == MessageType::kAppResp) {
    return InvalidMessage(absl::StrCat("it acknowledges index ", m.index, ", hint ", m.reject_hint,
                                       ", beyond the leader's last index ", log_.LastIndex()));
  }
  return InvalidMessage("it confirms a read that this leader never asked about");
}

absl::Status Raft::Step(const Message& m) {
  RecordTrace(TraceAction::kReceive, &m);
  switch (m.type) {  // From this server's own threads, to whom terms mean something else.
    case MessageType::kStorageAppendResp:
      OnStored(m.term, m.index != 0 ? absl::make_optional(m.id()) : absl::nullopt, m.snapshot);
      return absl::OkStatus();
    case MessageType::kStorageApplyResp: OnApplied(Applied(m.entries)); return absl::OkStatus();
    default: break;
  }
  // Messages without a term are for any.
  if (m.term != term_ && m.term != 0 && !AdmitOtherTerm(m)) return absl::OkStatus();
  switch (m.type) {  // Whatever the role.
    case MessageType::kHup:
      OnHup(config_.pre_vote ? Campaign::kPreElection : Campaign::kElection);
      return absl::OkStatus();
    case MessageType::kVote:
    case MessageType::kPreVote: OnVoteRequest(m); return absl::OkStatus();
    default: break;
  }
  switch (role_) {
    case Role::kFollower: return StepFollower(m);
    case Role::kCandidate:
    case Role::kPreCandidate: return StepCandidate(m);
    case Role::kLeader: return StepLeader(m);
  }
  return absl::OkStatus();
}

// The term rule (§3.3): later terms are followed, earlier ones are ignored. Whether the message is
// to be handled in what is now the current term.
bool Raft::AdmitOtherTerm(const Message& m) {
  if (m.term < term_) {
    OnLowerTerm(m);
    return false;
  }
  const bool asks_for_vote = m.type == MessageType::kVote || m.type == MessageType::kPreVote;
  const bool commanded = m.context == kTransferContext;
  if (asks_for_vote && !commanded && InLease()) {
    RAFT_LOG(config_.logger, kInfo, Hex(id()), " [logterm: ", log_.LastId().term,
             ", index: ", log_.LastId().index, ", vote: ", Hex(vote_), "] ignored ", Name(m.type),
             " from ", Hex(m.from), " [logterm: ", m.log_term, ", index: ", m.index, "] at term ",
             term_,
             ": lease is not expired (remaining ticks: ", timer_.election_tick() - timer_.elapsed(),
             ")");
    return false;
  }
  OnHigherTerm(m);
  return true;
}

void Raft::OnHigherTerm(const Message& m) {
  // A pre-vote asks "what if" (§9.6): neither the question nor a yes raises anybody's term.
  if (m.type == MessageType::kPreVote) return;
  if (m.type == MessageType::kPreVoteResp && !m.reject) return;
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " [term: ", term_, "] received a ", Name(m.type),
           " message with higher term from ", Hex(m.from), " [term: ", m.term, "]");
  const bool was_follower = role_ == Role::kFollower;
  const uint32_t elapsed = timer_.elapsed();
  BecomeFollower(m.term, ComesFromLeader(m.type) ? m.from : kNone);
  // Only a granted vote is worth waiting for (Figure 3.1): somebody who cannot win but campaigns
  // again and again, with a short log and a fast clock, must not keep those from campaigning who
  // can. etcd/raft starts waiting anew.
  const bool asks = m.type == MessageType::kVote && !config_.immediate_sends;
  if (was_follower && asks) timer_.Resume(elapsed);
}

void Raft::OnLowerTerm(const Message& m) {
  // etcd/raft answers only if its own settings can lead there; but the peers' may be others.
  const bool answers_old_leader =
      config_.check_quorum || config_.pre_vote || !config_.immediate_sends;
  if (answers_old_leader && (m.type == MessageType::kHeartbeat || m.type == MessageType::kApp)) {
    // A leader of an old term that still reaches us cannot learn of our term by itself if we
    // ignore it, and with leases or pre-votes our own campaigns may be ignored: the answer
    // carries our term and unblocks both (etcd issue 8501).
    Send({.type = MessageType::kAppResp, .to = m.from});
  } else if (m.type == MessageType::kPreVote) {
    // A pre-candidate behind our term must learn it, or it would ask for ever.
    RAFT_LOG(config_.logger, kInfo, Hex(id()), " [logterm: ", log_.LastId().term,
             ", index: ", log_.LastId().index, ", vote: ", Hex(vote_), "] rejected ", Name(m.type),
             " from ", Hex(m.from), " [logterm: ", m.log_term, ", index: ", m.index, "] at term ",
             term_);
    Send({.type = MessageType::kPreVoteResp, .to = m.from, .term = term_, .reject = true});
  } else {
    RAFT_LOG(config_.logger, kInfo, Hex(id()), " [term: ", term_, "] ignored a ", Name(m.type),
             " message with lower term from ", Hex(m.from), " [term: ", m.term, "]");
  }
}

absl::Status Raft::StepFollower(const Message& m) {
  switch (m.type) {
    case MessageType::kProp: return ForwardProposal(m);
    case MessageType::kApp: return OnAppend(m);
    case MessageType::kHeartbeat: return OnHeartbeat(m), absl::OkStatus();
    case MessageType::kSnap: return OnSnapshot(m), absl::OkStatus();
    case MessageType::kTransferLeader: return ForwardTransfer(m), absl::OkStatus();
    case MessageType::kTimeoutNow: return OnTimeoutNow(m), absl::OkStatus();
    case MessageType::kForgetLeader: return OnForgetLeader(), absl::OkStatus();
    case MessageType::kReadIndex: return ForwardReadIndex(m);
    case MessageType::kReadIndexResp: return OnReadIndexResponse(m), absl::OkStatus();
    default: return absl::OkStatus();  // Not addressed to followers.
  }
}

absl::Status Raft::StepCandidate(const Message& m) {
  switch (m.type) {
    case MessageType::kProp: return ForwardProposal(m);
    case MessageType::kApp: return OnAppend(m);
    case MessageType::kHeartbeat: return OnHeartbeat(m), absl::OkStatus();
    case MessageType::kSnap: return OnSnapshot(m), absl::OkStatus();
    case MessageType::kVoteResp:
    case MessageType::kPreVoteResp: return OnVoteResponse(m), absl::OkStatus();
    case MessageType::kTimeoutNow: return OnTimeoutNow(m), absl::OkStatus();
    case MessageType::kReadIndex: return ForwardReadIndex(m);
    default: return absl::OkStatus();  // Not addressed to candidates.
  }
}

absl::Status Raft::StepLeader(const Message& m) {
  switch (m.type) {
    case MessageType::kBeat: return BroadcastHeartbeat(), absl::OkStatus();
    case MessageType::kCheckQuorum: return OnCheckQuorum(), absl::OkStatus();
    case MessageType::kProp: return OnPropose(m);
    case MessageType::kReadIndex: return OnReadIndex({m.from, m.entries.front().data});
    case MessageType::kAppResp: return OnAppendResponse(m), absl::OkStatus();
    case MessageType::kHeartbeatResp: return OnHeartbeatResponse(m), absl::OkStatus();
    case MessageType::kSnapStatus: return OnSnapshotStatus(m), absl::OkStatus();
    case MessageType::kUnreachable: return OnUnreachable(m), absl::OkStatus();
    case MessageType::kTransferLeader: return OnTransferLeader(m), absl::OkStatus();
    default: return NotForLeaders(m), absl::OkStatus();
  }
}

void Raft::NotForLeaders(const Message& m) {
  const bool from_peer = m.type != MessageType::kForgetLeader;
  if (from_peer && leading_->progress.Find(m.from) == nullptr) {
    RAFT_LOG(config_.logger, kDebug, Hex(id()), " no progress available for ", Hex(m.from));
  }
}

// Puts a message into the outbox, with the sender and its term. Proposals and reads travel without
// a term: whoever leads when they arrive may take them.
void Raft::Send(Message&& m) {
  if (m.from == kNone) m.from = id();
  const bool termless = m.type == MessageType::kProp || m.type == MessageType::kReadIndex;
  if (!termless && !BringsItsTerm(m.type)) m.term = term_;
  RecordTrace(TraceAction::kSend, &m);
  if (WaitsForWrite(m.type)) {
    outbox_.PushAfterWrite(std::move(m));
  } else {
    outbox_.Push(std::move(m));
  }
}

// The same for the messages that are sent all the time: they are written where they wait. Whoever
// has filled one in records that it was sent.
Message& Raft::Address(Message& m, MessageType type, NodeId to) const {
  m.type = type;
  m.to = to;
  m.from = id();
  m.term = term_;
  return m;
}

// Everything up to `index` is here, once the disk has it.
void Raft::Acknowledge(NodeId to, Index index) {
  if (config_.tracer != nullptr) {
    return Send({.type = MessageType::kAppResp, .to = to, .index = index});
  }
  if (outbox_.MergeAck(to, term_, index)) return;
  Address(outbox_.AddAfterWrite(), MessageType::kAppResp, to).index = index;
}

}  // namespace raft
