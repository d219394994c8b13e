// What one host says to another: the messages of all groups that both have a server of.
#ifndef RAFT_RAFT_HOST_HOST_MESSAGE_H_
#define RAFT_RAFT_HOST_HOST_MESSAGE_H_

#include <cstdint>
#include <vector>

#include "raft/types.h"
#include "raftpb/message.h"

namespace raft {

// Names a group, the same on all hosts. Any number.
using GroupId = uint64_t;

// Names a host. HostOptions says which servers live on which.
using HostId = uint64_t;

// A heartbeat that carries no read, or the answer to one: forty bytes instead of a message.
struct Beat {
  enum class Kind : uint8_t {
    kHeartbeat,   // MsgHeartbeat.
    kSleep,       // The same, and: the leader sleeps now; sleep if your log ends at `commit`.
    kResponse,    // MsgHeartbeatResp.
    kStaysAwake,  // The same, to kSleep: this follower has something to do, or to learn.
    kWakeUp,      // The sender has no server of the group any more. Only `group` and `from`.
  };

  GroupId group = 0;
  NodeId from = kNone;
  NodeId to = kNone;
  Term term = 0;
  Index commit = 0;
  Kind kind = Kind::kHeartbeat;

  friend bool operator==(const Beat&, const Beat&) = default;
};

struct GroupMessage {
  GroupId group = 0;
  raftpb::Message message;
};

// One without beats and messages is a pulse: the host lives. A transport may lose, repeat and delay
// host messages, like those of a group; it must make sure that `from` is who it claims to be.
struct HostMessage {
  HostId from = 0;
  HostId to = 0;
  uint64_t life = 0;  // Of the sender: HostOptions::life.
  std::vector<Beat> beats;
  std::vector<GroupMessage> messages;

  bool empty() const { return beats.empty() && messages.empty(); }
};

}  // namespace raft

#endif  // RAFT_RAFT_HOST_HOST_MESSAGE_H_
