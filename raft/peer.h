// A server named when a group is founded.
#ifndef RAFT_RAFT_PEER_H_
#define RAFT_RAFT_PEER_H_

#include "absl/strings/cord.h"
#include "raft/types.h"

namespace raft {

struct Peer {
  NodeId id = kNone;
  absl::Cord context;  // Becomes the context of the configuration change that adds it.
};

}  // namespace raft

#endif  // RAFT_RAFT_PEER_H_
