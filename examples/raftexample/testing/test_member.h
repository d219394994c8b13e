// A whole member inside a test: a cluster of one, with its services on a port of its own.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_MEMBER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_MEMBER_H_

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "examples/raftexample/api/api_server.h"
#include "examples/raftexample/server/config.h"
#include "examples/raftexample/server/json_logger.h"
#include "examples/raftexample/server/server.h"
#include "examples/raftexample/testing/free_port.h"
#include "examples/raftexample/testing/temp_directory.h"
#include "raft/check.h"

namespace raftexample {

class TestMember {
 public:
  // `flags` on top of those that a member needs. `scheme` is that of the client URL.
  explicit TestMember(std::vector<std::string> flags = {}, const std::string& scheme = "http") {
    const std::string client = absl::StrCat(scheme, "://", address_);
    const std::string peer = absl::StrCat("http://127.0.0.1:", FreePort());
    for (std::string& flag : std::vector<std::string>{
             "--data-dir=" + (directory_ / "data"), "--log-level=error", "--bcrypt-cost=4",
             "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
             "--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer}) {
      flags.push_back(std::move(flag));
    }
    const absl::StatusOr<ServerConfig> config =
        ParseConfig(flags, [](const char*) -> const char* { return nullptr; });
    RAFT_CHECK(config.ok()) << config.status().ToString();
    absl::StatusOr<std::unique_ptr<Server>> server =
        Server::Start(*config, &logger_, [](const absl::Status&) {});
    RAFT_CHECK(server.ok()) << server.status().ToString();
    server_ = *std::move(server);
    server_->AwaitReady(absl::Seconds(30));
    absl::StatusOr<std::unique_ptr<ApiServer>> api = ApiServer::Start(server_.get());
    RAFT_CHECK(api.ok()) << api.status().ToString();
    api_ = *std::move(api);
  }

  ~TestMember() { Stop(); }

  // As the program does it. Also called by the destructor.
  void Stop() {
    std::thread stop_api([this] { api_->Shutdown(std::chrono::milliseconds(100)); });
    server_->Stop();
    stop_api.join();
  }

  Server& server() { return *server_; }
  const std::string& address() const { return address_; }

  std::shared_ptr<grpc::Channel> Connect(std::shared_ptr<grpc::ChannelCredentials> credentials =
                                             grpc::InsecureChannelCredentials()) const {
    return grpc::CreateChannel(address_, std::move(credentials));
  }

 private:
  const TempDirectory directory_;
  const std::string address_ = absl::StrCat("127.0.0.1:", FreePort());
  JsonLogger logger_{"error", "test"};
  std::unique_ptr<Server> server_;
  std::unique_ptr<ApiServer> api_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_MEMBER_H_
