// step <node> type=<MsgType> [from= term= log-term= index= commit= reject= reject-hint= context=
// entries=(<term>/<index>/<data>,...)]: delivers a message that the script has made up.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "raftpb/message.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/numbers.h"
#include "rafttest/status_macros.h"

namespace rafttest {
namespace {

using raftpb::Message;
using raftpb::MessageType;

absl::StatusOr<raftpb::Entry> ReadEntry(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('/', 2));
  if (parts.size() != 3) return ScriptError(absl::StrCat("not <term>/<index>/<data>: ", text));
  RAFTTEST_ASSIGN_OR_RETURN(const raftpb::Term term, RequireNumber(parts[0]));
  RAFTTEST_ASSIGN_OR_RETURN(const raftpb::Index index, RequireNumber(parts[1]));
  return raftpb::Entry{.term = term, .index = index, .data = absl::Cord(parts[2])};
}

absl::Status ReadEntries(const Argument& argument, Message& message) {
  for (const std::string& value : argument.values) {
    RAFTTEST_ASSIGN_OR_RETURN(raftpb::Entry entry, ReadEntry(value));
    message.entries.PushBack(std::move(entry));
  }
  return absl::OkStatus();
}

struct NumberField {
  absl::string_view key;
  uint64_t Message::*field;
};
constexpr NumberField kNumberFields[] = {
    {"from", &Message::from},         {"term", &Message::term},
    {"log-term", &Message::log_term}, {"index", &Message::index},
    {"commit", &Message::commit},     {"reject-hint", &Message::reject_hint},
};

absl::Status ReadField(const Argument& argument, Message& message) {
  if (argument.values.empty()) return absl::OkStatus();
  if (argument.key == "entries") return ReadEntries(argument, message);
  const std::string& value = argument.values.back();
  for (const NumberField& known : kNumberFields) {
    if (known.key != argument.key) continue;
    RAFTTEST_ASSIGN_OR_RETURN(message.*known.field, RequireNumber(value));
    return absl::OkStatus();
  }
  if (argument.key == "type") {
    RAFTTEST_ASSIGN_OR_RETURN(message.type, MessageTypeNamed(value));
  } else if (argument.key == "reject") {
    RAFTTEST_ASSIGN_OR_RETURN(message.reject, RequireBool(value));
  } else if (argument.key == "context") {
    message.context = absl::Cord(value);
  } else {
    return ScriptError(absl::StrCat("a message has no field ", argument.key));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status StepMessage(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  Message message = {.to = node->id()};
  for (const Argument& argument : directive.arguments) {
    RAFTTEST_RETURN_IF_ERROR(ReadField(argument, message));
  }
  if (message.type == MessageType::kSnap) message.snapshot = std::make_shared<raftpb::Snapshot>();
  return node->Deliver(message);
}

}  // namespace rafttest
