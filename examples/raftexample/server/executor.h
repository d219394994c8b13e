// A few threads for work that takes long, or waits for a disk, and must not hold up a loop.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_EXECUTOR_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_EXECUTOR_H_

#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace raftexample {

// Work begins in the order of Post, on any of the threads. Everything posted is run, also what is
// posted by work that runs while the executor is being stopped.
class Executor {
 public:
  using Work = absl::AnyInvocable<void()>;

  explicit Executor(int threads);
  ~Executor() { Stop(); }

  void Post(Work work);
  void Stop();  // Returns when all work is done and the threads have ended. Post nothing after.

 private:
  void Run();

  absl::Mutex mutex_;
  absl::CondVar wake_;
  std::deque<Work> queue_ ABSL_GUARDED_BY(mutex_);
  int idle_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_EXECUTOR_H_
