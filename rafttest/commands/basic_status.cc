// basic-status <node>: prints what the node knows of itself.
#include "absl/strings/str_cat.h"
#include "raft/ready.h"
#include "raft/status.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status ShowBasicStatus(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  const raft::BasicStatus status = node->core().GetBasicStatus();
  env.output().Print(absl::StrCat(
      "id=", status.id, " term=", status.hard_state.term, " vote=", status.hard_state.vote,
      " commit=", status.hard_state.commit, " applied=", status.applied,
      " lead=", status.soft_state.lead, " state=", raft::Name(status.soft_state.role),
      " transferee=", status.transferee));
  return absl::OkStatus();
}

}  // namespace rafttest
