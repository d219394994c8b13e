// A disk in memory that can fail in every way that real ones do, as a function of a seed.
//
// It keeps apart what programs see (the page cache) and what a crash leaves (the disk). What was
// written, resized, created, renamed or removed and not yet synced may be lost, kept, torn or
// reordered by a crash, each operation by itself. Space that was reserved and never written takes
// no memory. Thread-safe, except for what follows a crash. It is a library for simulators and for
// tests of anything that writes through storage/file_system.h.
#ifndef RAFT_STORAGE_FAULTY_FILE_SYSTEM_H_
#define RAFT_STORAGE_FAULTY_FILE_SYSTEM_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/file_system.h"

namespace storage {

// One call that reached the disk.
struct DiskOperation {
  enum class Kind : uint8_t {
    kOpen,
    kCreate,
    kRead,
    kWrite,
    kAllocate,
    kTruncate,
    kSync,
    kSize,
    kCreateDirectory,
    kList,
    kRename,
    kRemove,
    kSyncDirectory,
    kLock,
  };
  Kind kind = Kind::kRead;
  absl::string_view path;  // As it was called when the file was opened. Valid during the call only.
  absl::string_view target;  // kRename: the new name.
  uint64_t offset = 0;       // kRead, kWrite; the size for kAllocate and kTruncate.
  uint64_t size = 0;         // kRead, kWrite.
  uint64_t number = 0;       // Counts the operations of this file system, from 0.
};
absl::string_view Name(DiskOperation::Kind kind);
std::string Describe(const DiskOperation& operation);

// What happens to an operation instead of success.
struct DiskFault {
  enum class Kind : uint8_t {
    kNone,
    kIoError,      // Nothing happens. A sync leaves everything unsynced.
    kNoSpace,      // Nothing happens.
    kInterrupted,  // Nothing happens, and it may be repeated. Only for kRead and kWrite.
    kShort,        // Only the first `keep` bytes (at least one) are read or written.
    kPartial,      // The first `keep` bytes are written, and then it fails: IoError.
    // kSync only. The pages are marked clean all the same: a later sync will not write them, and
    kSyncDropsPages,  // ..reads still see them until the machine crashes.
    kSyncLosesPages,  // ..reads see what the disk has from now on.
    kSyncLies,        // Reports success and does nothing; the disk loses its cache in a crash.
  };
  Kind kind = Kind::kNone;
  uint64_t keep = 0;
};

// Something unsynced: what a crash may lose.
struct UnsyncedOperation {
  // kWrite, kAllocate, kTruncate, kCreate, kCreateDirectory, kRename or kRemove.
  DiskOperation::Kind kind;
  std::string path;
  std::string target;
  uint64_t offset = 0;
  uint64_t size = 0;
};

class FaultyFileSystem : public FileSystem {
 public:
  static constexpr size_t kSectorBytes = 512;

  FaultyFileSystem();
  ~FaultyFileSystem() override;

  // --- FileSystem ---
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  absl::Status CreateDirectory(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

  // --- Faults while running ---

  // Asked before every operation; what it returns happens. Null: nothing fails.
  using FaultHook = std::function<DiskFault(const DiskOperation&)>;
  void SetFaultHook(FaultHook hook);

  // Called before every operation, for looking: at what is unsynced, or to make a crash image.
  using Observer = std::function<void(const DiskOperation&)>;
  void SetObserver(Observer observer);

  // Bytes that all files together may reserve. Beyond it NoSpace.
  void set_capacity(uint64_t bytes);

  // --- Crashes ---

  // What a crash now could lose, oldest first.
  std::vector<UnsyncedOperation> Unsynced() const;

  // For each unsynced operation, in the order of Unsynced(), how much of it reaches the disk.
  // For a write: which of its sectors, or, if `bytes` is set, of which bytes [0, keep) only.
  struct Fate {
    enum class Kind : uint8_t { kLost, kKept, kSectors, kPrefix, kSuffix };
    Kind kind = Kind::kKept;
    uint64_t mask = 0;   // kSectors: sector i of the write is kept if bit i % 64 is set.
    uint64_t bytes = 0;  // kPrefix: the first so many bytes are kept. kSuffix: all but them.
  };

  // The disk after a crash with these fates: everything open is closed, everything seen is on disk.
  // The file system itself does not change. Requires one fate per unsynced operation.
  std::unique_ptr<FaultyFileSystem> CrashImage(absl::Span<const Fate> fates) const;

  // Fates drawn from `random`, a state that is advanced: all kinds occur, also all lost and
  // all kept.
  std::vector<Fate> RandomFates(uint64_t& random) const;

  // Crashes this file system itself: files that are open return IoError from now on, locks are
  // gone, everything unsynced has met its fate.
  void Crash(absl::Span<const Fate> fates);
  void Crash(uint64_t& random) { Crash(RandomFates(random)); }
  // The process dies and the machine does not: as Crash, but nothing is lost or becomes durable.
  void KillProcess();

  // --- Looking, and damage ---

  // All files that exist now, by path.
  std::map<std::string, std::string> Contents() const;
  // A number that equal contents (names and bytes) share, and others almost certainly not.
  uint64_t Fingerprint() const;

  // Replaces or creates a file, both in the cache and on disk; the directory must exist.
  void Put(const std::string& path, absl::string_view contents);
  // Removes it likewise.
  void Drop(const std::string& path);
  // Flips bits of one byte in the cache and on disk: bit rot. False if it is beyond the end.
  bool Rot(const std::string& path, uint64_t offset, uint8_t mask);

  uint64_t operations() const;  // So far.
  uint64_t bytes_read_direct() const;

 private:
  class Disk;
  class OpenFile;
  class HeldLock;
  explicit FaultyFileSystem(std::shared_ptr<Disk> disk);

  std::shared_ptr<Disk> disk_;
};

}  // namespace storage

#endif  // RAFT_STORAGE_FAULTY_FILE_SYSTEM_H_
