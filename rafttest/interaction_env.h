// Scripts about whole groups: nodes, the network between them, and time, all moved by hand.
#ifndef RAFT_RAFTTEST_INTERACTION_ENV_H_
#define RAFT_RAFTTEST_INTERACTION_ENV_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "raftpb/ids.h"
#include "raftpb/message.h"
#include "rafttest/datadriven.h"
#include "rafttest/in_flight.h"
#include "rafttest/script_node.h"
#include "rafttest/script_output.h"

namespace rafttest {

// Executes the commands of rafttest/commands/. Nothing happens unless a command makes it happen: a
// script is a complete schedule, and gives the same output every time.
class InteractionEnv {
 public:
  // What the command shows, in the end its error, or `ok` if that is nothing. Fails only for
  // mistakes of the script.
  absl::StatusOr<std::string> Handle(const Directive& directive);

  // --- For commands ---

  ScriptOutput& output() { return output_; }
  InFlight& network() { return network_; }

  // The nodes: number k of the vector is the server with id k+1. None is ever removed.
  const std::vector<std::unique_ptr<ScriptNode>>& nodes() const { return nodes_; }
  void Add(std::unique_ptr<ScriptNode> node) { nodes_.push_back(std::move(node)); }
  // A script error if there is no such node.
  absl::StatusOr<ScriptNode*> Node(raftpb::NodeId id) const;

  // Takes messages to a node out of flight, prints them, and hands them to its core one by one,
  // printing the errors. Returns how many there were.
  size_t Deliver(ScriptNode& node, const MessageFilter& filter);
  // Takes them out and prints them, and that is all. The node need not exist.
  size_t Drop(const MessageFilter& filter);

 private:
  ScriptOutput output_;
  InFlight network_;
  std::vector<std::unique_ptr<ScriptNode>> nodes_;  // After output_, which they log to.
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_INTERACTION_ENV_H_
