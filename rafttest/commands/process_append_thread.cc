// process-append-thread <node>...: does the oldest piece of work that waits for the thread that
// writes the log of each node.
#include "absl/status/status.h"
#include "rafttest/commands/commands.h"
#include "rafttest/commands/on_each_node.h"

namespace rafttest {

absl::Status ProcessAppendThread(InteractionEnv& env, const Directive& directive) {
  return OnEachNode(env, directive, "processing append thread", [&env](ScriptNode& node) {
    if (node.HasAppendWork()) return node.ProcessAppendWork(env.output(), env.network());
    env.output().Print("no append work to perform");
    return absl::OkStatus();
  });
}

}  // namespace rafttest
