// set-randomized-election-timeout <node> timeout=<ticks>: the timeout it would have drawn by
// chance, until it draws the next one: when it becomes follower, candidate or leader.
#include <cstdint>
#include <limits>

#include "raft/raft.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/numbers.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status SetRandomizedElectionTimeout(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  const Argument* const timeout = directive.Find("timeout");
  if (timeout == nullptr) return ScriptError("needs timeout=");
  RAFTTEST_ASSIGN_OR_RETURN(const uint64_t ticks, NumberOf(*timeout));
  if (ticks == 0 || ticks > std::numeric_limits<uint32_t>::max()) {
    return ScriptError("the timeout is out of range");
  }
  node->core().raft().SetRandomizedElectionTimeoutForTest(static_cast<uint32_t>(ticks));
  return absl::OkStatus();
}

}  // namespace rafttest
