// The thread on which watches that are behind catch up.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_WATCH_SYNCER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_WATCH_SYNCER_H_

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "examples/raftexample/watch/watch_hub.h"

namespace raftexample {

// Woken by the hub (WatchHub::Options::wake), from any thread, also before Start: the hub is made
// first.
class WatchSyncer {
 public:
  ~WatchSyncer() { Stop(); }

  void Start(WatchHub* hub) {
    thread_ = std::thread([this, hub] {
      while (WaitForWork()) {
        while (hub->SyncSome() && !Stopping()) {
        }
      }
    });
  }

  void Wake() {
    absl::MutexLock lock(&mutex_);
    woken_ = true;
    wake_.Signal();
  }

  void Stop() {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
      wake_.Signal();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  bool WaitForWork() {
    absl::MutexLock lock(&mutex_);
    while (!woken_ && !stopping_) wake_.Wait(&mutex_);
    woken_ = false;
    return !stopping_;
  }
  bool Stopping() const {
    absl::MutexLock lock(&mutex_);
    return stopping_;
  }

  mutable absl::Mutex mutex_;
  absl::CondVar wake_;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_WATCH_SYNCER_H_
