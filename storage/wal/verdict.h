// What a finding at the end of what can be read means: the recovery table, as a function that has
// an answer for every combination of findings (docs/storage-format.md; verdict_test.cc).
#ifndef RAFT_STORAGE_WAL_VERDICT_H_
#define RAFT_STORAGE_WAL_VERDICT_H_

#include <cstdint>

#include "storage/wal/reader.h"

namespace storage::wal {

// Why a segment could not be read on.
struct Findings {
  Found found = Found::kEnd;  // Not kFrame.
  bool last_segment = false;  // There is no later one.
  bool batch_open = false;    // The frames before are an unfinished batch.
  bool bytes_behind = false;  // Something that is not zero follows.
  bool later_batch = false;   // A sound header of a later batch follows.
  bool below_mark = false;    // The durable mark says that this batch was complete.
};

enum class Verdict : uint8_t {
  kNextSegment,  // The segment ends here, and the next follows.
  kEndOfLog,     // Nothing was being written.
  kTornTail,     // The last batch was being written; it is cut off, and reported.
  kCorruption,
  kMisplaced,
  kBadFormat,
};

// Batch n+1 is not written before batch n was synced, and no segment is begun before the one
// before was. So only a batch that nothing follows, and that no mark vouches for, can be torn.
constexpr Verdict Judge(const Findings& f) {
  if (f.found == Found::kUnknownVersion) return Verdict::kBadFormat;
  if (f.found == Found::kMisplaced) return Verdict::kMisplaced;
  const bool nothing_lost = f.found == Found::kEnd && !f.batch_open && !f.bytes_behind;
  if (!f.last_segment) return nothing_lost ? Verdict::kNextSegment : Verdict::kCorruption;
  if (f.later_batch || f.below_mark) return Verdict::kCorruption;
  return nothing_lost ? Verdict::kEndOfLog : Verdict::kTornTail;
}

}  // namespace storage::wal

#endif  // RAFT_STORAGE_WAL_VERDICT_H_
