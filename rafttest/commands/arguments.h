// What commands read from their arguments. Anything missing or malformed is a script error.
#ifndef RAFT_RAFTTEST_COMMANDS_ARGUMENTS_H_
#define RAFT_RAFTTEST_COMMANDS_ARGUMENTS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "raftpb/message.h"
#include "rafttest/datadriven.h"
#include "rafttest/interaction_env.h"

namespace rafttest {

// The word at a position, counted from 0: an argument without a value.
absl::StatusOr<std::string> WordAt(const Directive& directive, size_t position);

// The node that the argument at a position names.
absl::StatusOr<ScriptNode*> NodeAt(const InteractionEnv& env, const Directive& directive,
                                   size_t position);

// The nodes that all arguments without a value name, in their order.
absl::StatusOr<std::vector<ScriptNode*>> NamedNodes(const InteractionEnv& env,
                                                    const Directive& directive);

// `MsgApp` and so on.
absl::StatusOr<raftpb::MessageType> MessageTypeNamed(absl::string_view name);

// The messages to the node that the first argument names, of the type that `type=` names if it is
// there; not those that stay within the server.
absl::StatusOr<MessageFilter> NetworkFilter(const InteractionEnv& env, const Directive& directive);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_COMMANDS_ARGUMENTS_H_
