// Only for faulty_*.cc: what a FaultyFileSystem keeps. Each file has its bytes twice, as programs
// see them and as a crash would leave them, and what stands between the two: the changes that were
// not synced, of contents per file and of names for the whole disk.
#ifndef RAFT_STORAGE_FAULTY_DISK_H_
#define RAFT_STORAGE_FAULTY_DISK_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "storage/faulty_file_system.h"

namespace storage {

namespace faulty {

// The bytes of a file; those from data.size() to size are zeros.
struct Bytes {
  std::string data;
  uint64_t size = 0;

  void Write(uint64_t offset, absl::string_view bytes) {
    if (offset + bytes.size() > data.size()) data.resize(offset + bytes.size());
    std::memcpy(data.data() + offset, bytes.data(), bytes.size());
    size = std::max(size, offset + bytes.size());
  }
  void Truncate(uint64_t to) {
    if (data.size() > to) data.resize(to);
    size = to;
  }
  size_t Read(uint64_t offset, char* into, size_t count) const {
    if (offset >= size) return 0;
    count = std::min<uint64_t>(count, size - offset);
    const size_t there = offset < data.size() ? std::min<size_t>(count, data.size() - offset) : 0;
    if (there > 0) std::memcpy(into, data.data() + offset, there);
    std::memset(into + there, 0, count - there);
    return count;
  }
};

// A change of a file that is not on disk yet. What is written stands in the file's `unsynced`.
struct PendingData {
  uint64_t number = 0;
  DiskOperation::Kind kind = DiskOperation::Kind::kWrite;
  uint64_t offset = 0;  // The size for kAllocate and kTruncate.
  size_t begin = 0;
  size_t size = 0;
};

struct Inode {
  std::string path;  // When it was created; for reports.
  bool directory = false;
  Bytes cached;
  Bytes disk;
  std::vector<PendingData> pending;
  std::string unsynced;  // The bytes of all pending writes; keeps its memory.
};
using InodePtr = std::shared_ptr<Inode>;

// A change of names that is not on disk yet.
struct PendingName {
  uint64_t number = 0;
  DiskOperation::Kind kind = DiskOperation::Kind::kCreate;
  std::string path;
  std::string target;
  InodePtr inode;
};

using Names = std::map<std::string, InodePtr>;

std::string ParentOf(const std::string& path);  // "." for a path without '/'.

// A change of names meets `names`.
void Apply(const PendingName& op, Names& names);

}  // namespace faulty

// What all handles of one file system share.
class FaultyFileSystem::Disk {
 public:
  using Kind = DiskOperation::Kind;
  using Inode = faulty::Inode;
  using InodePtr = faulty::InodePtr;
  using Names = faulty::Names;
  using PendingName = faulty::PendingName;

  // --- Without the mutex ---

  // Reports an operation to whoever watches, and asks what becomes of it.
  DiskFault Begin(Kind kind, absl::string_view path, uint64_t offset = 0, uint64_t size = 0,
                  absl::string_view target = "");

  // For operations that either happen or do not.
  absl::Status BeginWhole(Kind kind, absl::string_view path, uint64_t offset = 0,
                          absl::string_view target = "");

  // --- With it ---

  // By how many bytes all files together may grow.
  uint64_t Room() const;

  // A change of a file's contents, which its cache has seen already: the first `size` bytes of the
  // pieces, at `offset`.
  void Record(Inode& inode, Kind kind, uint64_t offset, absl::Span<const absl::string_view> pieces,
              size_t size);

  // A change of names. The cache sees it now.
  void Record(Kind kind, const std::string& path, const std::string& target, InodePtr inode);

  void SyncInode(Inode& inode);      // What is unsynced reaches the disk.
  static void Forget(Inode& inode);  // It never will.

  // What is unsynced, oldest first: either a change of names, or the n-th change of a file. Valid
  // until something changes.
  struct Unsynced {
    uint64_t number = 0;
    const PendingName* name = nullptr;
    InodePtr inode;
    size_t index = 0;
  };
  std::vector<Unsynced> AllUnsynced() const;

  // The disk after a crash.
  std::shared_ptr<Disk> AfterCrash(absl::Span<const Fate> fates) const;

  mutable absl::Mutex mutex;
  FaultHook fault_hook;
  Observer observer;
  uint64_t capacity = UINT64_MAX;
  uint64_t operations = 0;
  uint64_t changes = 0;
  uint64_t bytes_read_direct = 0;
  bool dead = false;  // Crashed: a new one has taken over.

  Names names;       // What programs see.
  Names disk_names;  // What a crash leaves.
  std::vector<PendingName> unsynced_names;
  std::set<std::string> locked;

 private:
  uint64_t Used() const;
  std::vector<InodePtr> Inodes() const;  // Every one that has, had or may get a name.
};

}  // namespace storage

#endif  // RAFT_STORAGE_FAULTY_DISK_H_
