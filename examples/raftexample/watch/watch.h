// One watch: which changes its client wants to hear of, and how far it has been told.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_H_

#include <cstdint>
#include <memory>
#include <string>

#include "examples/raftexample/mvcc/key_range.h"
#include "examples/raftexample/mvcc/record.h"
#include "examples/raftexample/proto/rpc.pb.h"
#include "examples/raftexample/watch/event_maker.h"
#include "examples/raftexample/watch/watch_event.h"

namespace raftexample {

struct Stream;

// Owned by its stream; shared with a pass that reads the past for it while no lock is held.
struct Watch : std::enable_shared_from_this<Watch> {
  // watch_hub.h says what they mean. kNone: new, or cancelled.
  enum class State { kNone, kSynced, kUnsynced, kSlow };

  Watch(Stream* of, int64_t watch_id, const etcdserverpb::WatchCreateRequest& request,
        int64_t first);

  KeyRange range() const { return {key, range_end}; }
  // Of a change of one of its keys: adds the event to `events`, unless the watch has been given it
  // or does not want it.
  bool MaybeGather(EventMaker& change);

  Stream* const stream;
  const int64_t id;
  const std::string key, range_end;
  const bool wants_puts, wants_deletes, wants_previous, wants_progress, may_split;

  // Both changed by WatchStates only.
  State state = State::kNone;
  // The first revision that it has not been given, or does not want to miss. While it is synced,
  // everything before what Notify() brings next has been given, and only a later `next` matters.
  int64_t next;

  bool heard = false;  // Got events since the last NotifyProgress().
  WatchEvents events;  // Gathered, and about to be queued.
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_H_
