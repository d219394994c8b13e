// A gRPC server whose calls are events: a few loops, no thread per request.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_RPC_SERVER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_RPC_SERVER_H_

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "examples/raftexample/rpc/event_loop.h"
#include "examples/raftexample/rpc/gate.h"
#include "examples/raftexample/rpc/stream_call.h"
#include "examples/raftexample/rpc/unary_call.h"
#include "examples/raftexample/rpc/unread_answers.h"
#include "examples/raftexample/rpc/waiting_call.h"

namespace raftexample::rpc {

// First Listen, AddService and Handle, then Start; Shutdown in the end. Services (the generated
// AsyncService), and whatever the handlers use, outlive the server.
class Server {
 public:
  struct Options {
    int loops = 1;
    int max_receive_bytes = 2 << 20;
    int max_concurrent_streams = std::numeric_limits<int>::max();  // Calls of one connection.
    // Calls that may be accepted while the loop is busy; more wait in gRPC.
    int accept_ahead = 16;
  };

  explicit Server(const Options& options);
  ~Server();

  void Listen(std::string address, std::shared_ptr<grpc::ServerCredentials> credentials);
  // The same for connections that somebody else accepts: each goes to what is returned, which owns
  // it then. Only while the server runs.
  using Taker = std::function<void(int fd)>;
  Taker TakeConnections(std::shared_ptr<grpc::ServerCredentials> credentials);
  void AddService(grpc::Service* service) { builder_.RegisterService(service); }

  // `gate` may be null.
  template <typename Service, typename Request, typename Response>
  void Handle(UnaryMethod<Service, Request, Response> method, Gate* gate) {
    auto kept = Keep(std::move(method));
    const int ahead = options_.accept_ahead;
    acceptors_.push_back([this, kept, gate, ahead](EventLoop* loop) {
      for (int i = 0; i < ahead; ++i) {
        UnaryAcceptor<Service, Request, Response>::Accept(*kept, gate, loop, &unread_);
      }
    });
  }

  // A WaitingMethod.
  template <typename Method>
  void HandleWaiting(Method method, Gate* gate) {
    auto kept = Keep(std::move(method));
    acceptors_.push_back([this, kept, gate](EventLoop* loop) {
      WaitingAcceptor<Method>::Accept(*kept, gate, loop, &unread_);
    });
  }

  // A StreamMethod or a ServerStreamMethod.
  template <typename Method>
  void HandleStream(Method method, Gate* gate) {
    auto kept = Keep(std::move(method));
    acceptors_.push_back(
        [kept, gate](EventLoop* loop) { StreamAcceptor<Method>::Accept(*kept, gate, loop); });
  }

  // Unavailable, naming the address, if one cannot be listened on.
  absl::Status Start();

  // No new calls; those that run may go on for the grace, and are then cancelled. Returns when all
  // have been finished, so whatever they wait for must come about, or fail, meanwhile.
  void Shutdown(std::chrono::milliseconds grace);

  // The queue of the first loop, to make calls from. Valid until Shutdown returns.
  grpc::CompletionQueue* queue() { return loops_.front()->queue(); }

 private:
  struct Listener {
    std::string address;
    int port = 0;  // 0: not bound.
  };

  template <typename Method>
  std::shared_ptr<const Method> Keep(Method method) {
    auto kept = std::make_shared<const Method>(std::move(method));
    methods_.push_back(kept);
    return kept;
  }

  const Options options_;
  grpc::ServerBuilder builder_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::shared_ptr<const void>> methods_;
  std::vector<std::function<void(EventLoop*)>> acceptors_;
  UnreadAnswers unread_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace raftexample::rpc

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_RPC_SERVER_H_
