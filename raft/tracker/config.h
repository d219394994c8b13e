// Who takes part in a group, as the core keeps it.
#ifndef RAFT_RAFT_TRACKER_CONFIG_H_
#define RAFT_RAFT_TRACKER_CONFIG_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "raft/quorum/joint.h"
#include "raft/quorum/rare_majority.h"
#include "raft/types.h"
#include "raftpb/conf_state.h"

namespace raft::tracker {

// The membership of a group (thesis §4). Invariants, kept by confchange/: no learner is a voter of
// either half; learners_next are voters of the outgoing half and nothing else; learners_next and
// auto_leave are empty unless the configuration is joint.
struct Config {
  quorum::Joint voters;
  quorum::RareMajority learners;       // A set; it never decides anything.
  quorum::RareMajority learners_next;  // Become learners when the joint configuration is left.
  bool auto_leave = false;             // The leader leaves the joint configuration by itself.

  bool joint() const { return !voters.outgoing.empty(); }
  bool HasOneVoter() const { return voters.incoming.size() == 1 && !joint(); }
  // In both halves, if there are two (a joint change of learners).
  bool IsOnlyVoter(NodeId id) const {
    const auto is_all_of = [id](const auto& ids) { return ids.size() == 1 && ids.contains(id); };
    return is_all_of(voters.incoming) && (!joint() || is_all_of(voters.outgoing));
  }
  bool IsVoter(NodeId id) const { return voters.contains(id); }
  bool IsLearner(NodeId id) const { return learners.contains(id); }
  // Everybody who gets the log: voters of both halves and learners.
  bool Tracks(NodeId id) const { return IsVoter(id) || IsLearner(id); }
  // Visits all of them once, ascending.
  void VisitTracked(absl::FunctionRef<void(NodeId)> visit) const;

  raftpb::ConfState ToConfState() const;

  friend bool operator==(const Config&, const Config&) = default;
};

std::string Describe(const Config& config);  // `voters=(1 2 3)&&(1 2) learners=(4) autoleave`

}  // namespace raft::tracker

#endif  // RAFT_RAFT_TRACKER_CONFIG_H_
