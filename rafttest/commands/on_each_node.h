// What the process-... commands share: the same for each of several nodes.
#ifndef RAFT_RAFTTEST_COMMANDS_ON_EACH_NODE_H_
#define RAFT_RAFTTEST_COMMANDS_ON_EACH_NODE_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rafttest/datadriven.h"
#include "rafttest/interaction_env.h"

namespace rafttest {

// Does `action` for each node that the arguments name, up to the first error. If there are several,
// a heading stands above what each one shows.
absl::Status OnEachNode(InteractionEnv& env, const Directive& directive, absl::string_view doing,
                        absl::FunctionRef<absl::Status(ScriptNode&)> action);

// `action` for one node, under a heading and indented.
absl::Status UnderHeading(InteractionEnv& env, ScriptNode& node, absl::string_view doing,
                          absl::FunctionRef<absl::Status(ScriptNode&)> action);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_COMMANDS_ON_EACH_NODE_H_
