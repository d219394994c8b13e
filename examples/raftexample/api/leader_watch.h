// Ends the streams of clients who asked for it when this member has long had no leader.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_API_LEADER_WATCH_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_API_LEADER_WATCH_H_

#include <list>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/rpc/stream_call.h"

namespace raftexample {

// Thread-safe. Outlives the streams.
class LeaderWatch {
 public:
  using Streams = std::list<std::weak_ptr<rpc::StreamControl>>;

  void Add(const std::shared_ptr<rpc::StreamControl>& stream) {
    absl::MutexLock lock(&mutex_);
    streams_.push_back(stream);
  }

  // Three election timeouts without a leader have passed.
  void EndAll() {
    Streams ended;
    {
      absl::MutexLock lock(&mutex_);
      ended.swap(streams_);
    }
    for (const auto& stream : ended) {
      if (const auto alive = stream.lock()) alive->End(errors::kNoLeader);
    }
  }

  // Now and then: forgets the streams that have ended.
  void Sweep() {
    absl::MutexLock lock(&mutex_);
    streams_.remove_if([](const auto& stream) { return stream.expired(); });
  }

 private:
  absl::Mutex mutex_;
  Streams streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_API_LEADER_WATCH_H_
