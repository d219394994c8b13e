// lose-entries <node> <index>: its disk loses the entries from the index on, which it had
// confirmed. The node finds out after a restart, if at all.
#include "raft/types.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/numbers.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status LoseEntries(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  RAFTTEST_ASSIGN_OR_RETURN(const std::string word, WordAt(directive, 1));
  RAFTTEST_ASSIGN_OR_RETURN(const raft::Index index, RequireNumber(word));
  const HistoryStorage& storage = node->storage();
  if (index < storage.FirstIndex() || index > storage.LastIndex()) {
    return ScriptError("it has no such entry");
  }
  node->storage().LoseEntriesFrom(index);
  return absl::OkStatus();
}

}  // namespace rafttest
