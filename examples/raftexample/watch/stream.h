// What the hub remembers of one client's stream.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_STREAM_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "examples/raftexample/watch/outbox.h"
#include "examples/raftexample/watch/watch.h"

namespace raftexample {

// Guarded by the hub's lock, but for the outbox, which has its own.
struct Stream {
  explicit Stream(std::shared_ptr<Outbox> o) : outbox(std::move(o)) {}

  // For a client that leaves the choice to us: not in use, and never chosen before.
  int64_t ChooseId() {
    while (watches.count(next_id) > 0) ++next_id;
    return next_id++;
  }

  const std::shared_ptr<Outbox> outbox;
  // By ID. Those that a compaction ended are among them until the client cancels them, too.
  std::map<int64_t, std::shared_ptr<Watch>> watches;
  int64_t next_id = 0;
  bool progress_requested = false;

  // Both changed by WatchStates only.
  std::set<Watch*> slow;
  size_t behind = 0;  // Watches that are unsynced or slow.
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_STREAM_H_
