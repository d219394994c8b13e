#include "examples/raftexample/rpc/server.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace raftexample::rpc {

Server::Server(const Options& options) : options_(options) {
  builder_.SetMaxReceiveMessageSize(options.max_receive_bytes);
  builder_.SetMaxSendMessageSize(-1);
  // Go clients ping every ten seconds; gRPC's default is to hang up on them.
  builder_.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
  builder_.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder_.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // A client that is gone without a word is noticed, and its watches with it.
  builder_.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 2 * 3600 * 1000);
  builder_.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20 * 1000);
  builder_.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams);
  // A taken port is an error, not something to share.
  builder_.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder_.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
  for (int i = 0; i < options.loops; ++i) {
    loops_.push_back(std::make_unique<EventLoop>(builder_.AddCompletionQueue()));
  }
}

Server::~Server() { Shutdown(std::chrono::milliseconds(0)); }

void Server::Listen(std::string address, std::shared_ptr<grpc::ServerCredentials> credentials) {
  listeners_.push_back(std::make_unique<Listener>());
  Listener& listener = *listeners_.back();
  listener.address = std::move(address);
  builder_.AddListeningPort(listener.address, std::move(credentials), &listener.port);
}

Server::Taker Server::TakeConnections(std::shared_ptr<grpc::ServerCredentials> credentials) {
  using Type = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
  const std::shared_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor =
      builder_.experimental().AddExternalConnectionAcceptor(Type::FROM_FD, std::move(credentials));
  return [acceptor](int fd) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = fd;
    acceptor->HandleNewConnection(&connection);
  };
}

absl::Status Server::Start() {
  server_ = builder_.BuildAndStart();
  for (const auto& listener : listeners_) {
    if (server_ == nullptr || listener->port == 0) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", listener->address,
                       ": somebody else does, or the address is not one of this machine"));
    }
  }
  for (const auto& loop : loops_) {
    for (const auto& accept : acceptors_) accept(loop.get());
    loop->Start();
  }
  return absl::OkStatus();
}

void Server::Shutdown(std::chrono::milliseconds grace) {
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now() + grace);
  for (const auto& loop : loops_) loop->Stop();
  server_ = nullptr;
}

}  // namespace raftexample::rpc
