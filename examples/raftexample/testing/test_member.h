// A whole member inside a test: a cluster of one, with its services on a port of its own.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_MEMBER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_MEMBER_H_

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/server/server.h"
#include "examples/raftexample/testing/free_port.h"
#include "examples/raftexample/testing/running_member.h"
#include "examples/raftexample/testing/temp_directory.h"

namespace raftexample {

class TestMember {
 public:
  // `flags` on top of those that a member needs. `scheme` is that of the client URL.
  explicit TestMember(std::vector<std::string> flags = {}, const std::string& scheme = "http")
      : member_(WithOwnFlags(std::move(flags), scheme)) {
    member_.Serve();
  }

  // As the program does it. Also called by the destructor.
  void Stop() { member_.Stop(); }

  Server& server() { return member_.server(); }
  const std::string& address() const { return address_; }

  std::shared_ptr<grpc::Channel> Connect(std::shared_ptr<grpc::ChannelCredentials> credentials =
                                             grpc::InsecureChannelCredentials()) const {
    return grpc::CreateChannel(address_, std::move(credentials));
  }

 private:
  std::vector<std::string> WithOwnFlags(std::vector<std::string> flags,
                                        const std::string& scheme) const {
    const std::string client = absl::StrCat(scheme, "://", address_);
    const std::string peer = absl::StrCat("http://127.0.0.1:", FreePort());
    for (std::string& flag : std::vector<std::string>{
             "--data-dir=" + (directory_ / "data"), "--log-level=error", "--bcrypt-cost=4",
             "--listen-client-urls=" + client, "--advertise-client-urls=" + client,
             "--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer}) {
      flags.push_back(std::move(flag));
    }
    return flags;
  }

  const TempDirectory directory_;
  const std::string address_ = absl::StrCat("127.0.0.1:", FreePort());
  RunningMember member_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEST_MEMBER_H_
