// The progress of everybody a leader sends the log to.
#ifndef RAFT_RAFT_TRACKER_PROGRESS_MAP_H_
#define RAFT_RAFT_TRACKER_PROGRESS_MAP_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "raft/tracker/config.h"
#include "raft/tracker/progress.h"
#include "raft/types.h"

namespace raft::tracker {

struct ProgressLimits {
  uint32_t max_inflight_msgs = 256;
  uint64_t max_inflight_bytes = 0;  // 0: no limit.
};

// A flat array in ascending order of ids, so that visiting is a walk and everybody is visited in
// the same order on every run. Exists only while leading. Holds exactly the tracked ids of the
// configuration it was last reconciled with.
class ProgressMap {
 public:
  using Item = std::pair<NodeId, Progress>;

  explicit ProgressMap(ProgressLimits limits) : limits_(limits) {}

  Progress* Find(NodeId id) {  // Null if not tracked. Groups are small: a walk is the shortest way.
    for (auto& [tracked, progress] : items_) {
      if (tracked == id) return &progress;
    }
    return nullptr;
  }
  const Progress* Find(NodeId id) const { return const_cast<ProgressMap*>(this)->Find(id); }
  std::vector<Item>::iterator begin() { return items_.begin(); }
  std::vector<Item>::iterator end() { return items_.end(); }
  std::vector<Item>::const_iterator begin() const { return items_.begin(); }
  std::vector<Item>::const_iterator end() const { return items_.end(); }
  size_t size() const { return items_.size(); }

  // Follows a configuration: who left is dropped; who is new, or in `joined` (left and came back
  // within one change), starts with nothing known, next at `next`, and counts as active so that
  // it is not taken for dead before it could speak (§6.2).
  void Reconcile(const Config& config, absl::Span<const NodeId> joined, Index next);

  // The largest index that the quorum of the configuration has acknowledged (§3.5; both halves when
  // joint). No allocation for up to 16 voters.
  Index CommittedIndex(const Config& config) const;
  // Whether a quorum is recently active, `self` counted as such (§6.2).
  bool QuorumActive(const Config& config, NodeId self) const;

 private:
  ProgressLimits limits_;
  std::vector<Item> items_;
};

}  // namespace raft::tracker

#endif  // RAFT_RAFT_TRACKER_PROGRESS_MAP_H_
