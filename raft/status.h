// What a server knows about itself and its peers, for people and dashboards.
#ifndef RAFT_RAFT_STATUS_H_
#define RAFT_RAFT_STATUS_H_

#include <utility>
#include <vector>

#include "raft/ready.h"
#include "raft/tracker/config.h"
#include "raft/tracker/progress.h"
#include "raft/types.h"
#include "raftpb/hard_state.h"

namespace raft {

// Costs no allocation.
struct BasicStatus {
  NodeId id = kNone;
  raftpb::HardState hard_state;
  SoftState soft_state;
  Index applied = 0;
  NodeId transferee = kNone;  // Where a leader is moving its office to, if it is.
};

// A copy; true at the moment it was taken.
struct Status {
  BasicStatus basic;
  tracker::Config config;
  // One for each tracked server, itself included, in ascending order; empty unless it leads.
  std::vector<std::pair<NodeId, tracker::Progress>> progress;
};

}  // namespace raft

#endif  // RAFT_RAFT_STATUS_H_
