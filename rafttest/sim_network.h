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
      : servers_(servers),
        faults_(faults),
        cut_(servers * servers, false),
        clogged_(servers * servers, 0) {}

  // When copies of a message from one server to another arrive, as delays from now; none: it is
  // lost.
  void Deliveries(raft::NodeId from, const raftpb::Message& message, Random& random,
                  std::vector<SimTime>& delays) const;

  bool Reaches(raft::NodeId from, raft::NodeId to) const { return !cut_[Link(from, to)]; }

  void HealAll() {
    cut_.assign(cut_.size(), false);
    clogged_.assign(clogged_.size(), 0);
  }
  void Cut(raft::NodeId from, raft::NodeId to) { cut_[Link(from, to)] = true; }
  void Heal(raft::NodeId from, raft::NodeId to) { cut_[Link(from, to)] = false; }
  // What is sent while a link is clogged arrives when it is no more, in any order. At most so much
  // later: everything else about delays comes on top.
  void Clog(raft::NodeId from, raft::NodeId to, SimTime longest) {
    clogged_[Link(from, to)] = longest;
  }
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
  std::vector<SimTime> clogged_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SIM_NETWORK_H_
