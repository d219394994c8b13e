// Who takes part in a group, as snapshots and storage keep it (thesis §4).
#ifndef RAFT_RAFTPB_CONF_STATE_H_
#define RAFT_RAFTPB_CONF_STATE_H_

#include <vector>

#include "raftpb/ids.h"

namespace raftpb {

// The membership at one log position. While voters_outgoing is not empty the configuration is
// joint (§4.3): decisions need a majority of both halves. The core writes the lists in ascending
// order; equality is that of the lists as they stand.
struct ConfState {
  std::vector<NodeId> voters;           // The incoming half; all voters when not joint.
  std::vector<NodeId> learners;         // Receive the log, never vote (§4.2.1).
  std::vector<NodeId> voters_outgoing;  // The outgoing half of a joint configuration.
  std::vector<NodeId> learners_next;    // Voters of the outgoing half, learners once it is left.
  bool auto_leave = false;              // Whether the leader leaves the joint state by itself.

  bool empty() const { return *this == ConfState{}; }
  friend bool operator==(const ConfState&, const ConfState&) = default;
};

}  // namespace raftpb

#endif  // RAFT_RAFTPB_CONF_STATE_H_
