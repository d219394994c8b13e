// Room: snapshot. When the log does not reach back far enough (§5).
// Changes: a peer's progress as leader; log, commit and configuration as follower.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "raft/check.h"
#include "raft/confchange/changer.h"
#include "raft/raft.h"
#include "raftpb/describe.h"

namespace raft {

using raftpb::Hex;
using raftpb::Message;
using raftpb::MessageType;
using raftpb::SnapshotMetadata;
using raftpb::SnapshotPtr;
using tracker::Progress;
using tracker::ProgressState;

// --- The leader's side ---

bool Raft::MaybeSendSnapshot(NodeId to, Progress& progress) {
  if (!progress.recently_active()) {
    RAFT_LOG(config_.logger, kDebug, "ignore sending snapshot to ", Hex(to),
             " since it is not recently active");
    return false;
  }
  absl::StatusOr<SnapshotPtr> snapshot = log_.Snapshot();
  if (!snapshot.ok() || *snapshot == nullptr || (*snapshot)->empty()) {
    // Not ready yet, or not to be read. The peer's next heartbeat response asks again.
    RAFT_LOG(config_.logger, kDebug, Hex(id()), " failed to send snapshot to ", Hex(to),
             " because snapshot is temporarily unavailable");
    return false;
  }
  const SnapshotMetadata& metadata = (*snapshot)->metadata;
  const bool learner = membership_.IsLearner(to);
  RAFT_LOG(config_.logger, kDebug, Hex(id()), " [firstindex: ", log_.FirstIndex(),
           ", commit: ", log_.committed(), "] sent snapshot[index: ", metadata.index,
           ", term: ", metadata.term, "] to ", Hex(to), " [", Describe(progress, learner), "]");
  progress.BecomeSnapshot(metadata.index);
  RAFT_LOG(config_.logger, kDebug, Hex(id()), " paused sending replication messages to ", Hex(to),
           " [", Describe(progress, learner), "]");
  Send({.type = MessageType::kSnap, .to = to, .snapshot = *std::move(snapshot)});
  return true;
}

// How the transfer of a snapshot ended, from the transport. Either way the peer is probed again,
// once it is heard of; where from depends on whether it may have the snapshot.
void Raft::OnSnapshotStatus(const Message& m) {
  Progress* progress = leading_->progress.Find(m.from);
  if (progress == nullptr) {
    RAFT_LOG(config_.logger, kDebug, Hex(id()), " no progress available for ", Hex(m.from));
    return;
  }
  if (progress->state() != ProgressState::kSnapshot) return;
  if (m.reject) progress->AbortSnapshot();
  progress->BecomeProbe();
  RAFT_LOG(config_.logger, kDebug, Hex(id()), m.reject ? " snapshot failed" : " snapshot succeeded",
           ", resumed sending replication messages to ", Hex(m.from), " [",
           Describe(*progress, membership_.IsLearner(m.from)), "]");
  progress->Pause();
}

// Nobody may have told us how a transfer ended: a transport that forgets must not leave a follower
// behind for ever (etcd issue 10225). Called once in an election timeout.
void Raft::GiveUpOverdueSnapshots() {
  if (config_.snapshot_patience == 0) return;
  for (auto& [peer, progress] : leading_->progress) {
    if (progress.state() != ProgressState::kSnapshot) continue;
    if (progress.CountSnapshotWait() < config_.snapshot_patience) continue;
    GiveUpSnapshot(peer, progress);
  }
}

void Raft::GiveUpSnapshot(NodeId to, Progress& progress) {
  progress.AbortSnapshot();
  progress.BecomeProbe();
  progress.Pause();  // Until it is heard of again.
  RAFT_LOG(config_.logger, kWarn, Hex(id()), " gave up waiting for the snapshot sent to ", Hex(to),
           " [", Describe(progress, membership_.IsLearner(to)), "]");
}

// --- The follower's side ---

void Raft::OnSnapshot(const Message& m) {
  FollowSender(m);
  static const SnapshotMetadata kNothing;
  const SnapshotMetadata& metadata = m.snapshot != nullptr ? m.snapshot->metadata : kNothing;
  const bool restored = m.snapshot != nullptr && Restore(m.snapshot);
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " [commit: ", log_.committed(),
           restored ? "] restored" : "] ignored", " snapshot [index: ", metadata.index,
           ", term: ", metadata.term, "]");
  Send({.type = MessageType::kAppResp,
        .to = m.from,
        .index = restored ? log_.LastIndex() : log_.committed()});
}

// Takes over log position and configuration of a snapshot, unless it brings nothing new. Whether it
// did. Never lowers the commit index.
bool Raft::Restore(const SnapshotPtr& snapshot) {
  const SnapshotMetadata& metadata = snapshot->metadata;
  if (metadata.index <= log_.committed()) return false;
  absl::StatusOr<tracker::Config> config = confchange::FromConfState(metadata.conf_state);
  if (!config.ok() || !config->Tracks(id())) {
    RAFT_LOG(config_.logger, kWarn, Hex(id()),
             " attempted to restore snapshot but it is not in the ConfState ",
             raftpb::Describe(metadata.conf_state), "; should never happen");
    return false;
  }
  if (log_.Matches(metadata.id())) {
    // We have all that it stands for (Log Matching): keep the log, and learn that it is committed.
    RAFT_LOG(config_.logger, kInfo, Hex(id()), " [commit: ", log_.committed(),
             ", lastindex: ", log_.LastId().index, ", lastterm: ", log_.LastId().term,
             "] fast-forwarded commit to snapshot [index: ", metadata.index,
             ", term: ", metadata.term, "]");
    LearnCommit(metadata.index);
    return false;
  }
  log_.Restore(snapshot);
  membership_ = *std::move(config);
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " switched to configuration ", Describe(membership_));
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " [commit: ", log_.committed(),
           ", lastindex: ", log_.LastId().index, ", lastterm: ", log_.LastId().term,
           "] restored snapshot [index: ", metadata.index, ", term: ", metadata.term, "]");
  RecordTrace(TraceAction::kRestoreSnapshot);
  return true;
}

}  // namespace raft
