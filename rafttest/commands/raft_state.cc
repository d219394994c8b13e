// raft-state: prints role, term and leader of every node.
#include "absl/strings/str_cat.h"
#include "raft/ready.h"
#include "raft/status.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status RaftState(InteractionEnv& env, const Directive& /*directive*/) {
  for (const auto& node : env.nodes()) {
    const raft::Status status = node->core().GetStatus();
    const bool voter = status.config.IsVoter(node->id());
    env.output().Print(absl::StrCat(node->id(), ": ", raft::Name(status.basic.soft_state.role),
                                    voter ? " (Voter)" : " (Non-Voter)",
                                    " Term:", status.basic.hard_state.term,
                                    " Lead:", status.basic.soft_state.lead, "\n"));
  }
  return absl::OkStatus();
}

}  // namespace rafttest
