// A thread that does small things now and then.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_TICKER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_TICKER_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace raftexample {

// First Every, then Start. The jobs run one after the other and must be short. Intervals are of a
// clock that nobody sets, which the waits of absl are not.
class Ticker {
 public:
  ~Ticker() { Stop(); }

  void Every(absl::Duration interval, std::function<void()> job) {
    const Clock::duration period = absl::ToChronoNanoseconds(interval);
    jobs_.push_back({period, Clock::now() + period, std::move(job)});
  }

  void Start() {
    thread_ = std::thread([this] { Run(); });
  }

  void Stop() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
      wake_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  using Clock = std::chrono::steady_clock;

  struct Job {
    Clock::duration interval;
    Clock::time_point due;
    std::function<void()> run;
  };

  void Run() {
    while (WaitUntil(std::min_element(jobs_.begin(), jobs_.end(), [](const Job& a, const Job& b) {
                       return a.due < b.due;
                     })->due)) {
      const Clock::time_point now = Clock::now();
      for (Job& job : jobs_) {
        if (job.due > now) continue;
        job.run();
        job.due = now + job.interval;  // What was missed is not made up for.
      }
    }
  }

  // False: stop.
  bool WaitUntil(Clock::time_point due) {
    std::unique_lock<std::mutex> lock(mutex_);
    return !wake_.wait_until(lock, due, [this] { return stopping_; });
  }

  std::vector<Job> jobs_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // Under mutex_.
  std::thread thread_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_TICKER_H_
