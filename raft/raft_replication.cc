// Room: replication. The leader's side of the log: what each follower is sent, and what a quorum
// has (§3.5, §3.6.2; docs/replication.md).
// Changes: progress, commit. Reads: log, configuration.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/raft.h"
#include "raftpb/describe.h"

namespace raft {

using raftpb::EntryList;
using raftpb::Hex;
using raftpb::Message;
using raftpb::MessageType;
using tracker::Progress;
using tracker::ProgressState;

// Ticks until the leader has something to do.
uint32_t Raft::UntilLeaderDue() const {
  const uint32_t due = timer_.UntilLeaderDue();
  if (!IsHandingOver()) return due;
  const uint64_t left = std::max(leading_->transfer_until, leading_->ticks + 1) - leading_->ticks;
  return static_cast<uint32_t>(std::min<uint64_t>(left, due));
}

// Lets up to n ticks pass until something happens. How many did.
uint32_t Raft::TickLeader(uint32_t n) {
  const uint32_t passed = std::min(n, UntilLeaderDue());
  timer_.AdvanceLeader(passed);
  leading_->ticks += passed;
  if (timer_.QuorumCheckDue()) {
    timer_.RestartElapsed();
    if (config_.check_quorum) OnCheckQuorum();
    if (leading_) GiveUpOverdueSnapshots();
  }
  if (leading_ && IsHandingOver() && leading_->ticks >= leading_->transfer_until) GiveUpTransfer();
  if (leading_ && timer_.HeartbeatDue()) {
    timer_.RestartHeartbeat();
    RenewLease();
    BroadcastHeartbeat();
  }
  return passed;
}

// --- Sending: at once, or with the next Ready (Config::immediate_sends) ---

void Raft::BroadcastAppend() {
  if (leading_->news.all_marked()) return;
  bool paused = false;
  for (auto& [peer, progress] : leading_->progress) {
    if (peer == id()) continue;
    SendAppend(peer, progress);
    paused |= progress.IsPaused();
  }
  if (!paused && !config_.immediate_sends) leading_->news.NoteAllMarked();
}

// An append to one peer, even if there is nothing but a commit index to tell.
void Raft::SendAppend(NodeId to, Progress& progress) {
  if (config_.immediate_sends) {
    MaybeSendAppend(to, progress, /*even_if_empty=*/true);
  } else if (!progress.IsPaused()) {
    leading_->news.Mark(to, News::Kind::kAnything);
  }
}

// An append to one peer if it lacks entries.
void Raft::SendEntriesIfAny(NodeId to, Progress& progress) {
  if (config_.immediate_sends) {
    MaybeSendAppend(to, progress, /*even_if_empty=*/false);
  } else if (!progress.IsPaused() && progress.next() <= log_.LastIndex()) {
    leading_->news.Mark(to, News::Kind::kEntries);
  }
}

void Raft::BroadcastHeartbeat() {
  if (config_.immediate_sends) {
    SendHeartbeats(leading_->reads.HeartbeatContext());
  } else {
    leading_->news.MarkHeartbeat();
  }
}

void Raft::FlushNews() {
  if (!leading_) return;
  if (leading_->news.TakeHeartbeat()) SendHeartbeats(leading_->reads.HeartbeatContext());
  leading_->news.TakePeers([this](NodeId peer, News::Kind kind) {
    Progress* progress = leading_->progress.Find(peer);
    if (progress == nullptr) return;  // Left the group since.
    if (!MaybeSendAppend(peer, *progress, kind == News::Kind::kAnything)) return;
    while (progress->next() <= log_.LastIndex()) {  // As far as the window goes.
      if (!MaybeSendAppend(peer, *progress, /*even_if_empty=*/false)) return;
    }
  });
}

// --- What is sent ---

// Sends one append with what the peer lacks, as much as one message and its window take, or a
// snapshot if the log does not reach back that far. Whether anything was sent.
bool Raft::MaybeSendAppend(NodeId to, Progress& progress, bool even_if_empty) {
  if (progress.IsPaused()) return false;
  const Index previous = progress.next() - 1;
  const absl::optional<Term> previous_term = log_.KnownTermAt(previous);
  if (!previous_term.has_value()) return MaybeSendSnapshot(to, progress);

  // With a full window an empty append still goes out now and then: if all in flight was lost, its
  // answer is what gets things moving again.
  const bool has_room =
      progress.state() != ProgressState::kReplicate || !progress.inflights().Full();
  EntryList entries;
  if (has_room && progress.next() <= log_.LastIndex()) {
    absl::StatusOr<EntryList> read = log_.EntriesFrom(progress.next(), config_.max_size_per_msg);
    if (!read.ok()) return IsCompacted(read.status()) && MaybeSendSnapshot(to, progress);
    entries = *std::move(read);
  } else if (!even_if_empty) {
    return false;
  }

  const uint64_t bytes = entries.PayloadSize();
  const size_t count = entries.size();
  Message& m = Address(outbox_.Add(), MessageType::kApp, to);
  m.log_term = *previous_term;
  m.index = previous;
  m.entries = std::move(entries);
  m.commit = log_.committed();
  RecordTrace(TraceAction::kSend, &m);
  progress.SentEntries(count, bytes);
  progress.SentCommit(log_.committed());
  return true;
}

// Learners included: they, too, must know that there is a leader.
void Raft::SendHeartbeats(const absl::Cord& context) {
  for (auto& [peer, progress] : leading_->progress) {
    if (peer == id()) continue;
    // The peer's log equals ours up to match, and only as far may it commit (§3.5).
    const Index commit = std::min(progress.match(), log_.committed());
    Message& m = Address(outbox_.Add(), MessageType::kHeartbeat, peer);
    m.commit = commit;
    m.context = context;
    RecordTrace(TraceAction::kSend, &m);
    progress.SentCommit(commit);
  }
}

// --- What comes back ---

void Raft::OnAppendResponse(const Message& m) {
  Progress* progress = leading_->progress.Find(m.from);
  if (progress == nullptr) {
    RAFT_LOG(config_.logger, kDebug, Hex(id()), " no progress available for ", Hex(m.from));
    return;
  }
  progress->set_recently_active(true);
  if (m.reject) {
    OnAppendRejected(m, *progress);
  } else {
    OnAppendAccepted(m, *progress);
  }
}

// The follower's log does not match at m.index. Its hint says where it ends or where its terms
// are no later; we go back to the last place where our own log could meet it, so that a whole
// divergent term costs one round trip (§3.5, the optimisation at its end).
void Raft::OnAppendRejected(const Message& m, Progress& progress) {
  RAFT_LOG(config_.logger, kDebug, Hex(id()), " received MsgAppResp(rejected, hint: (index ",
           m.reject_hint, ", term ", m.log_term, ")) from ", Hex(m.from), " for index ", m.index);
  const Index meeting =
      m.log_term > 0 ? log_.FindMeeting(m.reject_hint, m.log_term).index : m.reject_hint;
  if (!progress.MaybeDecreaseTo(m.index, meeting)) return;  // Stale.
  RAFT_LOG(config_.logger, kDebug, Hex(id()), " decreased progress of ", Hex(m.from), " to [",
           Describe(progress, membership_.IsLearner(m.from)), "]");
  if (progress.state() == ProgressState::kReplicate) progress.BecomeProbe();
  SendAppend(m.from, progress);
}

void Raft::OnAppendAccepted(const Message& m, Progress& progress) {
  const bool moved = progress.MaybeUpdate(m.index);
  const bool found = progress.match() == m.index && progress.state() == ProgressState::kProbe;
  if (!moved && !found) return;
  switch (progress.state()) {
    case ProgressState::kProbe: progress.BecomeReplicate(); break;
    case ProgressState::kSnapshot:
      // However it got there: its log reconnects to ours, so the snapshot is no longer needed.
      if (progress.match() + 1 < log_.FirstIndex()) break;
      RAFT_LOG(config_.logger, kDebug, Hex(id()),
               " recovered from needing snapshot, resumed sending replication messages to ",
               Hex(m.from), " [", Describe(progress, membership_.IsLearner(m.from)), "]");
      progress.BecomeProbe();
      progress.BecomeReplicate();
      break;
    case ProgressState::kReplicate: progress.FreeInflights(m.index); break;
  }
  if (MaybeCommit()) {
    BroadcastAppend();
  } else if (m.from != id() && progress.CanBumpCommit(log_.committed())) {
    SendAppend(m.from, progress);
  }
  if (m.from != id()) {
    if (config_.immediate_sends) {
      while (MaybeSendAppend(m.from, progress, /*even_if_empty=*/false)) {
      }
    } else {
      SendEntriesIfAny(m.from, progress);
    }
  }
  MaybeFinishTransfer(m, progress);
}

void Raft::OnHeartbeatResponse(const Message& m) {
  Progress* progress = leading_->progress.Find(m.from);
  if (progress == nullptr) {
    RAFT_LOG(config_.logger, kDebug, Hex(id()), " no progress available for ", Hex(m.from));
    return;
  }
  progress->set_recently_active(true);
  progress->Resume();
  // It lives and may lack entries: whatever was sent before it went silent may be lost.
  if (progress->match() < log_.LastIndex() || progress->state() == ProgressState::kProbe) {
    SendAppend(m.from, *progress);
  }
  // The heir may have been asked before it had applied the change, and have declined.
  if (LeavesOffice()) MaybeFinishTransfer(m, *progress);
  OnReadConfirmed(m);
}

// What was sent ahead is probably lost: back to one append at a time.
void Raft::OnUnreachable(const Message& m) {
  Progress* progress = leading_->progress.Find(m.from);
  if (progress == nullptr) {
    RAFT_LOG(config_.logger, kDebug, Hex(id()), " no progress available for ", Hex(m.from));
    return;
  }
  if (progress->state() == ProgressState::kReplicate) progress->BecomeProbe();
  RAFT_LOG(config_.logger, kDebug, Hex(id()), " failed to send message to ", Hex(m.from),
           " because it is unreachable [", Describe(*progress, membership_.IsLearner(m.from)), "]");
}

// Only entries of the own term are committed by counting; the rest follows (§3.6.2, Figure 3.7).
bool Raft::MaybeCommit() {
  const Index acknowledged = leading_->progress.CommittedIndex(membership_);
  if (!log_.MaybeCommit({term_, acknowledged})) return false;
  RecordTrace(TraceAction::kCommit);
  ReleasePostponedReads();
  return true;
}

// A leader that does not hear of a quorum for an election timeout steps down, so that its clients
// look elsewhere, and so that its lease ends before another can be elected (§6.2, §6.4.1).
void Raft::OnCheckQuorum() {
  if (!leading_->progress.QuorumActive(membership_, id())) {
    RAFT_LOG(config_.logger, kWarn, Hex(id()),
             " stepped down to follower since quorum is not active");
    return BecomeFollower(term_, kNone);
  }
  for (auto& [peer, progress] : leading_->progress) {
    if (peer != id()) progress.set_recently_active(false);
  }
}

}  // namespace raft
