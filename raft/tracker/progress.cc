#include "raft/tracker/progress.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "raft/check.h"

namespace raft::tracker {

// --- Changes of state ----------------------------------------------------------------------------

void Progress::ResetState(ProgressState state) {
  state_ = state;
  flow_paused_ = false;
  pending_snapshot_ = 0;
  snapshot_waits_ = 0;
  inflights_.Reset();
}

void Progress::BecomeProbe() {
  // If a snapshot was sent, it may have arrived: then the log continues behind it.
  const Index start = std::max(match_, pending_snapshot_);
  ResetState(ProgressState::kProbe);
  next_ = start + 1;
  sent_commit_ = std::min(sent_commit_, next_ - 1);
}

void Progress::BecomeReplicate() {
  ResetState(ProgressState::kReplicate);
  next_ = match_ + 1;
}

void Progress::BecomeSnapshot(Index snapshot) {
  ResetState(ProgressState::kSnapshot);
  pending_snapshot_ = snapshot;
  next_ = snapshot + 1;
  sent_commit_ = snapshot;
}

void Progress::ResetAsSelf(Index last) {
  ResetState(ProgressState::kReplicate);
  match_ = last;
  next_ = last + 1;
  recently_active_ = true;
}

// --- Sending -------------------------------------------------------------------------------------

void Progress::SentEntries(uint64_t entries, uint64_t bytes) {
  switch (state_) {
    case ProgressState::kReplicate:
      // Optimistic: if this one is lost, a rejection of the next takes us back.
      if (entries > 0) {
        next_ += entries;
        inflights_.Add(next_ - 1, bytes);
      }
      flow_paused_ = inflights_.Full();
      return;
    case ProgressState::kProbe:
      // One guess at a time. A message without entries is not repeated per proposal anyway.
      if (entries > 0) flow_paused_ = true;
      return;
    case ProgressState::kSnapshot:
      RAFT_CHECK(false) << "an append was sent while a snapshot is under way";
  }
}

// --- Answers -------------------------------------------------------------------------------------

bool Progress::MaybeDecreaseTo(Index rejected, Index hint) {
  if (state_ == ProgressState::kReplicate) {
    if (rejected <= match_) return false;  // From before the follower acknowledged that much.
    next_ = match_ + 1;
  } else {
    if (next_ - 1 != rejected) return false;  // Answers an earlier guess.
    next_ = std::max(std::min(rejected, hint + 1), match_ + 1);
    flow_paused_ = false;
  }
  sent_commit_ = std::min(sent_commit_, next_ - 1);
  return true;
}

// --- Words ---------------------------------------------------------------------------------------

absl::string_view Name(ProgressState state) {
  switch (state) {
    case ProgressState::kProbe: return "StateProbe";
    case ProgressState::kReplicate: return "StateReplicate";
    case ProgressState::kSnapshot: return "StateSnapshot";
  }
  return "StateUnknown";
}

std::string Describe(const Progress& progress, bool is_learner) {
  std::string out =
      absl::StrCat(Name(progress.state()), " match=", progress.match(), " next=", progress.next());
  if (is_learner) out += " learner";
  if (progress.IsPaused()) out += " paused";
  if (progress.pending_snapshot() != 0) {
    absl::StrAppend(&out, " pendingSnap=", progress.pending_snapshot());
  }
  if (!progress.recently_active()) out += " inactive";
  if (!progress.inflights().empty()) {
    absl::StrAppend(&out, " inflight=", progress.inflights().count(),
                    progress.inflights().Full() ? "[full]" : "");
  }
  return out;
}

}  // namespace raft::tracker
