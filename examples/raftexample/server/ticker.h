// A thread that does small things now and then.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_TICKER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_TICKER_H_

#include <algorithm>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace raftexample {

// First Every, then Start. The jobs run one after the other and must be short.
class Ticker {
 public:
  ~Ticker() { Stop(); }

  void Every(absl::Duration interval, std::function<void()> job) {
    jobs_.push_back({interval, absl::Now() + interval, std::move(job)});
  }

  void Start() {
    thread_ = std::thread([this] { Run(); });
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
  struct Job {
    absl::Duration interval;
    absl::Time due;
    std::function<void()> run;
  };

  void Run() {
    while (WaitUntil(std::min_element(jobs_.begin(), jobs_.end(), [](const Job& a, const Job& b) {
                       return a.due < b.due;
                     })->due)) {
      const absl::Time now = absl::Now();
      for (Job& job : jobs_) {
        if (job.due > now) continue;
        job.run();
        job.due = now + job.interval;  // What was missed is not made up for.
      }
    }
  }

  // False: stop.
  bool WaitUntil(absl::Time due) {
    absl::MutexLock lock(&mutex_);
    while (!stopping_) {
      if (wake_.WaitWithDeadline(&mutex_, due)) return !stopping_;
    }
    return false;
  }

  std::vector<Job> jobs_;
  absl::Mutex mutex_;
  absl::CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_TICKER_H_
