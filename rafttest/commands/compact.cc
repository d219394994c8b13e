// compact <node> <index>: drops the stored entries up to the index, and prints the rest.
#include "absl/strings/str_cat.h"
#include "raft/types.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/commands/print_log.h"
#include "rafttest/numbers.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status Compact(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  RAFTTEST_ASSIGN_OR_RETURN(const std::string word, WordAt(directive, 1));
  RAFTTEST_ASSIGN_OR_RETURN(const raft::Index index, ParseNumber(word));
  if (index > node->storage().LastIndex()) {
    return ScriptError(absl::StrCat("the log ends at ", node->storage().LastIndex()));
  }
  RAFTTEST_RETURN_IF_ERROR(node->storage().Compact(index));
  PrintLog(*node, env.output());
  return absl::OkStatus();
}

}  // namespace rafttest
