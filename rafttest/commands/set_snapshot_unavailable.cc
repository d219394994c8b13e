// set-snapshot-unavailable <node> <bool>: while true, its storage has no snapshot to give.
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/numbers.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status SetSnapshotUnavailable(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  RAFTTEST_ASSIGN_OR_RETURN(const std::string word, WordAt(directive, 1));
  RAFTTEST_ASSIGN_OR_RETURN(const bool unavailable, RequireBool(word));
  node->storage().set_snapshot_unavailable(unavailable);
  return absl::OkStatus();
}

}  // namespace rafttest
