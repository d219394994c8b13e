// reorder-msgs <node>: turns the order of what is on its way to the node round.
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status ReorderMsgs(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(const MessageFilter filter, NetworkFilter(env, directive));
  if (!env.network().Has(filter)) env.output().Print("no messages");
  env.network().Reverse(filter);
  return absl::OkStatus();
}

}  // namespace rafttest
