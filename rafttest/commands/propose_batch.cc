// propose-batch <node> <word>...: proposes one entry for each word; all are taken, or none.
#include <vector>

#include "absl/strings/cord.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status ProposeBatch(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  std::vector<absl::Cord> batch;
  for (size_t i = 1; i < directive.arguments.size(); ++i) {
    RAFTTEST_ASSIGN_OR_RETURN(const std::string data, WordAt(directive, i));
    batch.emplace_back(data);
  }
  return node->core().Propose(batch);
}

}  // namespace rafttest
