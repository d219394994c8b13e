// read-index <node> <word>: asks for a linearizable read, with the word as its context. The answer
// is in a Ready of the node.
#include "absl/strings/cord.h"
#include "raft/errors.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status ReadIndex(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  RAFTTEST_ASSIGN_OR_RETURN(const std::string context, WordAt(directive, 1));
  const absl::Status asked = node->core().ReadIndex(absl::Cord(context));
  // A read that cannot be answered is lost without an error, as in etcd/raft.
  return raft::IsProposalDropped(asked) ? absl::OkStatus() : asked;
}

}  // namespace rafttest
