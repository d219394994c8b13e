// What every call of a server passes through, so that no handler has to think of it.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_RPC_GATE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_RPC_GATE_H_

#include <grpcpp/server_context.h>

#include <chrono>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace raftexample::rpc {

// One call, as far as it does not depend on its types.
struct CallInfo {
  const char* method = "";  // "/etcdserverpb.KV/Range"
  std::chrono::steady_clock::time_point start;
  // Found out by the gate: on whose behalf the call is made, and as of which rules.
  std::string user;
  uint64_t auth_revision = 0;
};

// Interceptor of calls: limits, authorisation, "no leader", metrics. Called on the event loop.
class Gate {
 public:
  virtual ~Gate() = default;
  // Whether the gate cannot tell yet; then `again` is called, on any thread, when it can.
  virtual bool MustWait(const grpc::ServerContext& context, std::function<void()> again) = 0;
  // Whether the call may go on. Of a stream of requests this is asked once, without one.
  virtual absl::Status Admit(const grpc::ServerContext& context,
                             const google::protobuf::Message* request, CallInfo& call) = 0;
  // The call was answered with this, at whatever thread.
  virtual void Finished(const CallInfo& call, const absl::Status& status) = 0;
};

// A status as gRPC has it. The codes are the same numbers, and the text goes to the client as it
// is.
inline grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

inline absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// The first value of a metadata key that the client sent; empty if there is none.
inline absl::string_view MetadataOf(const grpc::ServerContext& context, const char* key) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(key);
  if (found == metadata.end()) return "";
  return absl::string_view(found->second.data(), found->second.size());
}

}  // namespace raftexample::rpc

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_RPC_GATE_H_
