// Who is talking to whom, in the metadata of every call between members.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_IDENTITY_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_IDENTITY_H_

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "raftpb/ids.h"

namespace raftexample {

// The two ends of a call. A member that was set up anew under an old address, or belongs to another
// cluster, must not take part by mistake.
struct PeerIdentity {
  uint64_t cluster = 0;
  raftpb::NodeId from = raftpb::kNone;
  raftpb::NodeId to = raftpb::kNone;
};

void WriteIdentity(const PeerIdentity& identity, grpc::ClientContext& context);

// The caller. FailedPrecondition if it does not mean `self` of `cluster`; Unauthenticated if it
// says nothing.
absl::StatusOr<raftpb::NodeId> CheckIdentity(const grpc::ServerContext& context, uint64_t cluster,
                                             raftpb::NodeId self);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_IDENTITY_H_
