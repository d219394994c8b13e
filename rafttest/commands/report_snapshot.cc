// report-snapshot <node> <peer> status=finish|failure: tells the node how the transfer of a
// snapshot to the peer ended.
#include <string>
#include <vector>

#include "raft/raw_node.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

using Values = std::vector<std::string>;

absl::Status ReportSnapshot(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const peer, NodeAt(env, directive, 1));
  const Argument* const status = directive.Find("status");
  const bool finished = status != nullptr && status->values == Values{"finish"};
  const bool failed = status != nullptr && status->values == Values{"failure"};
  if (!finished && !failed) return ScriptError("needs status=finish or status=failure");
  node->core().ReportSnapshot(
      peer->id(), finished ? raft::SnapshotOutcome::kFinished : raft::SnapshotOutcome::kFailed);
  return absl::OkStatus();
}

}  // namespace rafttest
