#include "examples/raftexample/watch/watch_states.h"

#include "examples/raftexample/watch/stream.h"

namespace raftexample {

void WatchStates::Move(Watch& watch, Watch::State to) {
  Leave(watch);
  Enter(watch, to);
}

void WatchStates::Move(Watch& watch, Watch::State to, int64_t next) {
  Leave(watch);  // Finds it among the unsynced by what `next` was.
  watch.next = next;
  Enter(watch, to);
}

void WatchStates::Leave(Watch& watch) {
  switch (watch.state) {
    case Watch::State::kNone: return;
    case Watch::State::kSynced: synced_.Remove(watch.range(), &watch); break;
    case Watch::State::kUnsynced:
      unsynced_.erase(&watch);
      --watch.stream->behind;
      break;
    case Watch::State::kSlow:
      watch.stream->slow.erase(&watch);
      --watch.stream->behind;
      --slow_;
      break;
  }
  if (watch.wants_progress) wanting_progress_.erase(&watch);
}

void WatchStates::Enter(Watch& watch, Watch::State state) {
  watch.state = state;
  switch (state) {
    case Watch::State::kNone: return;
    case Watch::State::kSynced: synced_.Add(watch.range(), &watch); break;
    case Watch::State::kUnsynced:
      unsynced_.insert(&watch);
      ++watch.stream->behind;
      break;
    case Watch::State::kSlow:
      watch.stream->slow.insert(&watch);
      ++watch.stream->behind;
      ++slow_;
      break;
  }
  if (watch.wants_progress) wanting_progress_.insert(&watch);
}

}  // namespace raftexample
