// What a server must never forget (thesis Figure 3.1, "persistent state on all servers").
#ifndef RAFT_RAFTPB_HARD_STATE_H_
#define RAFT_RAFTPB_HARD_STATE_H_

#include "raftpb/ids.h"

namespace raftpb {

// Stored before anything that depends on it is said to a peer. The commit index is carried along
// as a hint for restarts; losing its newest value is harmless unless it commits a membership change
// (Ready::must_sync), losing term or vote never is (§3.8).
struct HardState {
  Term term = 0;
  NodeId vote = kNone;
  Index commit = 0;

  bool empty() const { return *this == HardState{}; }
  friend bool operator==(const HardState&, const HardState&) = default;
};

}  // namespace raftpb

#endif  // RAFT_RAFTPB_HARD_STATE_H_
