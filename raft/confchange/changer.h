// The arithmetic of membership changes (thesis §4.1, §4.3): a configuration and the operations on
// it give the next configuration.
#ifndef RAFT_RAFT_CONFCHANGE_CHANGER_H_
#define RAFT_RAFT_CONFCHANGE_CHANGER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "raft/tracker/config.h"
#include "raftpb/conf_change.h"
#include "raftpb/conf_state.h"

namespace raft::confchange {

struct Outcome {
  tracker::Config config;
  // Whose progress starts anew: not tracked before, or left and came back.
  std::vector<NodeId> joined;
};

// All are pure. Errors (FailedPrecondition) have the texts of etcd/raft: "config is already joint",
// "can't make a zero-voter config joint", "can't leave a non-joint config", "can't apply simple
// config change in joint config", "more than one voter changed without entering joint config",
// "removed all voters". Operations apply in order to the incoming half; id kNone does nothing.

// At most one voter added or removed in effect (§4.1).
absl::StatusOr<Outcome> Simple(const tracker::Config& config,
                               absl::Span<const raftpb::ConfChangeSingle> changes);
// C_old to C_old,new with the operations applied to the new half (§4.3).
absl::StatusOr<Outcome> EnterJoint(const tracker::Config& config, bool auto_leave,
                                   absl::Span<const raftpb::ConfChangeSingle> changes);
// C_old,new to C_new.
absl::StatusOr<Outcome> LeaveJoint(const tracker::Config& config);

// Whichever of the three the change asks for.
absl::StatusOr<Outcome> Apply(const tracker::Config& config, const raftpb::ConfChangeV2& change);

// The configuration that a snapshot or storage describes. An error if it describes none: ids 0 or
// repeated, learners among the voters, no voters but other members, ... An entirely empty one is
// fine (a new group).
absl::StatusOr<tracker::Config> FromConfState(const raftpb::ConfState& state);

}  // namespace raft::confchange

#endif  // RAFT_RAFT_CONFCHANGE_CHANGER_H_
