// dup-msgs <node> [type=<MsgType>]: sends what is on its way to the node once more.
#include <vector>

#include "absl/strings/str_cat.h"
#include "raftpb/describe.h"
#include "raftpb/message.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status DupMsgs(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(const MessageFilter filter, NetworkFilter(env, directive));
  const std::vector<raftpb::Message> copies = env.network().Duplicate(filter);
  for (const raftpb::Message& copy : copies) {
    env.output().Print(absl::StrCat("duplicated: ", raftpb::Describe(copy), "\n"));
  }
  if (copies.empty()) env.output().Print("no messages");
  return absl::OkStatus();
}

}  // namespace rafttest
