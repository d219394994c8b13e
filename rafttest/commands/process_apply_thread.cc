// process-apply-thread <node>...: does the oldest piece of work that waits for the thread that
// applies entries of each node.
#include "absl/status/status.h"
#include "rafttest/commands/commands.h"
#include "rafttest/commands/on_each_node.h"

namespace rafttest {

absl::Status ProcessApplyThread(InteractionEnv& env, const Directive& directive) {
  return OnEachNode(env, directive, "processing apply thread", [&env](ScriptNode& node) {
    if (node.HasApplyWork()) return node.ProcessApplyWork(env.output(), env.network());
    env.output().Print("no apply work to perform");
    return absl::OkStatus();
  });
}

}  // namespace rafttest
