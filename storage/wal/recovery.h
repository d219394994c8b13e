// Reads a whole log directory, changes nothing, and says what is in it or what is wrong with it.
#ifndef RAFT_STORAGE_WAL_RECOVERY_H_
#define RAFT_STORAGE_WAL_RECOVERY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "storage/file_system.h"
#include "storage/identity.h"
#include "storage/open_report.h"
#include "storage/wal/format.h"
#include "storage/wal/mark.h"
#include "storage/wal/reader.h"

namespace storage::wal {

struct SegmentFile {
  uint64_t segment = 0;
  uint64_t file_bytes = 0;
  uint64_t end = 0;  // Behind the last frame that counts.
};

// What a log directory holds.
struct LogContents {
  SegmentHead head;                       // Of the newest segment.
  std::vector<SegmentFile> segments;      // That count, without gaps, oldest first.
  Position end;                           // Where the next frame goes.
  Position last_batch;                    // Where the last batch begins.
  absl::optional<TornTail> torn_tail;     // Behind `end`, to be cut off.
  absl::optional<Mark> mark;              // Nothing: unreadable.
  std::vector<std::string> unfinished;    // Names of files that a crash left half made.
  std::vector<uint64_t> purged_segments;  // Purged, and still there.
  uint64_t frames = 0;
  uint64_t frame_bytes = 0;
};

// Gets what is read, in order. The frames of a torn tail may be seen, too: what OnFrame was given
// counts when OnBatch is called.
class LogVisitor {
 public:
  virtual ~LogVisitor() = default;

  // A frame of items; its items are checked by the visitor, which may refuse them.
  virtual absl::Status OnFrame(const std::string& path, const Frame& frame) = 0;
  virtual absl::Status OnBatch(uint64_t batch) = 0;

  // The newest segment that a kPurge item of a complete batch named; 0 if there was none.
  virtual uint64_t first_needed_segment() const = 0;

  // For long logs: bytes read so far, of how many.
  virtual void OnProgress(uint64_t /*bytes*/, uint64_t /*total*/) {}
};

struct ReadLogOptions {
  absl::optional<Identity> identity;  // Compared, if given.
  OpenMode mode = OpenMode::kRead;    // Or kReadDirect.
};

// IsNothingStored, or an error of the kinds of storage/errors.h.
absl::StatusOr<LogContents> ReadLog(FileSystem& fs, const std::string& directory,
                                    const ReadLogOptions& options, LogVisitor& visitor);

}  // namespace storage::wal

#endif  // RAFT_STORAGE_WAL_RECOVERY_H_
