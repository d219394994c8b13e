#include "storage/faulty_file_system.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "storage/errors.h"
#include "storage/faulty_disk.h"

namespace storage {

namespace {

using Kind = DiskOperation::Kind;
using Fate = FaultyFileSystem::Fate;

using faulty::Bytes;
using faulty::Inode;
using faulty::InodePtr;
using faulty::ParentOf;
using faulty::PendingData;
using faulty::PendingName;

uint64_t NextRandom(uint64_t& state) {  // splitmix64
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

absl::Status MissingError(absl::string_view path) {
  return absl::NotFoundError(absl::StrCat(path, ": there is no such file"));
}

}  // namespace

absl::string_view Name(DiskOperation::Kind kind) {
  static constexpr absl::string_view kNames[] = {
      "open", "create", "read", "write",  "allocate", "truncate", "sync",
      "size", "mkdir",  "list", "rename", "remove",   "syncdir",  "lock"};
  return kNames[static_cast<size_t>(kind)];
}

std::string Describe(const DiskOperation& operation) {
  std::string text =
      absl::StrCat("#", operation.number, " ", Name(operation.kind), " ", operation.path);
  if (!operation.target.empty()) absl::StrAppend(&text, " to ", operation.target);
  if (operation.size > 0) absl::StrAppend(&text, " ", operation.size, " bytes");
  if (operation.offset > 0) absl::StrAppend(&text, " at ", operation.offset);
  return text;
}

class FaultyFileSystem::OpenFile : public File {
 public:
  OpenFile(std::shared_ptr<Disk> disk, InodePtr inode, std::string path, bool direct, bool writable)
      : disk_(std::move(disk)),
        inode_(std::move(inode)),
        path_(std::move(path)),
        direct_(direct),
        writable_(writable) {}

  absl::StatusOr<size_t> Read(uint64_t offset, char* into, size_t size) const override {
    const DiskFault fault = disk_->Begin(Kind::kRead, path_, offset, size);
    if (fault.kind == DiskFault::Kind::kInterrupted) return Interrupted();
    if (fault.kind == DiskFault::Kind::kShort) {
      size = std::min<uint64_t>(size, std::max<uint64_t>(fault.keep, 1));
    } else if (fault.kind != DiskFault::Kind::kNone) {
      return IoError(path_, "read failed");
    }
    absl::MutexLock lock(&disk_->mutex);
    if (disk_->dead) return IoError(path_, "the machine has crashed");
    if (direct_) {
      // Reading past the cache writes what is dirty first, as Linux does.
      disk_->SyncInode(*inode_);
      disk_->bytes_read_direct += size;
      return inode_->disk.Read(offset, into, size);
    }
    return inode_->cached.Read(offset, into, size);
  }

  absl::StatusOr<size_t> Write(uint64_t offset,
                               absl::Span<const absl::string_view> pieces) override {
    size_t size = 0;
    for (absl::string_view piece : pieces) size += piece.size();
    const DiskFault fault = disk_->Begin(Kind::kWrite, path_, offset, size);
    switch (fault.kind) {
      case DiskFault::Kind::kNone: break;
      case DiskFault::Kind::kInterrupted: return Interrupted();
      case DiskFault::Kind::kNoSpace: return NoSpace(path_, "write failed");
      case DiskFault::Kind::kShort:
        size = std::min<uint64_t>(size, std::max<uint64_t>(fault.keep, 1));
        break;
      case DiskFault::Kind::kPartial: size = std::min<uint64_t>(size, fault.keep); break;
      default: return IoError(path_, "write failed");
    }
    absl::MutexLock lock(&disk_->mutex);
    if (disk_->dead) return IoError(path_, "the machine has crashed");
    if (!writable_) return IoError(path_, "it was opened for reading");
    const uint64_t end = inode_->cached.size;
    if (offset + size > end && offset + size - end > disk_->Room()) {
      const uint64_t limit = end + disk_->Room();
      if (limit <= offset) return NoSpace(path_, "write failed");
      size = limit - offset;
    }
    uint64_t at = offset;
    size_t left = size;
    for (absl::string_view piece : pieces) {
      piece = piece.substr(0, std::min(left, piece.size()));
      if (!piece.empty()) inode_->cached.Write(at, piece);
      at += piece.size();
      left -= piece.size();
    }
    if (size > 0) disk_->Record(*inode_, Kind::kWrite, offset, pieces, size);
    if (fault.kind == DiskFault::Kind::kPartial) return IoError(path_, "write failed half-way");
    return size;
  }

