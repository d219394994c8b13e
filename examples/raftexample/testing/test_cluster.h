// A whole cluster inside a test: members that stop and start again, each with its services.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_CLUSTER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_CLUSTER_H_

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "examples/raftexample/api/api_server.h"
#include "examples/raftexample/proto/rpc.grpc.pb.h"
#include "examples/raftexample/server/config.h"
#include "examples/raftexample/server/json_logger.h"
#include "examples/raftexample/server/server.h"
#include "examples/raftexample/testing/free_port.h"
#include "examples/raftexample/testing/temp_directory.h"
#include "raft/check.h"

namespace raftexample {

class TestCluster {
 public:
  // All members run, and have a leader, when this returns. `flags` are given to every member.
  explicit TestCluster(int size, std::vector<std::string> flags = {}) : flags_(std::move(flags)) {
    std::vector<std::string> cluster;
    for (int i = 0; i < size; ++i) {
      members_.push_back(std::make_unique<Member>());
      members_[i]->name = absl::StrCat("m", i);
      members_[i]->client = absl::StrCat("127.0.0.1:", FreePort());
      members_[i]->peer = absl::StrCat("http://127.0.0.1:", FreePort());
      cluster.push_back(absl::StrCat(members_[i]->name, "=", members_[i]->peer));
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
      arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
      members_[i]->channel = grpc::CreateCustomChannel(
          members_[i]->client, grpc::InsecureChannelCredentials(), arguments);
      members_[i]->keys = etcdserverpb::KV::NewStub(members_[i]->channel);
    }
    flags_.push_back("--initial-cluster=" + absl::StrJoin(cluster, ","));
    for (int i = 0; i < size; ++i) StartServer(i);
    for (int i = 0; i < size; ++i) StartApi(i);
  }
  ~TestCluster() {
    for (size_t i = 0; i < members_.size(); ++i) Stop(static_cast<int>(i));
  }

  int size() const { return static_cast<int>(members_.size()); }

  // As the program does it. Nothing if it is stopped, or running, already.
  void Stop(int i) {
    Member& member = *members_[i];
    if (member.server == nullptr) return;
    std::thread stop_api([&member] { member.api->Shutdown(std::chrono::milliseconds(100)); });
    member.server->Stop();
    stop_api.join();
    member.api = nullptr;
    member.server = nullptr;
  }
  void Start(int i) {
    if (members_[i]->server != nullptr) return;
    StartServer(i);
    StartApi(i);
  }

  bool running(int i) const { return members_[i]->server != nullptr; }
  Server& server(int i) { return *members_[i]->server; }
  etcdserverpb::KV::Stub& keys(int i) { return *members_[i]->keys; }
  const std::shared_ptr<grpc::Channel>& channel(int i) const { return members_[i]->channel; }
  absl::StatusOr<ServerConfig> Config(int i) const {
    const std::string client = "http://" + members_[i]->client;
    std::vector<std::string> flags = flags_;
    for (const std::string& flag :
         {absl::StrCat("--name=", members_[i]->name),
          absl::StrCat("--data-dir=", directory_.path(), "/", members_[i]->name),
          "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
          "--listen-peer-urls=" + members_[i]->peer,
          "--initial-advertise-peer-urls=" + members_[i]->peer, std::string("--log-level=error")}) {
      flags.push_back(flag);
    }
    return ParseConfig(flags, [](const char*) -> const char* { return nullptr; });
  }

  // Waits for a running member that leads. A test without one ends by its own time limit.
  int AwaitLeader() {
    while (true) {
      for (int i = 0; i < size(); ++i) {
        if (running(i) && server(i).is_leader()) return i;
      }
      absl::SleepFor(absl::Milliseconds(5));
    }
  }

 private:
  struct Member {
    std::string name, client, peer;
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<etcdserverpb::KV::Stub> keys;
    std::unique_ptr<Server> server;
    std::unique_ptr<ApiServer> api;
  };

  void StartServer(int i) {
    const absl::StatusOr<ServerConfig> config = Config(i);
    RAFT_CHECK(config.ok()) << config.status().ToString();
    absl::StatusOr<std::unique_ptr<Server>> server =
        Server::Start(*config, &logger_, [](const absl::Status&) {});
    RAFT_CHECK(server.ok()) << server.status().ToString();
    members_[i]->server = *std::move(server);
  }
  void StartApi(int i) {
    members_[i]->server->AwaitReady(absl::Seconds(30));
    absl::StatusOr<std::unique_ptr<ApiServer>> api = ApiServer::Start(members_[i]->server.get());
    RAFT_CHECK(api.ok()) << api.status().ToString();
    members_[i]->api = *std::move(api);
  }

  const TempDirectory directory_;
  std::vector<std::string> flags_;
  JsonLogger logger_{"error", "test"};
  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_CLUSTER_H_
