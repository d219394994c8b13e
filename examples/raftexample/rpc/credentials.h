// Plain or TLS, for either end of a connection.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_RPC_CREDENTIALS_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_RPC_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "absl/status/statusor.h"
#include "examples/raftexample/server/config.h"

namespace raftexample::rpc {

// Of a listener. Errors: files that cannot be read.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ListenCredentials(const Url& url,
                                                                           const TlsFiles& files);
// Of a connection to another member.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> DialCredentials(const Url& url,
                                                                          const TlsFiles& files);

}  // namespace raftexample::rpc

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_RPC_CREDENTIALS_H_
