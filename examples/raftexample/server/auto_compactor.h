// When to compact without being asked (--auto-compaction-mode, --auto-compaction-retention).
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_AUTO_COMPACTOR_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_AUTO_COMPACTOR_H_

#include <cstdint>
#include <deque>

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace raftexample {

// Decides; reads no clock and compacts nothing. Not thread-safe.
class AutoCompactor {
 public:
  // Keeps what is younger than `period`: to be asked every interval(). Looks at no less than a
  // tenth of the period at a time.
  static AutoCompactor Periodic(absl::Duration period);
  // Keeps the last `revisions`.
  static AutoCompactor ByRevision(int64_t revisions);

  absl::Duration interval() const { return interval_; }

  // At `now` the store is at `revision`. What to compact, if anything; each revision once.
  absl::optional<int64_t> Tick(absl::Time now, int64_t revision);
  // Leadership was elsewhere: what was seen then counts for nothing.
  void Forget() { seen_.clear(); }

 private:
  struct Seen {
    absl::Time at;
    int64_t revision;
  };

  AutoCompactor(absl::Duration period, int64_t revisions, absl::Duration interval)
      : period_(period), revisions_(revisions), interval_(interval) {}

  absl::Duration period_;
  int64_t revisions_;
  absl::Duration interval_;
  std::deque<Seen> seen_;
  int64_t last_ = 0;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_AUTO_COMPACTOR_H_
