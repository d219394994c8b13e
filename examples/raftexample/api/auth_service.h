// etcdserverpb.Auth: users, roles, logins.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_API_AUTH_SERVICE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_API_AUTH_SERVICE_H_

#include "examples/raftexample/api/answering.h"
#include "examples/raftexample/proto/rpc.grpc.pb.h"
#include "examples/raftexample/rpc/server.h"

namespace raftexample {

class AuthService {
 public:
  explicit AuthService(const ApiContext& api) : api_(api) {}
  void AddTo(rpc::Server& server);

 private:
  using AuthenticateCall =
      rpc::UnaryCall<etcdserverpb::AuthenticateRequest, etcdserverpb::AuthenticateResponse>;

  void AddCommands(rpc::Server& server);
  void AddReads(rpc::Server& server);
  void Authenticate(AuthenticateCall* call);

  const ApiContext api_;
  etcdserverpb::Auth::AsyncService service_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_API_AUTH_SERVICE_H_
