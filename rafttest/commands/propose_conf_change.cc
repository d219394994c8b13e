// propose-conf-change <node> [v1=<bool>] [transition=auto|implicit|explicit]: proposes the
// operations of the input as one change of membership. No operations: to leave a joint
// configuration. With v1 it is in the older format, which has exactly one operation.
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "raftpb/conf_change.h"
#include "raftpb/entry.h"
#include "raftpb/message.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/conf_change_notation.h"
#include "rafttest/numbers.h"
#include "rafttest/status_macros.h"

namespace rafttest {
namespace {

using raftpb::ConfChangeSingle;
using raftpb::ConfChangeTransition;
using raftpb::ConfChangeV2;

absl::StatusOr<ConfChangeTransition> TransitionNamed(absl::string_view name) {
  if (name == "auto") return ConfChangeTransition::kAuto;
  if (name == "implicit") return ConfChangeTransition::kJointImplicit;
  if (name == "explicit") return ConfChangeTransition::kJointExplicit;
  return absl::InvalidArgumentError(absl::StrCat("unknown transition ", name));
}

// The encodings below write zero fields, too, as etcd/raft's proposers do: the size of a proposal
// shows wherever there is a limit.
void AppendVarint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void AppendField(int number, uint64_t value, std::string& out) {
  out.push_back(static_cast<char>(number << 3));
  AppendVarint(value, out);
}

raftpb::Entry EntryOf(const ConfChangeV2& change) {
  std::string data;
  AppendField(1, static_cast<uint64_t>(change.transition), data);
  for (const ConfChangeSingle& operation : change.changes) {
    std::string nested;
    AppendField(1, static_cast<uint64_t>(operation.type), nested);
    AppendField(2, operation.node_id, nested);
    data.push_back(2 << 3 | 2);
    AppendVarint(nested.size(), data);
    data += nested;
  }
  return {.type = raftpb::EntryType::kConfChangeV2, .data = absl::Cord(data)};
}

raftpb::Entry EntryOf(const ConfChangeSingle& operation) {
  std::string data;
  AppendField(2, static_cast<uint64_t>(operation.type), data);
  AppendField(3, operation.node_id, data);
  return {.type = raftpb::EntryType::kConfChange, .data = absl::Cord(data)};
}

absl::StatusOr<raftpb::Entry> ReadChange(const Directive& directive) {
  bool v1 = false;
  ConfChangeV2 change;
  for (const Argument& argument : directive.arguments) {
    for (const std::string& value : argument.values) {
      if (argument.key == "v1") {
        RAFTTEST_ASSIGN_OR_RETURN(v1, ParseBool(value));
      } else if (argument.key == "transition") {
        RAFTTEST_ASSIGN_OR_RETURN(change.transition, TransitionNamed(value));
      } else {
        return absl::InvalidArgumentError(absl::StrCat("unknown command ", argument.key));
      }
    }
  }
  RAFTTEST_ASSIGN_OR_RETURN(change.changes, ParseConfChanges(directive.input));
  if (!v1) return EntryOf(change);
  if (change.changes.size() != 1 || change.transition != ConfChangeTransition::kAuto) {
    return absl::InvalidArgumentError(
        "v1 conf change can only have one operation and no transition");
  }
  return EntryOf(change.changes.front());
}

}  // namespace

absl::Status ProposeConfChange(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, NodeAt(env, directive, 0));
  RAFTTEST_ASSIGN_OR_RETURN(raftpb::Entry entry, ReadChange(directive));
  return node->core().StepLocal(
      {.type = raftpb::MessageType::kProp, .from = node->id(), .entries = {std::move(entry)}});
}

}  // namespace rafttest