  absl::Status Allocate(uint64_t size) override {
    if (absl::Status s = disk_->BeginWhole(Kind::kAllocate, path_, size); !s.ok()) return s;
    absl::MutexLock lock(&disk_->mutex);
    if (disk_->dead) return IoError(path_, "the machine has crashed");
    Bytes& cached = inode_->cached;
    if (size <= cached.size) return absl::OkStatus();
    if (size - cached.size > disk_->Room()) return NoSpace(path_, "allocate failed");
    cached.size = size;
    disk_->Record(*inode_, Kind::kAllocate, size, {}, 0);
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t size) override {
    if (absl::Status s = disk_->BeginWhole(Kind::kTruncate, path_, size); !s.ok()) return s;
    absl::MutexLock lock(&disk_->mutex);
    if (disk_->dead) return IoError(path_, "the machine has crashed");
    inode_->cached.Truncate(size);
    disk_->Record(*inode_, Kind::kTruncate, size, {}, 0);
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    const DiskFault fault = disk_->Begin(Kind::kSync, path_);
    absl::MutexLock lock(&disk_->mutex);
    if (disk_->dead) return IoError(path_, "the machine has crashed");
    switch (fault.kind) {
      case DiskFault::Kind::kNone: disk_->SyncInode(*inode_); return absl::OkStatus();
      case DiskFault::Kind::kSyncLies: return absl::OkStatus();
      case DiskFault::Kind::kSyncDropsPages: Disk::Forget(*inode_); break;
      case DiskFault::Kind::kSyncLosesPages:
        Disk::Forget(*inode_);
        inode_->cached = inode_->disk;
        break;
      default: break;
    }
    return SyncFailed(path_, "sync failed");
  }

  absl::StatusOr<uint64_t> Size() const override {
    if (absl::Status s = disk_->BeginWhole(Kind::kSize, path_); !s.ok()) return s;
    absl::MutexLock lock(&disk_->mutex);
    if (disk_->dead) return IoError(path_, "the machine has crashed");
    return inode_->cached.size;
  }

 private:
  const std::shared_ptr<Disk> disk_;
  const InodePtr inode_;
  const std::string path_;
  const bool direct_;
  const bool writable_;
};

class FaultyFileSystem::HeldLock : public FileLock {
 public:
  HeldLock(std::shared_ptr<Disk> disk, std::string path)
      : disk_(std::move(disk)), path_(std::move(path)) {}
  ~HeldLock() override {
    absl::MutexLock lock(&disk_->mutex);
    disk_->locked.erase(path_);
  }

