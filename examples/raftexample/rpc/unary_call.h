// One call with one request and one answer, which may be given later and by any thread.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_RPC_UNARY_CALL_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_RPC_UNARY_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/async_unary_call.h>

#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "examples/raftexample/rpc/event_loop.h"
#include "examples/raftexample/rpc/gate.h"
#include "examples/raftexample/rpc/unread_answers.h"

namespace raftexample::rpc {

// Given to a handler, which must Finish it exactly once, now or later; the call is gone then.
template <typename Request, typename Response>
class UnaryCall {
 public:
  virtual ~UnaryCall() = default;

  Request& request() { return request_; }
  Response& response() { return response_; }
  const CallInfo& info() const { return info_; }
  const grpc::ServerContext& context() const { return context_; }

  // Sends the response as it is now, or the error instead. Any thread.
  virtual void Finish(const absl::Status& status) = 0;
  void Reply() { Finish(absl::OkStatus()); }

  // Where the call came from, for short work on its behalf.
  EventLoop* loop() const { return loop_; }

  // Whether the client leaves so many large answers unread that it should get no other one.
  bool leaves_answers_unread() const { return unread_.HasTooMany(context_.peer()); }

 protected:
  UnaryCall(EventLoop* loop, UnreadAnswers* unread) : loop_(loop), unread_(*unread) {}

  EventLoop* const loop_;
  UnreadAnswers& unread_;
  grpc::ServerContext context_;
  CallInfo info_;
  Request request_;
  Response response_;
};

// A method of a service, with the code that answers it.
template <typename Service, typename Request, typename Response>
struct UnaryMethod {
  const char* name;  // "/etcdserverpb.KV/Range"
  Service* service;
  // The generated Service::RequestRange.
  void (Service::*accept)(grpc::ServerContext*, Request*,
                          grpc::ServerAsyncResponseWriter<Response>*, grpc::CompletionQueue*,
                          grpc::ServerCompletionQueue*, void*);
  std::function<void(UnaryCall<Request, Response>*)> handle;
};

// Waits for a call, runs it, and is gone after its answer. Before it begins it puts a successor in
// its place, so the number of calls that can be accepted at once stays what it was.
template <typename Service, typename Request, typename Response>
class UnaryAcceptor final : public UnaryCall<Request, Response>, private Event {
 public:
  using Method = UnaryMethod<Service, Request, Response>;

  // All but the call outlive it.
  static void Accept(const Method& method, Gate* gate, EventLoop* loop, UnreadAnswers* unread) {
    new UnaryAcceptor(method, gate, loop, unread);
  }

  void Finish(const absl::Status& status) override {
    if (gate_ != nullptr) gate_->Finished(this->info_, status);
    if (status.ok()) CountIfLarge();
    if (this->loop_->IsCurrent()) return Send(status);
    if (status.ok()) {
      this->loop_->Post([this] { Send(absl::OkStatus()); });
    } else {
      this->loop_->Post([this, status] { Send(status); });
    }
  }

 private:
  UnaryAcceptor(const Method& method, Gate* gate, EventLoop* loop, UnreadAnswers* unread)
      : UnaryCall<Request, Response>(loop, unread), method_(method), gate_(gate) {
    (method_.service->*method_.accept)(&this->context_, &this->request_, &writer_, loop->queue(),
                                       loop->queue(), tag());
  }

  void CountIfLarge() {
    const size_t bytes = this->response_.ByteSizeLong();
    if (bytes < UnreadAnswers::kCounted) return;
    counted_bytes_ = bytes;
    counted_peer_ = this->context_.peer();
    this->unread_.Add(counted_peer_, bytes);
  }

  void Send(const absl::Status& status) {
    finishing_ = true;
    if (status.ok()) {
      writer_.Finish(this->response_, grpc::Status::OK, tag());
      // It has been serialized, and may have to wait for its reader.
      if (counted_bytes_ > 0) Response().Swap(&this->response_);
    } else {
      writer_.FinishWithError(ToGrpc(status), tag());
    }
  }

  void* tag() { return static_cast<Event*>(this); }

  void Happen(bool ok) override {
    if (finishing_) return End();
    if (!ok) {  // The server is shutting down.
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

  void End() {
    if (counted_bytes_ > 0) this->unread_.Remove(counted_peer_, counted_bytes_);
    EventLoop* const loop = this->loop_;
    delete this;
    loop->CallEnded();
  }

  const Method& method_;
  Gate* const gate_;
  grpc::ServerAsyncResponseWriter<Response> writer_{&this->context_};
  bool finishing_ = false;
  size_t counted_bytes_ = 0;  // In unread_, under the name that the peer had then.
  std::string counted_peer_;
};

}  // namespace raftexample::rpc

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_RPC_UNARY_CALL_H_
