#include "rafttest/commands/on_each_node.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status OnEachNode(InteractionEnv& env, const Directive& directive, absl::string_view doing,
                        absl::FunctionRef<absl::Status(ScriptNode&)> action) {
  RAFTTEST_ASSIGN_OR_RETURN(const std::vector<ScriptNode*> nodes, NamedNodes(env, directive));
  if (nodes.size() == 1) return action(*nodes[0]);
  for (ScriptNode* node : nodes) {
    RAFTTEST_RETURN_IF_ERROR(UnderHeading(env, *node, doing, action));
  }
  return absl::OkStatus();
}

absl::Status UnderHeading(InteractionEnv& env, ScriptNode& node, absl::string_view doing,
                          absl::FunctionRef<absl::Status(ScriptNode&)> action) {
  env.output().Print(absl::StrCat("> ", node.id(), " ", doing, "\n"));
  absl::Status done;
  env.output().Indent([&] { done = action(node); });
  return done;
}

}  // namespace rafttest
