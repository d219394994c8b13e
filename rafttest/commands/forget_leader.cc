// forget-leader <node>: it takes its leader for dead. Whoever has none ignores that, without error.
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status ForgetLeader(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  node->core().ForgetLeader().IgnoreError();
  return absl::OkStatus();
}

}  // namespace rafttest
