#include "examples/raftexample/server/auto_compactor.h"

#include <algorithm>

namespace raftexample {
namespace {

constexpr absl::Duration kRevisionInterval = absl::Minutes(5);
constexpr absl::Duration kLongestPeriodicInterval = absl::Hours(1);

}  // namespace

AutoCompactor AutoCompactor::Periodic(absl::Duration period) {
  return AutoCompactor(period, 0, std::min(period, kLongestPeriodicInterval) / 10);
}

AutoCompactor AutoCompactor::ByRevision(int64_t revisions) {
  return AutoCompactor(absl::ZeroDuration(), revisions, kRevisionInterval);
}

absl::optional<int64_t> AutoCompactor::Tick(absl::Time now, int64_t revision) {
  int64_t target = revision - revisions_;
  if (revisions_ == 0) {
    // The newest revision that was already there one period ago.
    seen_.push_back({now, revision});
    target = 0;
    while (!seen_.empty() && seen_.front().at <= now - period_) {
      target = seen_.front().revision;
      seen_.pop_front();
    }
  }
  if (target <= std::max<int64_t>(last_, 0)) return absl::nullopt;
  last_ = target;
  return target;
}

}  // namespace raftexample
