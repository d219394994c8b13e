#include "raft/tracker/ballots.h"

#include "absl/types/optional.h"
#include "raft/quorum/majority.h"

namespace raft::tracker {

void Ballots::Record(NodeId id, bool granted) {
  if (!VoteOf(id).has_value()) votes_.emplace_back(id, granted);
}

Ballots::Count Ballots::Tally(const Config& config) const {
  Count count;
  for (const auto& [id, granted] : votes_) {
    if (config.IsVoter(id)) ++(granted ? count.granted : count.rejected);
  }
  count.result = config.voters.CountVotes([this](NodeId id) { return VoteOf(id); });
  return count;
}

absl::optional<bool> Ballots::VoteOf(NodeId id) const {
  for (const auto& [voter, granted] : votes_) {
    if (voter == id) return granted;
  }
  return absl::nullopt;
}

}  // namespace raft::tracker
