#include "raft/quorum/joint.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace raft::quorum {

Majority Joint::All() const {
  Majority all = incoming;
  for (NodeId id : outgoing) all.Insert(id);
  return all;
}

Index Joint::CommittedIndex(absl::FunctionRef<absl::optional<Index>(NodeId)> acked) const {
  return std::min(incoming.CommittedIndex(acked), outgoing.ids().CommittedIndex(acked));
}

VoteResult Joint::CountVotes(absl::FunctionRef<absl::optional<bool>(NodeId)> vote) const {
  const VoteResult in = incoming.CountVotes(vote);
  const VoteResult out = outgoing.ids().CountVotes(vote);
  if (in == out) return in;
  const bool lost = in == VoteResult::kLost || out == VoteResult::kLost;
  return lost ? VoteResult::kLost : VoteResult::kPending;
}

std::string Describe(const Joint& voters) {
  if (voters.outgoing.empty()) return Describe(voters.incoming);
  return absl::StrCat(Describe(voters.incoming), "&&", Describe(voters.outgoing));
}

}  // namespace raft::quorum
