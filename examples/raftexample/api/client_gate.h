// What every call of a client passes through: learners, "no leader", authentication, permissions.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_API_CLIENT_GATE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_API_CLIENT_GATE_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/raftexample/rpc/gate.h"
#include "examples/raftexample/server/server.h"

namespace raftexample {

// Handlers see only calls that are allowed. What a call looks at later, after waiting, is checked
// again by those who can know (Recheck here; the state machine for commands).
class ClientGate final : public rpc::Gate {
 public:
  explicit ClientGate(Server* server) : server_(server) {}

  bool MustWait(const grpc::ServerContext& context, std::function<void()> again) override;
  absl::Status Admit(const grpc::ServerContext& context, const google::protobuf::Message* request,
                     rpc::CallInfo& call) override;
  void Finished(const rpc::CallInfo& call, const absl::Status& status) override;

  // Who calls, as of now: kInvalidAuthToken. Nobody without a token.
  absl::StatusOr<Caller> CallerOf(const grpc::ServerContext& context) const;

  // Finds the caller anew, and whether the request is allowed to them under the rules of now.
  absl::Status Recheck(const grpc::ServerContext& context, const google::protobuf::Message& request,
                       rpc::CallInfo& call) const;

  // Whether the client wants an error rather than wait for a leader.
  static bool RequiresLeader(const grpc::ServerContext& context);

 private:
  absl::Status CheckLearner(const char* method, const google::protobuf::Message* request) const;

  Server* const server_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_API_CLIENT_GATE_H_
