// One batch of writes that are not on disk yet. Private to the backend.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_PENDING_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_PENDING_H_

#include <atomic>
#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "examples/raftexample/backend/bucket.h"
#include "raftpb/conf_state.h"
#include "raftpb/ids.h"

namespace raftexample {

// The writer adds; readers look, at the same time. An added change never moves and never changes,
// so a reader holds the lock only to find it.
class Pending {
 public:
  struct Change {
    std::string key;
    std::string value;
  };
  // A write to a small bucket; without a value a deletion. Nobody reads them before they are
  // flushed.
  struct Write {
    Bucket bucket;
    std::string key;
    absl::optional<std::string> value;
  };

  // --- The writer --------------------------------------------------------------------------------

  const Change& Append(std::string key, std::string value) ABSL_LOCKS_EXCLUDED(mutex_);
  void Add(Write write);
  void SetApplied(raftpb::EntryId applied) { applied_ = applied; }
  void SetConfState(const raftpb::ConfState& conf_state) { conf_state_ = conf_state; }

  // --- Readers, at any time ----------------------------------------------------------------------

  // How many changes there are. They only grow: a reader that remembers the count sees no others.
  size_t change_count() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The change at or after `key` among the first `count`; null if there is none.
  const Change* Find(absl::string_view key, size_t count) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Copies pointers to at most `max` of them, beginning at or after `key`.
  std::vector<const Change*> FindSome(absl::string_view key, size_t count, size_t max) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  // --- Whoever flushes it, when nobody adds any more ---------------------------------------------

  const std::deque<Change>& changes() const ABSL_NO_THREAD_SAFETY_ANALYSIS { return changes_; }
  const std::vector<Write>& writes() const { return writes_; }
  const absl::optional<raftpb::EntryId>& applied() const { return applied_; }
  const absl::optional<raftpb::ConfState>& conf_state() const { return conf_state_; }
  bool empty() const;

 private:
  size_t LowerBound(absl::string_view key, size_t count) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::deque<Change> changes_ ABSL_GUARDED_BY(mutex_);  // Ascending by key.
  std::vector<Write> writes_;
  absl::optional<raftpb::EntryId> applied_;
  absl::optional<raftpb::ConfState> conf_state_;
  std::atomic<size_t> bytes_{0};
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_PENDING_H_
