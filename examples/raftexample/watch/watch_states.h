// Which watches of all streams are in which state (watch_hub.h says what the states mean).
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_STATES_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_STATES_H_

#include <cstddef>
#include <cstdint>
#include <set>

#include "examples/raftexample/watch/watch.h"
#include "examples/raftexample/watch/watch_index.h"

namespace raftexample {

// Owns no watch: whoever is in a state other than kNone must live. The caller locks.
class WatchStates {
 public:
  // The only two that change the state of a watch, and the only one that changes its `next`: the
  // sets and the counts of the streams are always those of the states.
  void Move(Watch& watch, Watch::State to);
  void Move(Watch& watch, Watch::State to, int64_t next);

  const WatchIndex<Watch*>& synced() const { return synced_; }

  struct FurthestBehindFirst {
    bool operator()(const Watch* a, const Watch* b) const {
      return a->next != b->next ? a->next < b->next : a < b;
    }
  };
  using Unsynced = std::set<Watch*, FurthestBehindFirst>;
  const Unsynced& unsynced() const { return unsynced_; }

  // The slow ones are in their streams.
  size_t slow() const { return slow_; }

  // In whatever state but kNone: those that want to be told how far they are.
  const std::set<Watch*>& wanting_progress() const { return wanting_progress_; }

 private:
  void Leave(Watch& watch);
  void Enter(Watch& watch, Watch::State state);

  WatchIndex<Watch*> synced_;
  Unsynced unsynced_;
  size_t slow_ = 0;
  std::set<Watch*> wanting_progress_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_STATES_H_
