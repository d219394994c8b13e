// A member inside a test, with its services, as the program starts and ends it.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_RUNNING_MEMBER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_RUNNING_MEMBER_H_

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/raftexample/api/api_server.h"
#include "examples/raftexample/server/config.h"
#include "examples/raftexample/server/json_logger.h"
#include "examples/raftexample/server/server.h"
#include "raft/check.h"

namespace raftexample {

// Of these flags alone: what the environment says must not change a test.
inline absl::StatusOr<ServerConfig> ParseTestConfig(const std::vector<std::string>& flags) {
  return ParseConfig(flags, [](const char*) -> const char* { return nullptr; });
}

class RunningMember {
 public:
  // Takes part in its cluster, which may need others like it, and serves nobody yet.
  explicit RunningMember(const std::vector<std::string>& flags) {
    const absl::StatusOr<ServerConfig> config = ParseTestConfig(flags);
    RAFT_CHECK(config.ok()) << config.status().ToString();
    absl::StatusOr<std::unique_ptr<Server>> server =
        Server::Start(*config, &logger_, [](const absl::Status&) {});
    RAFT_CHECK(server.ok()) << server.status().ToString();
    server_ = *std::move(server);
  }

  ~RunningMember() { Stop(); }

  // When the cluster is ready for it.
  void Serve() {
    server_->AwaitReady(absl::Seconds(30));
    absl::StatusOr<std::unique_ptr<ApiServer>> api = ApiServer::Start(server_.get());
    RAFT_CHECK(api.ok()) << api.status().ToString();
    api_ = *std::move(api);
  }

  // Also called by the destructor.
  void Stop() {
    std::thread stop_api([this] {
      if (api_ != nullptr) api_->Shutdown(std::chrono::milliseconds(100));
    });
    server_->Stop();
    stop_api.join();
  }

  Server& server() { return *server_; }

 private:
  JsonLogger logger_{"error", "test"};
  std::unique_ptr<Server> server_;
  std::unique_ptr<ApiServer> api_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_RUNNING_MEMBER_H_
