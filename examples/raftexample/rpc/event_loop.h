// gRPC's completion queue as a loop of events with one thread.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_RPC_EVENT_LOOP_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_RPC_EVENT_LOOP_H_

#include <grpc/support/time.h>
#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace raftexample::rpc {

// The end of one operation that was started on a completion queue: what gRPC calls a tag. The tag
// must be the address of the Event, not of an object that is also one.
class Event {
 public:
  virtual ~Event() = default;
  // Once for each operation. `ok` is what gRPC says about it: false mostly means that the stream or
  // the server is going away.
  virtual void Happen(bool ok) = 0;
};

// An event that is a call of a method: for objects with several operations under way at a time.
template <typename Owner>
class MethodEvent final : public Event {
 public:
  MethodEvent(Owner* owner, void (Owner::*method)(bool ok)) : owner_(owner), method_(method) {}
  void Happen(bool ok) override { (owner_->*method_)(ok); }

 private:
  Owner* const owner_;
  void (Owner::*const method_)(bool ok);
};

// Runs the events of one queue, one after the other, so everything that an event does must be
// short. A server of requests has a few loops, and no thread per request. A queue of a server may
// also carry calls to other servers.
//
// Connections belong to the loop that accepted them. Other threads had better Post to it than write
// themselves: two threads at one connection get in each other's way, inside gRPC and in the kernel.
class EventLoop {
 public:
  using Work = absl::AnyInvocable<void()>;

  // Not running yet: gRPC wants its queues when a server is built, and polled when it has started.
  explicit EventLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue)
      : queue_(std::move(queue)) {}
  ~EventLoop() { Stop(); }

  grpc::ServerCompletionQueue* queue() { return queue_.get(); }

  // Whether this is the loop's thread.
  bool IsCurrent() const { return std::this_thread::get_id() == id_.load(); }

  // A call that has begun, until it is over. Stop waits for it: gRPC does not, and has no use for a
  // queue that something is still put into.
  void CallBegan() {
    absl::MutexLock lock(&mutex_);
    ++calls_;
  }
  void CallEnded() {
    absl::MutexLock lock(&mutex_);
    --calls_;
  }

  // Runs `work` on the loop, soon; what several threads post meanwhile is one wake-up. Only on
  // behalf of a call.
  void Post(Work work) {
    {
      absl::MutexLock lock(&mutex_);
      posted_.push_back(std::move(work));
      if (std::exchange(alarmed_, true)) return;
    }
    alarm_.Set(queue_.get(), gpr_time_0(GPR_CLOCK_MONOTONIC), static_cast<Event*>(&posted_event_));
  }

  void Start() {
    thread_ = std::thread([this] { Run(); });
  }

  // Lets every call end, and the thread. The server must have been shut down before.
  void Stop() {
    if (queue_ == nullptr) return;
    if (thread_.joinable()) AwaitCalls();
    queue_->Shutdown();
    if (thread_.joinable()) {
      thread_.join();
    } else {
      Run();  // What was started must end all the same.
    }
    queue_ = nullptr;
  }

 private:
  // A call that the server let in last may not have begun yet: its event is before ours.
  void AwaitCalls() {
    absl::Notification caught_up;
    Post([&caught_up] { caught_up.Notify(); });
    caught_up.WaitForNotification();
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &EventLoop::IsQuiet));
  }
  bool IsQuiet() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return calls_ == 0; }

  void RunPosted(bool) {
    std::vector<Work> work;
    {
      absl::MutexLock lock(&mutex_);
      work.swap(posted_);
      alarmed_ = false;
    }
    for (Work& one : work) one();
    work.clear();
  }

  void Run() {
    id_ = std::this_thread::get_id();
    void* tag = nullptr;
    bool ok = false;
    while (queue_->Next(&tag, &ok)) static_cast<Event*>(tag)->Happen(ok);
  }

  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  absl::Mutex mutex_;
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Work> posted_ ABSL_GUARDED_BY(mutex_);
  bool alarmed_ ABSL_GUARDED_BY(mutex_) = false;  // The alarm is set, and has not rung.
  grpc::Alarm alarm_;
  MethodEvent<EventLoop> posted_event_{this, &EventLoop::RunPosted};
  std::atomic<std::thread::id> id_;
  std::thread thread_;
};

}  // namespace raftexample::rpc

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_RPC_EVENT_LOOP_H_
