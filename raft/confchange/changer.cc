#include "raft/confchange/changer.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "raft/quorum/joint.h"
#include "raft/quorum/majority.h"

namespace raft::confchange {
namespace {

using quorum::Majority;
using raftpb::ConfChangeSingle;
using raftpb::ConfChangeType;
using tracker::Config;

absl::Status Refused(absl::string_view why) { return absl::FailedPreconditionError(why); }

// An address of a storage thread is not the name of a server.
bool IsReserved(NodeId id) { return id == kLocalAppendThread || id == kLocalApplyThread; }

// Applies operations to the incoming half of a configuration, one after the other, and keeps book
// of whose progress is lost on the way: somebody who is not tracked after one operation and comes
// back with a later one starts anew.
class Operations {
 public:
  explicit Operations(Config config) { outcome_.config = std::move(config); }

  absl::Status Apply(absl::Span<const ConfChangeSingle> changes) {
    for (const ConfChangeSingle& change : changes) {
      if (change.node_id == kNone) continue;
      if (absl::Status status = Apply(change); !status.ok()) return status;
    }
    if (incoming().empty()) return Refused("removed all voters");
    return absl::OkStatus();
  }

  Outcome Finish() { return std::move(outcome_); }

 private:
  absl::Status Apply(const ConfChangeSingle& change) {
    if (IsReserved(change.node_id)) {
      return Refused(absl::StrCat("node id ", change.node_id, " is reserved"));
    }
    switch (change.type) {
      case ConfChangeType::kAddNode: MakeVoter(change.node_id); return absl::OkStatus();
      case ConfChangeType::kAddLearnerNode: MakeLearner(change.node_id); return absl::OkStatus();
      case ConfChangeType::kRemoveNode: Remove(change.node_id); return absl::OkStatus();
      case ConfChangeType::kUpdateNode: return absl::OkStatus();
    }
    return Refused(absl::StrCat("unexpected conf change type ", static_cast<int32_t>(change.type)));
  }

  void MakeVoter(NodeId id) {
    Track(id);
    config().learners.Erase(id);
    config().learners_next.Erase(id);
    incoming().Insert(id);
  }

  // A voter of the outgoing half keeps its vote until that half is gone, and a learner has none:
  // it becomes one only then.
  void MakeLearner(NodeId id) {
    Track(id);
    incoming().Erase(id);
    if (config().voters.outgoing.contains(id)) {
      config().learners_next.Insert(id);
    } else {
      config().learners.Insert(id);
    }
  }

  void Remove(NodeId id) {
    incoming().Erase(id);
    config().learners.Erase(id);
    config().learners_next.Erase(id);
    if (!config().Tracks(id)) Untrack(id);
  }

  void Track(NodeId id) {
    if (!config().Tracks(id)) outcome_.joined.push_back(id);
  }

  void Untrack(NodeId id) {
    auto& joined = outcome_.joined;
    joined.erase(std::remove(joined.begin(), joined.end(), id), joined.end());
  }

  Config& config() { return outcome_.config; }
  Majority& incoming() { return outcome_.config.voters.incoming; }

