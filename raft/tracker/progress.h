// What a leader knows about one follower's log, and how it feeds it (docs/replication.md).
#ifndef RAFT_RAFT_TRACKER_PROGRESS_H_
#define RAFT_RAFT_TRACKER_PROGRESS_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "raft/tracker/inflights.h"
#include "raft/types.h"

namespace raft::tracker {

enum class ProgressState : uint8_t {
  kProbe,      // Looks for the end of the common log: one append at a time.
  kReplicate,  // Found: appends are sent ahead of the answers, as far as the window goes.
  kSnapshot,   // Needs a snapshot, which is on its way: no appends meanwhile.
};

// Invariant at all times: match < next (etcd/raft issue 148).
class Progress {
 public:
  // A server that just joined: nothing is known, sending starts at `next`.
  Progress(Index next, uint32_t max_inflight_msgs, uint64_t max_inflight_bytes)
      : next_(next), inflights_(max_inflight_msgs, max_inflight_bytes) {}

  Index match() const { return match_; }  // The follower's durable log equals ours up to here.
  Index next() const { return next_; }    // The next append starts here.
  ProgressState state() const { return state_; }
  Index pending_snapshot() const { return pending_snapshot_; }  // Sent; 0 unless in kSnapshot.
  const Inflights& inflights() const { return inflights_; }

  // Heard of since the last quorum check, or just added (§6.2).
  bool recently_active() const { return recently_active_; }
  void set_recently_active(bool active) { recently_active_ = active; }

  // --- Changes of state. Each empties the window, ends the pause and clears the snapshot. ---

  void BecomeProbe();      // From kSnapshot: continues behind the snapshot if it may have arrived.
  void BecomeReplicate();  // Sending continues behind match.
  void BecomeSnapshot(Index snapshot);

  // The snapshot did not arrive: forgets it, so that BecomeProbe starts behind match.
  void AbortSnapshot() { pending_snapshot_ = 0; }

  // One more election timeout without a word about the snapshot. How many it is now.
  uint32_t CountSnapshotWait() { return ++snapshot_waits_; }

  // --- Sending ---

  // Whether no append may go out now: waiting for the answer to a probe, a full window, a snapshot.
  bool IsPaused() const { return flow_paused_ || state_ == ProgressState::kSnapshot; }
  void Pause() { flow_paused_ = true; }
  // Ends a pause that only a lost message could have made permanent (on a heartbeat response).
  void Resume() { flow_paused_ = false; }

  // An append with `entries` entries from next on, of `bytes` payload, has been sent.
  void SentEntries(uint64_t entries, uint64_t bytes);

  // Whether a message at `commit` would tell the follower something new: it was not sent this
  // commit index, and may hold entries that it newly covers.
  bool CanBumpCommit(Index commit) const {
    return commit > sent_commit_ && sent_commit_ < next_ - 1;
  }
  // A message with this commit index was sent.
  void SentCommit(Index commit) { sent_commit_ = commit; }

  // --- Answers ---

  // Everything up to `acked` is durable at the follower. Whether that is news: match moved.
  bool MaybeUpdate(Index acked) {
    if (acked <= match_) return false;
    match_ = acked;
    next_ = std::max(next_, acked + 1);
    flow_paused_ = false;
    return true;
  }
  // The follower refused an append that followed `rejected`, and suggests `hint` as a place where
  // logs may meet. Whether next moved back: false for a stale refusal. Never below match.
  bool MaybeDecreaseTo(Index rejected, Index hint);
  // Frees the window up to an acknowledged index.
  void FreeInflights(Index acked) { inflights_.FreeUpTo(acked); }

  // --- Becoming leader ---

  // The leader's view of itself: everything it has, always active.
  void ResetAsSelf(Index last);

 private:
  void ResetState(ProgressState state);

  Index match_ = 0;
  Index next_;
  Index sent_commit_ = 0;  // The highest commit index the follower was sent; at most next-1 counts.
  Index pending_snapshot_ = 0;
  uint32_t snapshot_waits_ = 0;  // Election timeouts in kSnapshot.
  ProgressState state_ = ProgressState::kProbe;
  bool recently_active_ = false;
  bool flow_paused_ = false;
  Inflights inflights_;
};

absl::string_view Name(ProgressState state);  // "StateProbe", ..

// `StateReplicate match=3 next=4 learner paused inflight=2[full]`
std::string Describe(const Progress& progress, bool is_learner);

}  // namespace raft::tracker

#endif  // RAFT_RAFT_TRACKER_PROGRESS_H_
