// Joint quorums: while a membership change is under way, both majorities must agree (§4.3).
#ifndef RAFT_RAFT_QUORUM_JOINT_H_
#define RAFT_RAFT_QUORUM_JOINT_H_

#include <string>

#include "raft/quorum/majority.h"
#include "raft/quorum/rare_majority.h"

namespace raft::quorum {

// The outgoing half is empty unless the configuration is joint; an empty half agrees to all.
struct Joint {
  Majority incoming;
  RareMajority outgoing;

  bool contains(NodeId id) const { return incoming.contains(id) || outgoing.contains(id); }
  Majority All() const;  // The voters of both halves.

  // The smaller of both halves' committed indexes.
  Index CommittedIndex(absl::FunctionRef<absl::optional<Index>(NodeId)> acked) const;
  // Won if both halves are won, lost if one is lost.
  VoteResult CountVotes(absl::FunctionRef<absl::optional<bool>(NodeId)> vote) const;

  friend bool operator==(const Joint&, const Joint&) = default;
};

std::string Describe(const Joint& voters);  // `(1 2 3)&&(1 2)`, or `(1 2 3)`.

}  // namespace raft::quorum

#endif  // RAFT_RAFT_QUORUM_JOINT_H_
