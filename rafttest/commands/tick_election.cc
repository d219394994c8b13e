// tick-election <node>: lets as many ticks pass for it as its election timeout has at least.
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status TickElection(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  node->core().Tick(node->config().election_tick);
  return absl::OkStatus();
}

}  // namespace rafttest
