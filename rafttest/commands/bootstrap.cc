// bootstrap <node> peers=(<id>,...): founds a group on a node that was added without membership.
#include <vector>

#include "raft/peer.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/numbers.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status Bootstrap(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  const Argument* const argument = directive.Find("peers");
  if (argument == nullptr) return ScriptError("needs peers=");
  std::vector<raft::Peer> peers;
  for (const std::string& value : argument->values) {
    RAFTTEST_ASSIGN_OR_RETURN(const raftpb::NodeId id, RequireNumber(value));
    peers.push_back({.id = id});
  }
  return node->core().Bootstrap(peers);
}

}  // namespace rafttest
