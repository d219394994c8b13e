// restart <node>: crashes it, and starts it anew with what is stored. What it said to itself is
// lost.
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status Restart(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  RAFTTEST_RETURN_IF_ERROR(node->Restart());
  env.network().LoseLocal(node->id());
  return absl::OkStatus();
}

}  // namespace rafttest
