// Lines about what took long, and not too many of them.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_SLOW_LOG_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_SLOW_LOG_H_

#include <cstdint>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "raft/logger.h"

namespace raftexample {

// A slow disk makes everything slow: beyond a few lines per second the rest is only counted, and
// named in the next line. Thread-safe.
class SlowLog {
 public:
  explicit SlowLog(raft::Logger* logger, int lines_per_second = 10)
      : logger_(logger), lines_per_second_(lines_per_second) {}

  // "WHAT took 312ms"; `details` follow, if there are any.
  void Tell(absl::string_view what, absl::Duration took, absl::string_view details,
            absl::Time now = absl::Now()) {
    const int64_t unsaid = Claim(now);
    if (unsaid < 0) return;
    RAFT_LOG(logger_, kWarn, what, " took ", absl::FormatDuration(absl::Trunc(took, kUnit)),
             details.empty() ? "" : "; ", details,
             unsaid == 0 ? "" : absl::StrCat("; ", unsaid, " more were slow since the last line"));
  }

 private:
  static inline const absl::Duration kUnit = absl::Microseconds(100);

  // How many were not told since the last line; negative if this is not to be told, either.
  int64_t Claim(absl::Time now) {
    absl::MutexLock lock(&mutex_);
    if (now - second_ >= absl::Seconds(1)) {
      second_ = now;
      lines_ = 0;
    }
    if (lines_ == lines_per_second_) {
      ++unsaid_;
      return -1;
    }
    ++lines_;
    return std::exchange(unsaid_, 0);
  }

  raft::Logger* const logger_;
  const int lines_per_second_;
  absl::Mutex mutex_;
  absl::Time second_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  int lines_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t unsaid_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_SLOW_LOG_H_
