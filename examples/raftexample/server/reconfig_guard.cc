#include "examples/raftexample/server/reconfig_guard.h"

#include <algorithm>

#include "examples/raftexample/proto/errors.h"

namespace raftexample {

using etcdserverpb::Member;
using internal::MemberChange;

namespace {

std::vector<Member> Voters(const ReconfigView& view) {
  std::vector<Member> voters;
  for (const Member& member : view.members) {
    if (!member.islearner()) voters.push_back(member);
  }
  return voters;
}

size_t Quorum(size_t voters) { return voters / 2 + 1; }

size_t CountStarted(const std::vector<Member>& members) {
  return std::count_if(members.begin(), members.end(),
                       [](const Member& member) { return !member.name().empty(); });
}

size_t CountConnected(const ReconfigView& view, const std::vector<Member>& members) {
  return std::count_if(members.begin(), members.end(), [&view](const Member& member) {
    return member.id() == view.self || view.connected_for(member.id()) >= kHealthyFor;
  });
}

absl::Status CheckAdd(const ReconfigView& view, bool learner) {
  const std::vector<Member> voters = Voters(view);
  const size_t started = CountStarted(voters);
  // One member may always get a second one: otherwise no cluster could grow.
  const bool first_to_grow = voters.size() == 1 && started == 1;
  if (!learner && !first_to_grow && started < Quorum(voters.size() + 1)) {
    return errors::kNotEnoughStarted;
  }
  if (CountConnected(view, voters) < voters.size()) return errors::kUnhealthy;
  return absl::OkStatus();
}

absl::Status CheckRemove(const ReconfigView& view, uint64_t id) {
  std::vector<Member> voters = Voters(view);
  const auto removed = std::find_if(voters.begin(), voters.end(),
                                    [id](const Member& member) { return member.id() == id; });
  if (removed == voters.end()) return absl::OkStatus();  // A learner.
  const size_t connected = CountConnected(view, voters);
  const bool is_down = id != view.self && view.connected_for(id) == absl::ZeroDuration();
  voters.erase(removed);
  if (voters.empty() || CountStarted(voters) < Quorum(voters.size())) {
    return errors::kNotEnoughStarted;
  }
  if (is_down) return absl::OkStatus();  // It is not part of the quorum that there is.
  if (connected - 1 < Quorum(voters.size())) return errors::kUnhealthy;
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckReconfiguration(const ReconfigView& view, const MemberChange& change) {
  switch (change.kind()) {
    case MemberChange::ADD: return CheckAdd(view, change.member().islearner());
    case MemberChange::REMOVE: return CheckRemove(view, change.member().id());
    case MemberChange::PROMOTE: return CheckAdd(view, /*learner=*/false);
    default: return absl::OkStatus();
  }
}

}  // namespace raftexample
