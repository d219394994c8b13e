// The durable mark: how far the log certainly reached, outside of the log.
//
// The last batch of a log is ambiguous: if it is damaged, either the machine stopped while it was
// being written, or it was acknowledged and has rotted since. The mark says which. It is
// written after each batch was synced, without a sync of its own: after a crash of the process it
// is exact, after a crash of the machine it may be old, which only means to be less certain.
#ifndef RAFT_STORAGE_WAL_MARK_H_
#define RAFT_STORAGE_WAL_MARK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "storage/file_system.h"

namespace storage::wal {

struct Mark {
  uint64_t count = 0;     // Of marks written; the higher of two is the newer.
  uint64_t segment = 0;   // Exists, as all from the first needed to it.
  uint64_t batch = 0;     // Was durable, with all before it.
  uint64_t sequence = 0;  // Of its last frame.
  bool clean = false;     // The log was closed behind it.

  friend bool operator==(const Mark&, const Mark&) = default;
};

// A file of two copies, each in a sector of its own and written in turn, so that a torn write
// leaves the other:
//      0  magic "RMK1" 4, version 4, count 8, segment 8, batch 8, sequence 8, clean 4, zeros
//     60  checksum of bytes 0..59
//   4096  the second copy
class MarkFile {
 public:
  static constexpr uint64_t kCopyOffset = 4096;
  static constexpr size_t kCopyBytes = 64;
  static constexpr uint64_t kFileBytes = 2 * kCopyOffset;

  // Makes a file with `mark` in it, durable except for its name.
  static absl::StatusOr<std::unique_ptr<MarkFile>> Create(FileSystem& fs, const std::string& path,
                                                          const Mark& mark);
  static absl::StatusOr<std::unique_ptr<MarkFile>> Open(FileSystem& fs, const std::string& path);

  // The newest sound copy in a file; nothing if both were torn by a crash. NotFound if there is no
  // file, IsCorruption if it holds what no crash can make of a mark.
  static absl::StatusOr<absl::optional<Mark>> Read(FileSystem& fs, const std::string& path);

  // Writes over the older copy. mark.count is chosen here.
  absl::Status Write(Mark mark);
  absl::Status Sync() { return file_->Sync(); }

  const absl::optional<Mark>& newest() const { return newest_; }

 private:
  explicit MarkFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

  std::unique_ptr<File> file_;
  absl::optional<Mark> newest_;
};

}  // namespace storage::wal

#endif  // RAFT_STORAGE_WAL_MARK_H_
