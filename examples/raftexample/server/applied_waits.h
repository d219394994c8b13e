// Who waits until the log has been applied up to some index.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_APPLIED_WAITS_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_APPLIED_WAITS_H_

#include <map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "raftpb/ids.h"

namespace raftexample {

// Each waiter is told exactly once. Thread-safe; nobody is called with the lock held.
class AppliedWaits {
 public:
  using Done = absl::AnyInvocable<void(const absl::Status&)>;

  explicit AppliedWaits(raftpb::Index applied) : applied_(applied) {}

  // Calls back at once if it is applied already.
  void Wait(raftpb::Index index, absl::Time deadline, Done done) {
    absl::Status now;
    {
      absl::MutexLock lock(&mutex_);
      if (closed_.ok() && index > applied_) {
        waiters_.emplace(index, Waiter{deadline, std::move(done)});
        return;
      }
      now = closed_;
    }
    done(now);
  }

  void Advance(raftpb::Index applied) {
    std::vector<Done> reached;
    {
      absl::MutexLock lock(&mutex_);
      applied_ = applied;
      while (!waiters_.empty() && waiters_.begin()->first <= applied) {
        reached.push_back(std::move(waiters_.begin()->second.done));
        waiters_.erase(waiters_.begin());
      }
    }
    for (Done& done : reached) done(absl::OkStatus());
  }

  // Ends those whose deadline has passed.
  void Expire(absl::Time now, const absl::Status& why) {
    EndIf(why, [now](const Waiter& waiter) { return waiter.deadline <= now; });
  }

  // Ends all, and from now on everybody who comes.
  void Close(const absl::Status& why) {
    {
      absl::MutexLock lock(&mutex_);
      closed_ = why;
    }
    EndIf(why, [](const Waiter&) { return true; });
  }

 private:
  struct Waiter {
    absl::Time deadline;
    Done done;
  };

  template <typename Wanted>
  void EndIf(const absl::Status& why, Wanted wanted) {
    std::vector<Done> ended;
    {
      absl::MutexLock lock(&mutex_);
      for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
        if (wanted(waiter->second)) {
          ended.push_back(std::move(waiter->second.done));
          waiter = waiters_.erase(waiter);
        } else {
          ++waiter;
        }
      }
    }
    for (Done& done : ended) done(why);
  }

  absl::Mutex mutex_;
  raftpb::Index applied_ ABSL_GUARDED_BY(mutex_);
  std::multimap<raftpb::Index, Waiter> waiters_ ABSL_GUARDED_BY(mutex_);
  absl::Status closed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_APPLIED_WAITS_H_