  Outcome outcome_;
};

// How many are a voter in one of the two configurations, but not in the other.
size_t Difference(const Majority& a, const Majority& b) {
  const auto only_in = [](const Majority& x, const Majority& y) {
    return std::count_if(x.begin(), x.end(), [&y](NodeId id) { return !y.contains(id); });
  };
  return only_in(a, b) + only_in(b, a);
}

}  // namespace

absl::StatusOr<Outcome> Simple(const Config& config, absl::Span<const ConfChangeSingle> changes) {
  if (config.joint()) return Refused("can't apply simple config change in joint config");
  Operations operations(config);
  if (absl::Status status = operations.Apply(changes); !status.ok()) return status;
  Outcome outcome = operations.Finish();
  if (Difference(config.voters.incoming, outcome.config.voters.incoming) > 1) {
    return Refused("more than one voter changed without entering joint config");
  }
  return outcome;
}

absl::StatusOr<Outcome> EnterJoint(const Config& config, bool auto_leave,
                                   absl::Span<const ConfChangeSingle> changes) {
  if (config.joint()) return Refused("config is already joint");
  if (config.voters.incoming.empty()) return Refused("can't make a zero-voter config joint");
  Config joint = config;
  joint.voters.outgoing = joint.voters.incoming;
  joint.auto_leave = auto_leave;
  Operations operations(std::move(joint));
  if (absl::Status status = operations.Apply(changes); !status.ok()) return status;
  return operations.Finish();
}

absl::StatusOr<Outcome> LeaveJoint(const Config& config) {
  if (!config.joint()) return Refused("can't leave a non-joint config");
  Outcome outcome{.config = config, .joined = {}};
  Config& left = outcome.config;
  for (NodeId id : left.learners_next) left.learners.Insert(id);
  left.learners_next.Clear();
  left.voters.outgoing.Clear();
  left.auto_leave = false;
  return outcome;
}

absl::StatusOr<Outcome> Apply(const Config& config, const raftpb::ConfChangeV2& change) {
  switch (change.transition) {
    case raftpb::ConfChangeTransition::kAuto:
    case raftpb::ConfChangeTransition::kJointImplicit:
    case raftpb::ConfChangeTransition::kJointExplicit: break;
    default:
      return Refused(absl::StrCat("unexpected conf change transition ",
                                  static_cast<int32_t>(change.transition)));
  }
  if (change.LeavesJoint()) return LeaveJoint(config);
  if (change.EntersJoint()) return EnterJoint(config, change.AutoLeaves(), change.changes);
  return Simple(config, change.changes);
}

// --- FromConfState -------------------------------------------------------------------------------

namespace {

absl::Status Inconsistent(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("not a configuration: ", what));
}

absl::Status CheckIds(absl::string_view list, const std::vector<NodeId>& ids) {
  std::vector<NodeId> sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] == kNone) return Inconsistent(absl::StrCat(list, " has the id 0"));
    if (IsReserved(sorted[i])) {
      return Inconsistent(absl::StrCat(list, " has the reserved id ", sorted[i]));
    }
    if (i > 0 && sorted[i] == sorted[i - 1]) {
      return Inconsistent(absl::StrCat(list, " has the id ", sorted[i], " twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckIds(const raftpb::ConfState& state) {
  const std::pair<absl::string_view, const std::vector<NodeId>*> lists[] = {
      {"voters", &state.voters},
      {"voters_outgoing", &state.voters_outgoing},
      {"learners", &state.learners},
      {"learners_next", &state.learners_next}};
  for (const auto& [name, ids] : lists) {
    if (absl::Status status = CheckIds(name, *ids); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// The invariants of tracker::Config.
absl::Status CheckInvariants(const Config& config) {
  static const Config& none = *new Config();
  const bool empty = config == none;
  if (config.voters.incoming.empty() && !empty) return Inconsistent("there are no voters");
  for (NodeId id : config.learners) {
    if (config.IsVoter(id)) {
      return Inconsistent(absl::StrCat("the learner ", id, " is a voter too"));
    }
  }
  for (NodeId id : config.learners_next) {
    if (!config.voters.outgoing.contains(id)) {
      return Inconsistent(absl::StrCat("the learner-to-be ", id, " is no outgoing voter"));
    }
    if (config.voters.incoming.contains(id)) {
      return Inconsistent(absl::StrCat("the learner-to-be ", id, " is an incoming voter too"));
    }
  }
  if (config.auto_leave && !config.joint()) {
    return Inconsistent("auto_leave is set, but it is not joint");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Config> FromConfState(const raftpb::ConfState& state) {
  if (absl::Status status = CheckIds(state); !status.ok()) return status;
  Config config{
      .voters = {.incoming = Majority(state.voters), .outgoing = Majority(state.voters_outgoing)},
      .learners = Majority(state.learners),
      .learners_next = Majority(state.learners_next),
      .auto_leave = state.auto_leave};
  if (absl::Status status = CheckInvariants(config); !status.ok()) return status;
  return config;
}

}  // namespace raft::confchange
