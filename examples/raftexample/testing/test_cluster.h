// A whole cluster inside a test: members that stop and start again, each with its services.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_CLUSTER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_CLUSTER_H_

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "examples/raftexample/proto/rpc.grpc.pb.h"
#include "examples/raftexample/server/config.h"
#include "examples/raftexample/server/server.h"
#include "examples/raftexample/testing/free_port.h"
#include "examples/raftexample/testing/running_member.h"
#include "examples/raftexample/testing/temp_directory.h"

namespace raftexample {

class TestCluster {
 public:
  // All members run, and have a leader, when this returns. `flags` are given to every member.
  // `peer_scheme` is that of the peer URLs.
  explicit TestCluster(int size, std::vector<std::string> flags = {},
                       const std::string& peer_scheme = "http")
      : flags_(std::move(flags)) {
    std::vector<std::string> cluster;
    for (int i = 0; i < size; ++i) {
      members_.push_back(std::make_unique<Member>());
      members_[i]->name = absl::StrCat("m", i);
      members_[i]->client = absl::StrCat("127.0.0.1:", FreePort());
      members_[i]->peer = absl::StrCat(peer_scheme, "://127.0.0.1:", FreePort());
      cluster.push_back(absl::StrCat(members_[i]->name, "=", members_[i]->peer));
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
      arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
      members_[i]->channel = grpc::CreateCustomChannel(
          members_[i]->client, grpc::InsecureChannelCredentials(), arguments);
      members_[i]->keys = etcdserverpb::KV::NewStub(members_[i]->channel);
    }
    flags_.push_back("--initial-cluster=" + absl::StrJoin(cluster, ","));
    for (int i = 0; i < size; ++i) members_[i]->running.emplace(Flags(i));
    for (int i = 0; i < size; ++i) members_[i]->running->Serve();
  }

  int size() const { return static_cast<int>(members_.size()); }

  // As the program does it. Nothing if it is stopped, or running, already.
  void Stop(int i) { members_[i]->running.reset(); }
  void Start(int i) {
    if (running(i)) return;
    members_[i]->running.emplace(Flags(i));
    members_[i]->running->Serve();
  }

  bool running(int i) const { return members_[i]->running.has_value(); }
  Server& server(int i) { return members_[i]->running->server(); }
  etcdserverpb::KV::Stub& keys(int i) { return *members_[i]->keys; }
  const std::shared_ptr<grpc::Channel>& channel(int i) const { return members_[i]->channel; }
  const std::string& peer_url(int i) const { return members_[i]->peer; }
  absl::StatusOr<ServerConfig> Config(int i) const { return ParseTestConfig(Flags(i)); }

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
    absl::optional<RunningMember> running;
  };

  std::vector<std::string> Flags(int i) const {
    const Member& member = *members_[i];
    const std::string client = "http://" + member.client;
    std::vector<std::string> flags = flags_;
    for (std::string& flag : std::vector<std::string>{
             "--name=" + member.name, "--data-dir=" + (directory_ / member.name),
             "--log-level=error", "--listen-client-urls=" + client,
             "--advertise-client-urls=" + client, "--listen-peer-urls=" + member.peer,
             "--initial-advertise-peer-urls=" + member.peer}) {
      flags.push_back(std::move(flag));
    }
    return flags;
  }

  const TempDirectory directory_;
  std::vector<std::string> flags_;
  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_CLUSTER_H_