 private:
  const std::shared_ptr<Disk> disk_;
  const std::string path_;
};

FaultyFileSystem::FaultyFileSystem() : FaultyFileSystem(std::make_shared<Disk>()) {}
FaultyFileSystem::FaultyFileSystem(std::shared_ptr<Disk> disk) : disk_(std::move(disk)) {}
FaultyFileSystem::~FaultyFileSystem() = default;

// --- FileSystem ----------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<File>> FaultyFileSystem::Open(const std::string& path,
                                                             OpenMode mode) {
  const bool create = mode == OpenMode::kCreate;
  if (absl::Status s = disk_->BeginWhole(create ? Kind::kCreate : Kind::kOpen, path); !s.ok()) {
    return s;
  }
  absl::MutexLock lock(&disk_->mutex);
  const auto it = disk_->names.find(path);
  InodePtr inode;
  if (create) {
    if (it != disk_->names.end()) {
      return absl::AlreadyExistsError(absl::StrCat(path, ": it exists"));
    }
    const std::string parent = ParentOf(path);
    if (parent != "." && !parent.empty() && disk_->names.count(parent) == 0) {
      return MissingError(parent);
    }
    inode = std::make_shared<Inode>();
    inode->path = path;
    disk_->Record(Kind::kCreate, path, "", inode);
  } else {
    if (it == disk_->names.end()) return MissingError(path);
    inode = it->second;
    if (inode->directory && mode != OpenMode::kRead) return IoError(path, "it is a directory");
  }
  const bool writable = create || mode == OpenMode::kWrite;
  return std::make_unique<OpenFile>(disk_, std::move(inode), path, mode == OpenMode::kReadDirect,
                                    writable);
}

absl::Status FaultyFileSystem::CreateDirectory(const std::string& path) {
  if (absl::Status s = disk_->BeginWhole(Kind::kCreateDirectory, path); !s.ok()) return s;
  absl::MutexLock lock(&disk_->mutex);
  if (disk_->names.count(path) > 0) return absl::OkStatus();
  auto inode = std::make_shared<Inode>();
  inode->path = path;
  inode->directory = true;
  disk_->Record(Kind::kCreateDirectory, path, "", std::move(inode));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> FaultyFileSystem::List(const std::string& path) {
  if (absl::Status s = disk_->BeginWhole(Kind::kList, path); !s.ok()) return s;
  absl::MutexLock lock(&disk_->mutex);
  if (disk_->names.count(path) == 0) return MissingError(path);
  std::vector<std::string> inside;
  const std::string prefix = path + "/";
  for (auto it = disk_->names.lower_bound(prefix); it != disk_->names.end(); ++it) {
    if (it->first.compare(0, prefix.size(), prefix) != 0) break;
    std::string name = it->first.substr(prefix.size());
    if (name.find('/') == std::string::npos) inside.push_back(std::move(name));
  }
  return inside;
}

absl::Status FaultyFileSystem::Rename(const std::string& from, const std::string& to) {
  if (absl::Status s = disk_->BeginWhole(Kind::kRename, from, 0, to); !s.ok()) return s;
  absl::MutexLock lock(&disk_->mutex);
  const auto it = disk_->names.find(from);
  if (it == disk_->names.end()) return MissingError(from);
  if (it->second->directory || ParentOf(from) != ParentOf(to)) {
    return IoError(from, "only files are renamed, and in their directory");
  }
  const InodePtr inode = it->second;
  disk_->Record(Kind::kRename, from, to, inode);
  return absl::OkStatus();
}

absl::Status FaultyFileSystem::Remove(const std::string& path) {
  if (absl::Status s = disk_->BeginWhole(Kind::kRemove, path); !s.ok()) return s;
  absl::MutexLock lock(&disk_->mutex);
  if (disk_->names.count(path) == 0) return MissingError(path);
  disk_->Record(Kind::kRemove, path, "", nullptr);
  return absl::OkStatus();
}

absl::Status FaultyFileSystem::SyncDirectory(const std::string& path) {
  const DiskFault fault = disk_->Begin(Kind::kSyncDirectory, path);
  if (fault.kind == DiskFault::Kind::kSyncLies) return absl::OkStatus();
  if (fault.kind != DiskFault::Kind::kNone) return SyncFailed(path, "sync failed");
  absl::MutexLock lock(&disk_->mutex);
  std::vector<PendingName> others;
  for (PendingName& op : disk_->unsynced_names) {
    if (ParentOf(op.path) == path) {
      Apply(op, disk_->disk_names);
    } else {
      others.push_back(std::move(op));
    }
  }
  disk_->unsynced_names = std::move(others);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<FileLock>> FaultyFileSystem::Lock(const std::string& path) {
  if (absl::Status s = disk_->BeginWhole(Kind::kLock, path); !s.ok()) return s;
  absl::MutexLock lock(&disk_->mutex);
  if (disk_->names.count(ParentOf(path)) == 0 && ParentOf(path) != ".") {
    return MissingError(ParentOf(path));
  }
  if (!disk_->locked.insert(path).second) return Locked(path);
  if (disk_->names.count(path) == 0) {
    auto inode = std::make_shared<Inode>();
    inode->path = path;
    disk_->Record(Kind::kCreate, path, "", std::move(inode));
  }
  return std::make_unique<HeldLock>(disk_, path);
}

// --- Faults and crashes --------------------------------------------------------------------------

void FaultyFileSystem::SetFaultHook(FaultHook hook) { disk_->fault_hook = std::move(hook); }
void FaultyFileSystem::SetObserver(Observer observer) { disk_->observer = std::move(observer); }
void FaultyFileSystem::set_capacity(uint64_t bytes) {
  absl::MutexLock lock(&disk_->mutex);
  disk_->capacity = bytes;
}

std::vector<UnsyncedOperation> FaultyFileSystem::Unsynced() const {
  absl::MutexLock lock(&disk_->mutex);
  std::vector<UnsyncedOperation> operations;
  for (const Disk::Unsynced& op : disk_->AllUnsynced()) {
    if (op.name != nullptr) {
      operations.push_back({op.name->kind, op.name->path, op.name->target, 0, 0});
    } else {
      const PendingData& data = op.inode->pending[op.index];
      operations.push_back({data.kind, op.inode->path, "", data.offset, data.size});
    }
  }
  return operations;
}

std::unique_ptr<FaultyFileSystem> FaultyFileSystem::CrashImage(absl::Span<const Fate> fates) const {
  absl::MutexLock lock(&disk_->mutex);
  return std::unique_ptr<FaultyFileSystem>(new FaultyFileSystem(disk_->AfterCrash(fates)));
}

std::vector<Fate> FaultyFileSystem::RandomFates(uint64_t& random) const {
  const std::vector<UnsyncedOperation> unsynced = Unsynced();
  const uint64_t mode = NextRandom(random) % 8;
  std::vector<Fate> fates(unsynced.size());
  for (size_t i = 0; i < fates.size(); ++i) {
    const uint64_t choice = NextRandom(random);
    Fate& fate = fates[i];
    if (mode == 0) {
      fate.kind = Fate::Kind::kLost;
    } else if (mode == 1) {
      fate.kind = Fate::Kind::kKept;
    } else if (unsynced[i].kind != Kind::kWrite) {
      fate.kind = choice % 2 == 0 ? Fate::Kind::kLost : Fate::Kind::kKept;
    } else {
      fate.kind = static_cast<Fate::Kind>(choice % 5);
      fate.mask = NextRandom(random);
      fate.bytes = NextRandom(random) % (unsynced[i].size + 1);
    }
  }
  return fates;
}

void FaultyFileSystem::Crash(absl::Span<const Fate> fates) {
  std::shared_ptr<Disk> after;
  {
    absl::MutexLock lock(&disk_->mutex);
    after = disk_->AfterCrash(fates);
    after->fault_hook = disk_->fault_hook;
    after->observer = disk_->observer;
    after->operations = disk_->operations;
    disk_->dead = true;
  }
  disk_ = std::move(after);
}

void FaultyFileSystem::KillProcess() {
  auto after = std::make_shared<Disk>();
  {
    absl::MutexLock lock(&disk_->mutex);
    after->fault_hook = disk_->fault_hook;
    after->observer = disk_->observer;
    after->capacity = disk_->capacity;
    after->operations = disk_->operations;
    after->changes = disk_->changes;
    after->names = disk_->names;
    after->disk_names = disk_->disk_names;
    after->unsynced_names = disk_->unsynced_names;
    disk_->dead = true;
  }
  disk_ = std::move(after);
}

// --- Looking, and damage -------------------------------------------------------------------------

std::map<std::string, std::string> FaultyFileSystem::Contents() const {
  absl::MutexLock lock(&disk_->mutex);
  std::map<std::string, std::string> contents;
  for (const auto& [path, inode] : disk_->names) {
    if (inode->directory) continue;
    std::string& bytes = contents[path];
    bytes = inode->cached.data;
    bytes.resize(inode->cached.size);
  }
  return contents;
}

uint64_t FaultyFileSystem::Fingerprint() const {
  absl::MutexLock lock(&disk_->mutex);
  uint64_t hash = 0;
  for (const auto& [path, inode] : disk_->names) {
    const Bytes& bytes = inode->cached;
    size_t end = bytes.data.size();
    while (end > 0 && bytes.data[end - 1] == '\0') --end;
    hash = XXH3_64bits_withSeed(path.data(), path.size(), hash);
    hash = XXH3_64bits_withSeed(&bytes.size, sizeof(bytes.size), hash);
    hash = XXH3_64bits_withSeed(bytes.data.data(), end, hash);
  }
  return hash;
}

void FaultyFileSystem::Put(const std::string& path, absl::string_view contents) {
  absl::MutexLock lock(&disk_->mutex);
  auto inode = std::make_shared<Inode>();
  inode->path = path;
  inode->cached.data = std::string(contents);
  inode->cached.size = contents.size();
  inode->disk = inode->cached;
  disk_->names[path] = inode;
  disk_->disk_names[path] = std::move(inode);
}

void FaultyFileSystem::Drop(const std::string& path) {
  absl::MutexLock lock(&disk_->mutex);
  disk_->names.erase(path);
  disk_->disk_names.erase(path);
}

bool FaultyFileSystem::Rot(const std::string& path, uint64_t offset, uint8_t mask) {
  absl::MutexLock lock(&disk_->mutex);
  const auto it = disk_->names.find(path);
  if (it == disk_->names.end() || offset >= it->second->cached.size) return false;
  for (Bytes* bytes : {&it->second->cached, &it->second->disk}) {
    if (offset >= bytes->size) continue;
    char byte = 0;
    bytes->Read(offset, &byte, 1);
    byte = static_cast<char>(static_cast<uint8_t>(byte) ^ mask);
    bytes->Write(offset, {&byte, 1});
  }
  return true;
}

uint64_t FaultyFileSystem::operations() const {
  absl::MutexLock lock(&disk_->mutex);
  return disk_->operations;
}

uint64_t FaultyFileSystem::bytes_read_direct() const {
  absl::MutexLock lock(&disk_->mutex);
  return disk_->bytes_read_direct;
}

}  // namespace storage
