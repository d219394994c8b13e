// One call that is a stream in both directions, as a queue of requests in and a pull of answers
// out.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_RPC_STREAM_CALL_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_RPC_STREAM_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "examples/raftexample/rpc/event_loop.h"
#include "examples/raftexample/rpc/gate.h"

namespace raftexample::rpc {

// gRPC's side of a stream, for the one who handles it. Every method from any thread, and harmless
// when the stream has ended.
class StreamControl {
 public:
  virtual ~StreamControl() = default;
  // The next request may come: OnRequest is called once for each call of this.
  virtual void ReadNext() = 0;
  // NextResponse has something, or may have.
  virtual void Wake() = 0;
  // Ends the stream once the answer that is being sent is out. The first status counts.
  virtual void End(const absl::Status& status) = 0;
};

// What a service does with one stream. The calls below come one at a time, on the event loop, but
// for NextResponse: that comes on the loop or inside Wake, and one at a time by itself. Destroyed
// when the stream has ended, by us or by the client.
template <typename Request, typename Response>
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  virtual void OnStart(std::shared_ptr<StreamControl> control, const CallInfo& call) = 0;
  virtual void OnRequest(Request& request) = 0;
  virtual void OnRequestsDone() = 0;  // The client will send no more.
  // The next answer to send, nothing when there is none now: Wake tells when there may be.
  virtual absl::optional<Response> NextResponse() = 0;
};

// A method that is a stream in both directions.
template <typename ServiceType, typename RequestType, typename ResponseType>
struct StreamMethod {
  using Service = ServiceType;
  using Request = RequestType;
  using Response = ResponseType;
  using Stream = grpc::ServerAsyncReaderWriter<Response, Request>;
  static constexpr bool kManyRequests = true;

  const char* name;
  Service* service;
  // The generated Service::RequestWatch.
  void (Service::*accept)(grpc::ServerContext*, Stream*, grpc::CompletionQueue*,
                          grpc::ServerCompletionQueue*, void*);
  std::function<std::unique_ptr<StreamHandler<Request, Response>>(const grpc::ServerContext&)> open;
};

// A method with one request, which comes with the start, and a stream of answers.
template <typename ServiceType, typename RequestType, typename ResponseType>
struct ServerStreamMethod {
  using Service = ServiceType;
  using Request = RequestType;
  using Response = ResponseType;
  using Stream = grpc::ServerAsyncWriter<Response>;
  static constexpr bool kManyRequests = false;

  const char* name;
  Service* service;
  // The generated Service::RequestSnapshot.
  void (Service::*accept)(grpc::ServerContext*, Request*, Stream*, grpc::CompletionQueue*,
                          grpc::ServerCompletionQueue*, void*);
  std::function<std::unique_ptr<StreamHandler<Request, Response>>(const grpc::ServerContext&)> open;
};

// Waits for a stream, then drives it. One read, one write and the notice of the end may be under
// way; the object keeps itself until the last of them has come back and the stream has ended.
template <typename Method>
class StreamAcceptor final : public StreamControl {
 public:
  using Request = typename Method::Request;
  using Response = typename Method::Response;

  // The method, the gate and the loop outlive all streams.
  static void Accept(const Method& method, Gate* gate, EventLoop* loop) {
    auto* acceptor = new StreamAcceptor(method, gate, loop);
    acceptor->self_.reset(acceptor);
    acceptor->Await();
  }

  // --- StreamControl ---

  void ReadNext() override {
    if constexpr (Method::kManyRequests) {
      absl::MutexLock lock(&mutex_);
      if (ended_) return;
      ++pending_;
      stream_.Read(&request_, &read_event_);
    }
  }

  void Wake() override {
    while (true) {
      {
        absl::MutexLock lock(&mutex_);
        woken_ = true;
        if (pulling_ || writing_ || finished_) return;  // Whoever is at it looks again.
        if (ended_) break;
        pulling_ = true;
        woken_ = false;
      }
      absl::optional<Response> response = handler_->NextResponse();
      absl::MutexLock lock(&mutex_);
      pulling_ = false;
      if (response.has_value() && !broken_ && !ended_) {
        writing_ = true;
        ++pending_;
        stream_.Write(*response, &write_event_);
        return;
      }
      if (!woken_ && !ended_) return;
    }
    FinishIfQuiet();
  }

  void End(const absl::Status& status) override {
    {
      absl::MutexLock lock(&mutex_);
      if (std::exchange(ended_, true)) return;
    }
    Finish(status);
  }

