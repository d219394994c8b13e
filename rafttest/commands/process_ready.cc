// process-ready <node>...: does what the next Ready of each node asks for.
#include "absl/status/status.h"
#include "rafttest/commands/commands.h"
#include "rafttest/commands/on_each_node.h"

namespace rafttest {

absl::Status ProcessReady(InteractionEnv& env, const Directive& directive) {
  return OnEachNode(env, directive, "handling Ready", [&env](ScriptNode& node) {
    return node.ProcessReady(env.output(), env.network());
  });
}

}  // namespace rafttest
