#include "examples/raftexample/transport/transport_owner.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace raftexample {
namespace {

constexpr absl::string_view kWasRemoved = " was removed from the cluster";

}  // namespace

absl::Status RemovedMember(raftpb::NodeId member) {
  return absl::FailedPreconditionError(absl::StrCat("member ", absl::Hex(member), kWasRemoved));
}

bool WasRemoved(const absl::Status& refusal) {
  return absl::IsFailedPrecondition(refusal) && absl::EndsWith(refusal.message(), kWasRemoved);
}

}  // namespace raftexample