 private:
  using Self = StreamAcceptor;

  StreamAcceptor(const Method& method, Gate* gate, EventLoop* loop)
      : method_(method), gate_(gate), loop_(loop) {}

  void Await() {
    context_.AsyncNotifyWhenDone(&done_event_);
    if constexpr (Method::kManyRequests) {
      (method_.service->*method_.accept)(&context_, &stream_, loop_->queue(), loop_->queue(),
                                         &start_event_);
    } else {
      (method_.service->*method_.accept)(&context_, &request_, &stream_, loop_->queue(),
                                         loop_->queue(), &start_event_);
    }
  }

  // --- Events ---

  void OnStarted(bool ok) {
    if (!ok) {  // The server is shutting down: there will be no notice of an end.
      self_ = nullptr;
      return;
    }
    loop_->CallBegan();
    Accept(method_, gate_, loop_);
    call_.method = method_.name;
    call_.start = std::chrono::steady_clock::now();
    {
      absl::MutexLock lock(&mutex_);
      pending_ = 2;  // done_event_ and finish_event_ always come.
    }
    if (gate_ != nullptr) {
      absl::Status admitted = gate_->Admit(context_, FirstRequest(), call_);
      if (!admitted.ok()) return End(admitted);
    }
    handler_ = method_.open(context_);
    handler_->OnStart(self_, call_);
    if constexpr (!Method::kManyRequests) handler_->OnRequest(request_);
  }

  const google::protobuf::Message* FirstRequest() const {
    if constexpr (!Method::kManyRequests) return &request_;
    return nullptr;
  }

  void OnRead(bool ok) {
    bool ended = false;
    {
      absl::MutexLock lock(&mutex_);
      ended = ended_;
    }
    if (ended) {
      // Nobody listens any more.
    } else if (ok) {
      handler_->OnRequest(request_);
    } else {
      handler_->OnRequestsDone();
    }
    Returned();
  }

  void OnWritten(bool ok) {
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
      if (!ok) broken_ = true;
    }
    Wake();
    Returned();
  }

  void OnFinished(bool) { Returned(); }

  // The client is gone, or everything has been sent.
  void OnDone(bool) {
    bool first = false;
    {
      absl::MutexLock lock(&mutex_);
      broken_ = true;
      first = !std::exchange(ended_, true);
    }
    if (first) Finish(absl::CancelledError("the client has gone"));
    Returned();
  }

  // --- The end ---

  void Finish(const absl::Status& status) {
    if (gate_ != nullptr) gate_->Finished(call_, status);
    {
      absl::MutexLock lock(&mutex_);
      end_status_ = status;
      has_status_ = true;
    }
    FinishIfQuiet();
  }

  // gRPC takes the last word only when no answer is on its way.
  void FinishIfQuiet() {
    absl::MutexLock lock(&mutex_);
    if (!has_status_ || pulling_ || writing_ || finished_) return;
    finished_ = true;
    stream_.Finish(ToGrpc(end_status_), &finish_event_);
  }

  void Returned() {
    {
      absl::MutexLock lock(&mutex_);
      if (--pending_ > 0) return;
    }
    EventLoop* const loop = loop_;
    handler_ = nullptr;  // Which may hold on to us.
    self_ = nullptr;
    loop->CallEnded();
  }

  const Method& method_;
  Gate* const gate_;
  EventLoop* const loop_;
  std::shared_ptr<Self> self_;  // Until the end.

  grpc::ServerContext context_;
  typename Method::Stream stream_{&context_};
  CallInfo call_;
  Request request_;
  std::unique_ptr<StreamHandler<Request, Response>> handler_;

  MethodEvent<Self> start_event_{this, &Self::OnStarted};
  MethodEvent<Self> read_event_{this, &Self::OnRead};
  MethodEvent<Self> write_event_{this, &Self::OnWritten};
  MethodEvent<Self> finish_event_{this, &Self::OnFinished};
  MethodEvent<Self> done_event_{this, &Self::OnDone};

  absl::Mutex mutex_;
  int pending_ ABSL_GUARDED_BY(mutex_) = 0;  // Operations that have not come back.
  bool pulling_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;  // Since the last pull began.
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;  // Writes lead nowhere.
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;   // Somebody has said so.
  bool has_status_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;  // gRPC has been told.
  absl::Status end_status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace raftexample::rpc

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_RPC_STREAM_CALL_H_
