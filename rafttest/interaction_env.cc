#include "rafttest/interaction_env.h"

#include "absl/strings/str_cat.h"
#include "raftpb/describe.h"
#include "rafttest/commands/commands.h"

namespace rafttest {

using raftpb::Message;

absl::StatusOr<std::string> InteractionEnv::Handle(const Directive& directive) {
  const Command command = FindCommand(directive.command);
  const absl::Status done = command != nullptr ? command(*this, directive)
                                               : absl::InvalidArgumentError("unknown command");
  if (IsScriptError(done)) return done;
  std::string shown = output_.Take();
  absl::StrAppend(&shown, done.message());
  if (shown.empty()) return std::string("ok");
  return shown;
}

absl::StatusOr<ScriptNode*> InteractionEnv::Node(raftpb::NodeId id) const {
  if (id == raftpb::kNone || id > nodes_.size()) {
    return ScriptError(absl::StrCat("there is no node ", id));
  }
  return nodes_[id - 1].get();
}

size_t InteractionEnv::Deliver(ScriptNode& node, const MessageFilter& filter) {
  const std::vector<Message> messages = network_.Take(filter);
  for (const Message& message : messages) {
    output_.Print(absl::StrCat(raftpb::Describe(message), "\n"));
    const absl::Status taken = node.Deliver(message);
    if (!taken.ok()) output_.Print(absl::StrCat(taken.message(), "\n"));
  }
  return messages.size();
}

size_t InteractionEnv::Drop(const MessageFilter& filter) {
  const std::vector<Message> messages = network_.Take(filter);
  for (const Message& message : messages) {
    output_.Print(absl::StrCat("dropped: ", raftpb::Describe(message), "\n"));
  }
  return messages.size();
}

}  // namespace rafttest
