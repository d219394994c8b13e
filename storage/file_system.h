// The operating system's files behind one interface, so that tests can be the operating system.
//
// The interface is as weak as the system calls underneath: a write may be short or interrupted, and
// nothing is durable before it was synced. WriteFully and ReadFully at the end are what other code
// uses. Implementations: posix_file_system.h, faulty_file_system.h.
//
// A FileSystem may be used by any number of threads. Paths are plain strings with '/'. Errors:
// NotFound (absl) if the path does not exist, AlreadyExists (absl) if it must not; NoSpace and
// IoError of storage/errors.h for the rest.
#ifndef RAFT_STORAGE_FILE_SYSTEM_H_
#define RAFT_STORAGE_FILE_SYSTEM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace storage {

// What disks read and write at once, mostly.
inline constexpr size_t kDirectWriteBytes = 512;

// An open file. Reading is safe from several threads at once, also while one other writes.
// Destroying it closes it and makes nothing durable.
class File {
 public:
  virtual ~File() = default;

  // Reads up to size bytes at offset; 0 means that the file ends there.
  virtual absl::StatusOr<size_t> Read(uint64_t offset, char* into, size_t size) const = 0;

  // Writes a beginning of the pieces, one after the other, at offset; says how many bytes. Fails
  // with IsInterrupted if it was interrupted before the first. Extends the file if needed.
  virtual absl::StatusOr<size_t> Write(uint64_t offset,
                                       absl::Span<const absl::string_view> pieces) = 0;

  // Reserves space up to `size` and makes the file at least that long; what is new reads as zeros.
  // After that, writes below `size` do not fail for lack of space.
  virtual absl::Status Allocate(uint64_t size) = 0;

  // Makes the file exactly `size` long; what is new reads as zeros.
  virtual absl::Status Truncate(uint64_t size) = 0;

  // Makes contents and size durable. After a failure nobody knows what is on disk, and asking again
  // proves nothing: the kernel may have dropped the unwritten pages and marked them clean.
  virtual absl::Status Sync() = 0;

  // WriteFully and Sync. Where the system can make both one request to the disk, past the page
  // cache, it does; that asks for a single piece whose place in memory, offset and size are
  // multiples of kDirectWriteBytes. An error means what an error of either would.
  virtual absl::Status WriteDurably(uint64_t offset, absl::Span<const absl::string_view> pieces);

  virtual absl::StatusOr<uint64_t> Size() const = 0;
};

// Held until destroyed, or until the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode : uint8_t {
  kRead,        // An existing file, to read.
  kReadDirect,  // The same past the page cache, where the file system can: what the disk has.
  kWrite,       // An existing file, to read and write.
  kCreate,      // A new file, to read and write, with mode 0600.
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;

  // With mode 0700. Fine if it exists. The parent must exist.
  virtual absl::Status CreateDirectory(const std::string& path) = 0;

  // Names (not paths) of what is inside, sorted.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;

  // Atomically gives a file another name in the same directory; a file of that name is replaced.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;  // A file, or an empty directory.

  // Makes creations, renames and removals inside the directory durable.
  virtual absl::Status SyncDirectory(const std::string& path) = 0;

  // Creates the file if needed. IsLocked if anybody else has it, in this process or another.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

// The system call did nothing and may be repeated. Only File::Write and File::Read make it.
absl::Status Interrupted();
bool IsInterrupted(const absl::Status& status);

// Writes all pieces, whatever it takes. After an error an unknown beginning was written.
absl::Status WriteFully(File& file, uint64_t offset, absl::Span<const absl::string_view> pieces);

// Reads size bytes, fewer only where the file ends; says how many.
absl::StatusOr<size_t> ReadFully(const File& file, uint64_t offset, char* into, size_t size);

// CreateDirectory for all that is missing of `path`, durable, as its last name is in any case.
absl::Status CreateDirectories(FileSystem& fs, const std::string& path);

// Whether there is something at `path`.
absl::StatusOr<bool> Exists(FileSystem& fs, const std::string& path);

std::string JoinPath(absl::string_view directory, absl::string_view name);

}  // namespace storage

#endif  // RAFT_STORAGE_FILE_SYSTEM_H_
