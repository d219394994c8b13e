// campaign <node>: it campaigns without waiting for its timeout.
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status Campaign(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  return node->core().Campaign();
}

}  // namespace rafttest
