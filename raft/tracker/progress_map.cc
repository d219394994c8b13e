#include "raft/tracker/progress_map.h"

#include <algorithm>

#include "absl/base/attributes.h"
#include "absl/types/optional.h"
#include "raft/check.h"
#include "raft/quorum/majority.h"

namespace raft::tracker {
namespace {

ABSL_ATTRIBUTE_ALWAYS_INLINE inline Index CommittedIndexOf(
    const quorum::Majority& voters, const std::vector<ProgressMap::Item>& items) {
  if (voters.empty()) return quorum::kInfinity;
  RAFT_CHECK(!items.empty() && items.back().first >= *(voters.end() - 1))
      << "there is no progress of " << *(voters.end() - 1);
  // Both ascend, so one walk along the items finds everybody; by the check it ends in time.
  return voters.CommittedIndex([item = items.data()](NodeId id) mutable {
    while (item->first < id) ++item;
    return item->first == id ? absl::make_optional(item->second.match()) : absl::nullopt;
  });
}

}  // namespace

void ProgressMap::Reconcile(const Config& config, absl::Span<const NodeId> joined, Index next) {
  std::vector<Item> items;
  config.VisitTracked([&](NodeId id) {
    Progress* known = Find(id);
    const bool starts_anew = std::find(joined.begin(), joined.end(), id) != joined.end();
    if (known != nullptr && !starts_anew) {
      items.emplace_back(id, std::move(*known));
      return;
    }
    items.emplace_back(id, Progress(next, limits_.max_inflight_msgs, limits_.max_inflight_bytes));
    items.back().second.set_recently_active(true);
  });
  items_ = std::move(items);
}

Index ProgressMap::CommittedIndex(const Config& config) const {
  const Index incoming = CommittedIndexOf(config.voters.incoming, items_);
  if (!config.joint()) return incoming;
  return std::min(incoming, CommittedIndexOf(config.voters.outgoing, items_));
}

bool ProgressMap::QuorumActive(const Config& config, NodeId self) const {
  const auto is_active = [&](NodeId id) -> absl::optional<bool> {
    const Progress* progress = Find(id);
    return id == self || (progress != nullptr && progress->recently_active());
  };
  return config.voters.CountVotes(is_active) == quorum::VoteResult::kWon;
}

}  // namespace raft::tracker
