#include "examples/raftexample/transport/identity.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "examples/raftexample/rpc/gate.h"

namespace raftexample {
namespace {

constexpr char kCluster[] = "raft-cluster";
constexpr char kFrom[] = "raft-from";
constexpr char kTo[] = "raft-to";

// 0, which is nobody, if there is none.
uint64_t NumberIn(const grpc::ServerContext& context, const char* key) {
  uint64_t number = 0;
  if (!absl::SimpleHexAtoi(rpc::MetadataOf(context, key), &number)) return 0;
  return number;
}

}  // namespace

void WriteIdentity(const PeerIdentity& identity, grpc::ClientContext& context) {
  context.AddMetadata(kCluster, absl::StrCat(absl::Hex(identity.cluster)));
  context.AddMetadata(kFrom, absl::StrCat(absl::Hex(identity.from)));
  context.AddMetadata(kTo, absl::StrCat(absl::Hex(identity.to)));
}

absl::StatusOr<raftpb::NodeId> CheckIdentity(const grpc::ServerContext& context, uint64_t cluster,
                                             raftpb::NodeId self) {
  const uint64_t their_cluster = NumberIn(context, kCluster);
  const uint64_t from = NumberIn(context, kFrom);
  const uint64_t to = NumberIn(context, kTo);
  if (their_cluster == 0 || from == raftpb::kNone || to == raftpb::kNone) {
    return absl::UnauthenticatedError("the caller does not say which member it is");
  }
  if (their_cluster != cluster) {
    return absl::FailedPreconditionError(absl::StrCat("cluster ID mismatch: this is ",
                                                      absl::Hex(cluster), ", the caller's is ",
                                                      absl::Hex(their_cluster)));
  }
  if (to != self || from == self) {
    return absl::FailedPreconditionError(absl::StrCat(
        "member ID mismatch: this is ", absl::Hex(self), ", the caller means ", absl::Hex(to)));
  }
  return from;
}

}  // namespace raftexample
