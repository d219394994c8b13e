// The messages of a scripted group that are on their way.
#ifndef RAFT_RAFTTEST_IN_FLIGHT_H_
#define RAFT_RAFTTEST_IN_FLIGHT_H_

#include <functional>
#include <vector>

#include "absl/types/optional.h"
#include "raftpb/ids.h"
#include "raftpb/message.h"

namespace rafttest {

// Whether a message never leaves the server: it is to itself, or from or to a storage thread. The
// network can do nothing to it.
bool StaysWithinServer(const raftpb::Message& message);

// Which messages a command is about.
struct MessageFilter {
  raftpb::NodeId to = raftpb::kNone;
  absl::optional<raftpb::MessageType> type;  // Only these, if given.
  bool spare_local = false;                  // Not those that stay within the server.

  bool Matches(const raftpb::Message& message) const;
};

// A network that loses, repeats and reorders nothing but what a script tells it to: one list, in
// the order of sending.
class InFlight {
 public:
  void Send(raftpb::Message message) { messages_.push_back(std::move(message)); }

  bool Has(const MessageFilter& filter) const;
  // Takes the messages out, in order.
  std::vector<raftpb::Message> Take(const MessageFilter& filter);
  // Sends each of them once more, behind everything. Returns the copies.
  std::vector<raftpb::Message> Duplicate(const MessageFilter& filter);
  // Reverses their order within the places that they have.
  void Reverse(const MessageFilter& filter);
  // Loses what a server said to itself and its threads: it crashed.
  void LoseLocal(raftpb::NodeId to);

 private:
  std::vector<raftpb::Message> messages_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_IN_FLIGHT_H_
