#include "examples/raftexample/server/executor.h"

#include <utility>

namespace raftexample {

Executor::Executor(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

void Executor::Post(Work work) {
  absl::MutexLock lock(&mutex_);
  queue_.push_back(std::move(work));
  if (idle_ > 0) wake_.Signal();
}

void Executor::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    wake_.SignalAll();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Executor::Run() {
  while (true) {
    Work work;
    {
      absl::MutexLock lock(&mutex_);
      while (queue_.empty()) {
        if (stopping_) return;
        ++idle_;
        wake_.Wait(&mutex_);
        --idle_;
      }
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace raftexample
