// report-unreachable <node> <peer>: tells the node that the peer did not get what was sent.
#include <vector>

#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status ReportUnreachable(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(const std::vector<ScriptNode*> nodes, NamedNodes(env, directive));
  if (nodes.size() != 2) {
    return absl::InvalidArgumentError(
        "must specify exactly two node indexes: node on which to report, and reported node");
  }
  nodes[0]->core().ReportUnreachable(nodes[1]->id());
  return absl::OkStatus();
}

}  // namespace rafttest
