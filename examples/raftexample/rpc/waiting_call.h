// One call whose answer may take for ever, and who waits for it may leave.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_RPC_WAITING_CALL_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_RPC_WAITING_CALL_H_

#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "examples/raftexample/rpc/unary_call.h"

namespace raftexample::rpc {

// Given to a handler, which must Finish it exactly once, also after the client has left.
template <typename Request, typename Response>
class WaitingCall : public UnaryCall<Request, Response> {
 public:
  // `gone` is called when the client has left and the call is not finished: at once, or later on
  // the event loop. Before anything that may finish the call, and at most once.
  void OnGone(std::function<void()> gone) {
    {
      absl::MutexLock lock(&mutex_);
      if (!left_) {
        gone_ = std::move(gone);
        return;
      }
    }
    gone();
  }

 protected:
  using UnaryCall<Request, Response>::UnaryCall;

  void Leave() {
    std::function<void()> gone;
    {
      absl::MutexLock lock(&mutex_);
      left_ = true;
      gone.swap(gone_);
    }
    if (gone != nullptr) gone();
  }

 private:
  absl::Mutex mutex_;
  bool left_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> gone_ ABSL_GUARDED_BY(mutex_);
};

// A method of a service that is declared with one request and one answer.
template <typename ServiceType, typename RequestType, typename ResponseType>
struct WaitingMethod {
  using Service = ServiceType;
  using Request = RequestType;
  using Response = ResponseType;

  const char* name;
  Service* service;
  // The generated Service::RequestLock.
  void (Service::*accept)(grpc::ServerContext*, Request*,
                          grpc::ServerAsyncResponseWriter<Response>*, grpc::CompletionQueue*,
                          grpc::ServerCompletionQueue*, void*);
  std::function<void(WaitingCall<Request, Response>*)> handle;
};

// Waits for a call and drives it. The notice of the end and the end of our answer both come, in
// either order; the object is gone after the second.
template <typename Method>
class WaitingAcceptor final
    : public WaitingCall<typename Method::Request, typename Method::Response> {
 public:
  // All but the call outlive it.
  static void Accept(const Method& method, Gate* gate, EventLoop* loop, UnreadAnswers* unread) {
    new WaitingAcceptor(method, gate, loop, unread);
  }

  void Finish(const absl::Status& status) override {
    if (gate_ != nullptr) gate_->Finished(this->info_, status);
    this->loop_->Post([this, status] { Send(status); });
  }

 private:
  using Self = WaitingAcceptor;

  WaitingAcceptor(const Method& method, Gate* gate, EventLoop* loop, UnreadAnswers* unread)
      : WaitingCall<typename Method::Request, typename Method::Response>(loop, unread),
        method_(method),
        gate_(gate) {
    this->context_.AsyncNotifyWhenDone(&done_event_);
    (method_.service->*method_.accept)(&this->context_, &this->request_, &writer_, loop->queue(),
                                       loop->queue(), &start_event_);
  }

  void OnStarted(bool ok) {
    if (!ok) {  // The server is shutting down: there will be no notice of an end.
      delete this;
      return;
    }
    this->loop_->CallBegan();
    Accept(method_, gate_, this->loop_, &this->unread_);
    this->info_.method = method_.name;
    this->info_.start = std::chrono::steady_clock::now();
    if (gate_ == nullptr) return method_.handle(this);
    if (!gate_->MustWait(this->context_, [this] { Admit(); })) Admit();
  }

  void Admit() {
    absl::Status admitted = gate_->Admit(this->context_, &this->request_, this->info_);
    if (!admitted.ok()) return Finish(admitted);
    method_.handle(this);
  }

  void Send(const absl::Status& status) {
    finishing_ = true;
    if (status.ok()) {
      writer_.Finish(this->response_, grpc::Status::OK, &finish_event_);
    } else {
      writer_.FinishWithError(ToGrpc(status), &finish_event_);
    }
  }

  void OnDone(bool) {
    if (!finishing_) this->Leave();
    Returned();
  }
  void OnFinished(bool) { Returned(); }

  void Returned() {
    if (--pending_ > 0) return;
    EventLoop* const loop = this->loop_;
    delete this;
    loop->CallEnded();
  }

  const Method& method_;
  Gate* const gate_;
  grpc::ServerAsyncResponseWriter<typename Method::Response> writer_{&this->context_};
  MethodEvent<Self> start_event_{this, &Self::OnStarted};
  MethodEvent<Self> done_event_{this, &Self::OnDone};
  MethodEvent<Self> finish_event_{this, &Self::OnFinished};
  // On the loop.
  bool finishing_ = false;
  int pending_ = 2;
};

}  // namespace raftexample::rpc

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_RPC_WAITING_CALL_H_
