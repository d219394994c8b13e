// Which changes of membership would put the quorum at risk (--strict-reconfig-check).
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_RECONFIG_GUARD_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_RECONFIG_GUARD_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "examples/raftexample/proto/internal.pb.h"
#include "examples/raftexample/proto/rpc.pb.h"

namespace raftexample {

// How long a connection must have lasted to count.
inline constexpr absl::Duration kHealthyFor = absl::Seconds(5);

// What the member that decides knows. A member has started once it has told its name.
struct ReconfigView {
  uint64_t self = 0;
  std::vector<etcdserverpb::Member> members;
  std::function<absl::Duration(uint64_t member)> connected_for;
};

// kNotEnoughStarted if fewer members than a quorum of the new configuration have started;
// kUnhealthy if too few are, or have long been, connected. OK for what cannot hurt.
absl::Status CheckReconfiguration(const ReconfigView& view, const internal::MemberChange& change);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_RECONFIG_GUARD_H_
