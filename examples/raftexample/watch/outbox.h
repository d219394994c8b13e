// The responses on their way to one client: a queue with a bound, which never blocks.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_OUTBOX_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_OUTBOX_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "examples/raftexample/watch/watch_event.h"

namespace raftexample {

// Thread-safe. Whoever fills it asks for room first, under a lock of their own; what must be said
// in any case may be added without.
class Outbox {
 public:
  // `ready` tells the client's side that there is something again.
  Outbox(size_t max_bytes, size_t max_fragment_bytes, std::function<void()> ready)
      : max_bytes_(max_bytes), max_fragment_bytes_(max_fragment_bytes), ready_(std::move(ready)) {}

  bool HasRoom() const;
  bool IsHalfEmpty() const;
  bool IsEmpty() const;

  // True if the client waited for something: then Announce(), without any lock. A response that may
  // be split leaves in fragments of max_fragment_bytes, at least an event in each.
  bool Add(WatchOutput output, bool may_split = false);
  void Announce();

  // Nothing when there is nothing: the next Add() will say so.
  absl::optional<WatchOutput> Next();

  // `ready` is not called any more when it returns.
  void Close();

 private:
  struct Item {
    WatchOutput output;
    bool may_split;
  };

  static size_t BytesOf(const WatchOutput& output);
  WatchOutput CutOff(WatchOutput& output) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_bytes_;
  const size_t max_fragment_bytes_;

  mutable absl::Mutex mutex_;
  std::deque<Item> queue_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool waited_for_ ABSL_GUARDED_BY(mutex_) = true;

  absl::Mutex ready_mutex_;  // Held while `ready_` runs.
  std::function<void()> ready_ ABSL_GUARDED_BY(ready_mutex_);
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_OUTBOX_H_
