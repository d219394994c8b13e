// propose <node> <word>: proposes an entry with the bytes of the word.
#include "absl/strings/cord.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status Propose(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  RAFTTEST_ASSIGN_OR_RETURN(const std::string data, WordAt(directive, 1));
  if (directive.arguments.size() != 2) return ScriptError("needs a node and one word");
  return node->core().Propose(absl::Cord(data));
}

}  // namespace rafttest
