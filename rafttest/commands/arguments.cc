#include "rafttest/commands/arguments.h"

#include "absl/strings/str_cat.h"
#include "raftpb/describe.h"
#include "rafttest/numbers.h"
#include "rafttest/status_macros.h"

namespace rafttest {

using raftpb::MessageType;

absl::StatusOr<std::string> WordAt(const Directive& directive, size_t position) {
  if (position >= directive.arguments.size()) {
    return ScriptError(absl::StrCat("needs more than ", position, " arguments"));
  }
  const Argument& argument = directive.arguments[position];
  if (!argument.values.empty()) {
    return ScriptError(absl::StrCat("needs a word, but ", argument.key, " has a value"));
  }
  return argument.key;
}

absl::StatusOr<ScriptNode*> NodeAt(const InteractionEnv& env, const Directive& directive,
                                   size_t position) {
  RAFTTEST_ASSIGN_OR_RETURN(const std::string word, WordAt(directive, position));
  RAFTTEST_ASSIGN_OR_RETURN(const raftpb::NodeId id, RequireNumber(word));
  return env.Node(id);
}

absl::StatusOr<std::vector<ScriptNode*>> NamedNodes(const InteractionEnv& env,
                                                    const Directive& directive) {
  std::vector<ScriptNode*> nodes;
  for (const Argument& argument : directive.arguments) {
    if (!argument.values.empty()) continue;
    RAFTTEST_ASSIGN_OR_RETURN(const raftpb::NodeId id, RequireNumber(argument.key));
    RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, env.Node(id));
    nodes.push_back(node);
  }
  return nodes;
}

absl::StatusOr<MessageType> MessageTypeNamed(absl::string_view name) {
  for (auto type = MessageType::kHup; type <= MessageType::kForgetLeader;
       type = static_cast<MessageType>(static_cast<int32_t>(type) + 1)) {
    if (raftpb::Name(type) == name) return type;
  }
  return ScriptError(absl::StrCat("unknown message type ", name));
}

absl::StatusOr<MessageFilter> NetworkFilter(const InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(const ScriptNode* const node, NodeAt(env, directive, 0));
  MessageFilter filter = {.to = node->id(), .spare_local = true};
  if (const Argument* argument = directive.Find("type");
      argument != nullptr && !argument->values.empty()) {
    RAFTTEST_ASSIGN_OR_RETURN(filter.type, MessageTypeNamed(argument->values.back()));
  }
  return filter;
}

}  // namespace rafttest
