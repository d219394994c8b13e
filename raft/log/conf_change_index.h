// Where membership changes stand in the log, so that nobody has to read it to find out.
#ifndef RAFT_RAFT_LOG_CONF_CHANGE_INDEX_H_
#define RAFT_RAFT_LOG_CONF_CHANGE_INDEX_H_

#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "raft/types.h"
#include "raftpb/entry.h"

namespace raft::log {

// Follows the log as it grows, is truncated and applied. Knows the log from complete_from() on; of
// what storage held before only what was noted. Changes are rare and few are unapplied, so this is
// nearly always empty (cockroach issue 104402: a scan at every election attempt is not).
class ConfChangeIndex {
 public:
  explicit ConfChangeIndex(Index complete_from) : complete_from_(complete_from) {}

  Index complete_from() const { return complete_from_; }

  // The entry was appended, at the end of the log.
  void Note(const raftpb::Entry& entry) {
    if (IsConfChange(entry)) indexes_.push_back(entry.index);
  }
  // The log ends before `index` now.
  void TruncateFrom(Index index) {
    while (!indexes_.empty() && indexes_.back() >= index) indexes_.pop_back();
    complete_from_ = std::min(complete_from_, index);
  }
  // Nobody will ask about indexes up to `applied` any more.
  void ForgetUpTo(Index applied) {
    if (!indexes_.empty()) {
      auto kept = std::upper_bound(indexes_.begin(), indexes_.end(), applied);
      indexes_.erase(indexes_.begin(), kept);
    }
    complete_from_ = std::max(complete_from_, applied + 1);
  }

  // Whether a change is known to stand in the range.
  bool AnyIn(IndexRange range) const {
    if (indexes_.empty()) return false;
    auto first = std::lower_bound(indexes_.begin(), indexes_.end(), range.begin);
    return first != indexes_.end() && *first < range.end;
  }

 private:
  absl::InlinedVector<Index, 2> indexes_;  // Ascending.
  Index complete_from_;
};

}  // namespace raft::log

#endif  // RAFT_RAFT_LOG_CONF_CHANGE_INDEX_H_
