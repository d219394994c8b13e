// The wires between simulated servers: who reaches whom, and how late.
#ifndef RAFT_RAFTTEST_SIM_NETWORK_H_
#define RAFT_RAFTTEST_SIM_NETWORK_H_

#include <cstdint>
#include <vector>

#include "raft/types.h"
#include "raftpb/message.h"
#include "rafttest/faults.h"
#include "rafttest/random.h"

namespace rafttest {

class SimNetwork {
 public:
  SimNetwork(size_t servers, const Faults& faults)
      : servers_(servers), faults_(faults), cut_(servers * servers, false) {}

  // When copies of a message from one server to another arrive, as delays from now; none: it is
  // lost.
  void Deliveries(raft::NodeId from, raft::NodeId to, Random& random,
                  std::vector<SimTime>& delays) const;

  bool Reaches(raft::NodeId from, raft::NodeId to) const { return !cut_[Link(from, to)]; }

  void HealAll() { cut_.assign(cut_.size(), false); }
  void Cut(raft::NodeId from, raft::NodeId to) { cut_[Link(from, to)] = true; }
  // Cuts some links, in one of the shapes that are known to be hard. Says which.
  const char* CutSome(Random& random, raft::NodeId leader);

 private:
  size_t Link(raft::NodeId from, raft::NodeId to) const { return (from - 1) * servers_ + (to - 1); }
  void CutBoth(raft::NodeId a, raft::NodeId b) {
    Cut(a, b);
    Cut(b, a);
  }

  size_t servers_;
  const Faults& faults_;
  std::vector<bool> cut_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SIM_NETWORK_H_
