// Room: membership. Who takes part, from when on (§4; docs/membership.md).
// Changes: the configuration, and who has progress. A change takes effect when its entry is
// applied, not when it is appended as in §4.1.
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/confchange/changer.h"
#include "raft/raft.h"
#include "raftpb/describe.h"

namespace raft {

using raftpb::Hex;

absl::StatusOr<raftpb::ConfState> Raft::ApplyConfChange(const raftpb::ConfChangeV2& change) {
  absl::StatusOr<confchange::Outcome> outcome = confchange::Apply(membership_, change);
  if (!outcome.ok()) return outcome.status();
  membership_ = std::move(outcome->config);
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " switched to configuration ", Describe(membership_));
  RecordTrace(TraceAction::kConfigChange);
  if (leading_) LeadUnderNewMembership(outcome->joined);
  return membership_.ToConfState();
}

void Raft::LeadUnderNewMembership(absl::Span<const NodeId> joined) {
  leading_->progress.Reconcile(membership_, joined, log_.LastIndex());
  leading_->news.SomebodyJoins();
  leading_->lease_until = 0;  // Others may elect from now on than those who gave it.
  if (!membership_.IsVoter(id())) {
    if (config_.step_down_on_removal) LeaveOffice();
    return;
  }
  // A smaller quorum may have what the larger one lacked.
  if (!config_.immediate_sends) ReleaseConfirmedReads();
  if (MaybeCommit()) {
    BroadcastAppend();
  } else {
    for (auto& [peer, progress] : leading_->progress) {
      if (peer != id()) SendEntriesIfAny(peer, progress);
    }
  }
  if (leading_->transferee != kNone && !membership_.IsVoter(leading_->transferee)) {
    leading_->transferee = kNone;
  }
}

// Whether a configuration change is committed here but not in force yet.
bool Raft::HasUnappliedConfChange() const {
  return log_.HasConfChangeIn({log_.applied() + 1, log_.committed() + 1});
}

// Whoever leads when the change into a joint configuration is applied leads the way out of it
// (§4.3; etcd issues 12136, 14538). Proposed again by each leader, and never twice by one: until it
// is applied it is the last pending change.
void Raft::MaybeLeaveJoint() {
  if (!leading_ || !membership_.auto_leave) return;
  if (log_.applied() < leading_->pending_conf_index) return;
  raftpb::Message leave = {.type = raftpb::MessageType::kProp,
                           .from = id(),
                           .entries = {raftpb::Entry{.type = raftpb::EntryType::kConfChangeV2}}};
  if (absl::Status proposed = Step(leave); !proposed.ok()) {
    RAFT_LOG(config_.logger, kDebug,
             "not initiating automatic transition out of joint configuration ",
             Describe(membership_), ": ", proposed.message());
    return;
  }
  RAFT_LOG(config_.logger, kInfo, "initiating automatic transition out of joint configuration ",
           Describe(membership_));
}

}  // namespace raft
