// transfer-leadership from=<node> to=<node>: asks the one to hand its office to the other, or to
// pass the wish on to its leader.
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/numbers.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status TransferLeadership(InteractionEnv& env, const Directive& directive) {
  const Argument* const from = directive.Find("from");
  const Argument* const to = directive.Find("to");
  if (from == nullptr || to == nullptr) return ScriptError("needs from= and to=");
  RAFTTEST_ASSIGN_OR_RETURN(const raftpb::NodeId from_id, NumberOf(*from));
  RAFTTEST_ASSIGN_OR_RETURN(const raftpb::NodeId to_id, NumberOf(*to));
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, env.Node(from_id));
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const target, env.Node(to_id));
  return node->core().TransferLeadership(target->id());
}

}  // namespace rafttest
