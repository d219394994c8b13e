#include "rafttest/confchange_env.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "raft/tracker/progress.h"
#include "rafttest/conf_change_notation.h"
#include "rafttest/numbers.h"
#include "rafttest/status_macros.h"

namespace rafttest {

namespace confchange = raft::confchange;
namespace tracker = raft::tracker;

absl::StatusOr<std::string> ConfchangeEnv::Handle(const Directive& directive) {
  absl::StatusOr<confchange::Outcome> outcome = Change(directive);
  const raft::Index next = std::max<raft::Index>(last_index_++, 1);
  if (IsScriptError(outcome.status())) return outcome.status();
  if (!outcome.ok()) return std::string(outcome.status().message());
  config_ = std::move(outcome->config);
  progress_.Reconcile(config_, outcome->joined, next);
  return Describe();
}

absl::StatusOr<confchange::Outcome> ConfchangeEnv::Change(const Directive& directive) const {
  RAFTTEST_ASSIGN_OR_RETURN(const auto changes, ParseConfChanges(directive.input));
  if (directive.command == "simple") return confchange::Simple(config_, changes);
  if (directive.command == "enter-joint") {
    bool auto_leave = false;
    if (const Argument* argument = directive.Find("autoleave")) {
      RAFTTEST_ASSIGN_OR_RETURN(auto_leave, BoolOf(*argument));
    }
    return confchange::EnterJoint(config_, auto_leave, changes);
  }
  if (directive.command == "leave-joint") {
    if (!changes.empty()) return absl::InvalidArgumentError("this command takes no input");
    return confchange::LeaveJoint(config_);
  }
  return absl::InvalidArgumentError("unknown command");
}

std::string ConfchangeEnv::Describe() const {
  std::string out = absl::StrCat(tracker::Describe(config_), "\n");
  for (const auto& [id, progress] : progress_) {
    absl::StrAppend(&out, id, ": ", tracker::Describe(progress, config_.IsLearner(id)), "\n");
  }
  return out;
}

}  // namespace rafttest
