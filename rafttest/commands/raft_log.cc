// raft-log <node>: prints the stored entries.
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/commands/print_log.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status RaftLog(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  PrintLog(*node, env.output());
  return absl::OkStatus();
}

}  // namespace rafttest
