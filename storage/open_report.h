// What opening a log found and did.
#ifndef RAFT_STORAGE_OPEN_REPORT_H_
#define RAFT_STORAGE_OPEN_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"

namespace storage {

// A batch that was being written when the process or the machine stopped: it was never
// acknowledged, and has been cut off.
struct TornTail {
  std::string file;
  uint64_t offset = 0;    // Where the log ends now.
  uint64_t bytes = 0;     // From there to the last byte that is not zero.
  uint64_t sequence = 0;  // Of the first record lost.
};

// What opening found. Nothing here is an error.
struct OpenReport {
  absl::optional<TornTail> torn_tail;
  bool clean = false;                // The log was closed, not abandoned.
  bool mark_unreadable = false;      // Both copies; written anew.
  std::vector<std::string> removed;  // Files left behind by a crash: unfinished, or purged before.
  uint64_t segments = 0;
  uint64_t records = 0;
  uint64_t bytes = 0;  // Of records.
};

}  // namespace storage

#endif  // RAFT_STORAGE_OPEN_REPORT_H_
