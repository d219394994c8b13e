// What a scripted scenario may look at and do while a simulation runs.
#ifndef RAFT_RAFTTEST_STAGE_H_
#define RAFT_RAFTTEST_STAGE_H_

#include <cstddef>

#include "raft/raft.h"
#include "raft/types.h"
#include "raftpb/conf_change.h"
#include "rafttest/random.h"
#include "rafttest/sim_network.h"

namespace rafttest {

class Stage {
 public:
  virtual ~Stage() = default;

  virtual size_t size() const = 0;  // Servers are named by ids 1..size().
  // What runs on a server; null while it is down.
  virtual const raft::Raft* Core(raft::NodeId id) const = 0;
  // Of those that take themselves for the leader the one with the highest term; kNone if nobody
  // does.
  virtual raft::NodeId Leader() const = 0;
  virtual SimNetwork& network() = 0;

  // Those who are down hear of nothing.
  virtual void Crash(raft::NodeId id) = 0;
  virtual void Restart(raft::NodeId id) = 0;
  virtual void Campaign(raft::NodeId id) = 0;
  virtual void Propose(raft::NodeId id) = 0;
  virtual void Read(raft::NodeId id) = 0;
  virtual void Transfer(raft::NodeId from, raft::NodeId to) = 0;
  virtual void Change(raft::NodeId id, const raftpb::ConfChangeV2& change) = 0;

  // What the scenario is about has happened.
  virtual void Mark() = 0;
};

// Called once for each tick of simulated time, until everything heals.
class Script {
 public:
  virtual ~Script() = default;
  virtual void OnTick(Stage& stage, Random& random) = 0;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_STAGE_H_
