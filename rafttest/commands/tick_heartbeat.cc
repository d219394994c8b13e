// tick-heartbeat <node>: lets as many ticks pass for it as there are between two heartbeats.
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status TickHeartbeat(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  node->core().Tick(node->config().heartbeat_tick);
  return absl::OkStatus();
}

}  // namespace rafttest
