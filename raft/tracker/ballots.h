// The votes of one election (§3.4), or of the pre-election before it (§9.6).
#ifndef RAFT_RAFT_TRACKER_BALLOTS_H_
#define RAFT_RAFT_TRACKER_BALLOTS_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "raft/tracker/config.h"
#include "raft/types.h"

namespace raft::tracker {

class Ballots {
 public:
  struct Count {
    size_t granted = 0;
    size_t rejected = 0;
    quorum::VoteResult result = quorum::VoteResult::kPending;
  };

  // Of several answers of one server the first counts.
  void Record(NodeId id, bool granted);
  // Counts the answers of voters. Learners and servers that left while the votes were under way
  // have no say.
  Count Tally(const Config& config) const;

 private:
  absl::optional<bool> VoteOf(NodeId id) const;

  std::vector<std::pair<NodeId, bool>> votes_;
};

}  // namespace raft::tracker

#endif  // RAFT_RAFT_TRACKER_BALLOTS_H_
