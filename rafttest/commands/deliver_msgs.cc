// deliver-msgs <node>... [drop=(<node>,...)] [type=<MsgType>]: delivers what is on its way to the
// nodes, one node after the other, and loses what is on its way to those in drop. With a type only
// messages of that type; the rest stays on its way.
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "raftpb/message.h"
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/numbers.h"
#include "rafttest/status_macros.h"

namespace rafttest {

namespace {

struct Recipient {
  raftpb::NodeId id = raftpb::kNone;
  bool drop = false;
};

struct Order {
  std::vector<Recipient> recipients;
  absl::optional<raftpb::MessageType> type;
};

absl::Status AddRecipient(absl::string_view word, bool drop, std::vector<Recipient>& recipients) {
  RAFTTEST_ASSIGN_OR_RETURN(const raftpb::NodeId id, RequireNumber(word));
  for (const Recipient& other : recipients) {
    if (other.id == id && other.drop != drop) {
      return ScriptError(absl::StrCat("cannot both deliver to ", id, " and drop"));
    }
  }
  recipients.push_back({id, drop});
  return absl::OkStatus();
}

absl::StatusOr<Order> ReadOrder(const Directive& directive) {
  Order order;
  for (const Argument& argument : directive.arguments) {
    if (argument.values.empty()) {
      RAFTTEST_RETURN_IF_ERROR(AddRecipient(argument.key, /*drop=*/false, order.recipients));
    }
    for (const std::string& value : argument.values) {
      if (argument.key == "drop") {
        RAFTTEST_RETURN_IF_ERROR(AddRecipient(value, /*drop=*/true, order.recipients));
      } else if (argument.key == "type") {
        RAFTTEST_ASSIGN_OR_RETURN(order.type, MessageTypeNamed(value));
      }
    }
  }
  return order;
}

}  // namespace

absl::Status DeliverMsgs(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(const Order order, ReadOrder(directive));
  size_t handled = 0;
  for (const Recipient& recipient : order.recipients) {
    const MessageFilter filter = {
        .to = recipient.id, .type = order.type, .spare_local = recipient.drop};
    if (recipient.drop) {
      handled += env.Drop(filter);
      continue;
    }
    RAFTTEST_ASSIGN_OR_RETURN(ScriptNode* const node, env.Node(recipient.id));
    handled += env.Deliver(*node, filter);
  }
  if (handled == 0) env.output().Print("no messages");
  return absl::OkStatus();
}

}  // namespace rafttest
