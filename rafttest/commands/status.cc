// status <node>: prints what a leader knows of everybody's log; nothing if the node does not lead.
#include "raft/status.h"

#include "absl/strings/str_cat.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status ShowStatus(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  const raft::Status status = node->core().GetStatus();
  for (const auto& [id, progress] : status.progress) {
    env.output().Print(
        absl::StrCat(id, ": ", Describe(progress, status.config.IsLearner(id)), "\n"));
  }
  return absl::OkStatus();
}

}  // namespace rafttest
