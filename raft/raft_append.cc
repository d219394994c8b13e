// Room: append. What a follower keeps of what its leader sends (§3.5).
// Changes: log, commit, leader, timer.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "raft/raft.h"
#include "raftpb/describe.h"

namespace raft {

using raftpb::Hex;
using raftpb::Message;
using raftpb::MessageType;

// Whoever sends appends, heartbeats or snapshots in a term has won it: a campaign of our own in
// this term is lost (§3.4).
void Raft::FollowSender(const Message& m) {
  timer_.Promise();
  if (role_ != Role::kFollower) return BecomeFollower(m.term, m.from);
  timer_.RestartElapsed();
  lead_ = m.from;
}

absl::Status Raft::OnAppend(const Message& m) {
  FollowSender(m);
  if (m.index < log_.committed()) {
    // Late or repeated: all of it up to the commit index is here, and cannot change any more.
    Acknowledge(m.from, log_.committed());
    return absl::OkStatus();
  }
  if (!log_.Matches(m.id())) {
    RejectAppend(m);
    return absl::OkStatus();
  }
  absl::StatusOr<Index> last_new = log_.AppendAfter(m.id(), m.entries);
  if (!last_new.ok()) return last_new.status();
  RecordTrace(TraceAction::kAppend);
  // What stands behind the new entries may not be the leader's: neither commit nor acknowledge it.
  LearnCommit(std::min(m.commit, *last_new));
  Acknowledge(m.from, *last_new);
  return absl::OkStatus();
}

// Tells the leader where the logs may meet: the last entry at or before the one it asked for whose
// term is no later than the leader's there.
void Raft::RejectAppend(const Message& m) {
  RAFT_LOG(config_.logger, kDebug, Hex(id()), " [logterm: ", log_.TermOrZero(m.index),
           ", index: ", m.index, "] rejected MsgApp [logterm: ", m.log_term, ", index: ", m.index,
           "] from ", Hex(m.from));
  const log::RaftLog::Meeting hint =
      log_.FindMeeting(std::min(m.index, log_.LastIndex()), m.log_term);
  Send({.type = MessageType::kAppResp,
        .to = m.from,
        .log_term = hint.term.value_or(0),
        .index = m.index,
        .reject = true,
        .reject_hint = hint.index});
}

// The leader has made sure that our log holds what it says is committed; StepRemote has checked.
void Raft::OnHeartbeat(const Message& m) {
  FollowSender(m);
  LearnCommit(m.commit);
  Message& response = Address(outbox_.Add(), MessageType::kHeartbeatResp, m.from);
  response.context = m.context;
  RecordTrace(TraceAction::kSend, &response);
}

void Raft::LearnCommit(Index commit) {
  if (commit <= log_.committed()) return;
  log_.CommitTo(commit);
  RecordTrace(TraceAction::kCommit);
}

}  // namespace raft
