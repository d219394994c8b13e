// send-snapshot <node> <peer>: sends the newest snapshot of the node, behind the back of its core.
#include <utility>

#include "raftpb/describe.h"
#include "raftpb/message.h"
#include "raftpb/snapshot.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status SendSnapshot(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const peer, NodeAt(env, directive, 1));
  absl::StatusOr<raftpb::SnapshotPtr> snapshot = node->storage().Snapshot();
  if (!snapshot.ok()) return absl::OkStatus();  // None to be had at the moment.
  raftpb::Message message = {.type = raftpb::MessageType::kSnap,
                             .to = peer->id(),
                             .from = node->id(),
                             .term = node->core().GetBasicStatus().hard_state.term,
                             .snapshot = *std::move(snapshot)};
  env.output().Print(raftpb::Describe(message));
  env.network().Send(std::move(message));
  return absl::OkStatus();
}

}  // namespace rafttest
