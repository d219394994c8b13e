#include "storage/faulty_disk.h"

#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/check.h"
#include "storage/errors.h"

namespace storage {

namespace faulty {

std::string ParentOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

void Apply(const PendingName& op, Names& names) {
  switch (op.kind) {
    case DiskOperation::Kind::kRename:
      names.erase(op.path);
      names[op.target] = op.inode;
      break;
    case DiskOperation::Kind::kRemove: names.erase(op.path); break;
    default: names[op.path] = op.inode; break;
  }
}

}  // namespace faulty

namespace {

using Kind = DiskOperation::Kind;
using Fate = FaultyFileSystem::Fate;

using faulty::Apply;
using faulty::Bytes;
using faulty::ParentOf;
using faulty::PendingData;

void Apply(const PendingData& op, absl::string_view bytes, const Fate& fate, Bytes& to) {
  if (fate.kind == Fate::Kind::kLost) return;
  if (op.kind == Kind::kTruncate) return to.Truncate(op.offset);
  if (op.kind == Kind::kAllocate) {
    to.size = std::max(to.size, op.offset);
    return;
  }
  switch (fate.kind) {
    case Fate::Kind::kLost: return;
    case Fate::Kind::kKept: return to.Write(op.offset, bytes);
    case Fate::Kind::kPrefix:
      return to.Write(op.offset, bytes.substr(0, std::min<uint64_t>(fate.bytes, bytes.size())));
    case Fate::Kind::kSuffix: {
      const uint64_t skipped = std::min<uint64_t>(fate.bytes, bytes.size());
      return to.Write(op.offset + skipped, bytes.substr(skipped));
    }
    case Fate::Kind::kSectors: break;
  }
  // The new size can be on disk without the data.
  to.size = std::max(to.size, op.offset + bytes.size());
  uint64_t at = op.offset;
  for (size_t sector = 0; !bytes.empty(); ++sector) {
    const size_t n = std::min<uint64_t>(
        bytes.size(), FaultyFileSystem::kSectorBytes - at % FaultyFileSystem::kSectorBytes);
    if ((fate.mask >> (sector % 64) & 1) != 0) to.Write(at, bytes.substr(0, n));
    bytes.remove_prefix(n);
    at += n;
  }
}

}  // namespace

DiskFault FaultyFileSystem::Disk::Begin(Kind kind, absl::string_view path, uint64_t offset,
                                        uint64_t size, absl::string_view target) {
  DiskOperation operation{kind, path, target, offset, size, 0};
  {
    absl::MutexLock lock(&mutex);
    operation.number = operations++;
  }
  if (observer) observer(operation);
  return fault_hook ? fault_hook(operation) : DiskFault();
}

absl::Status FaultyFileSystem::Disk::BeginWhole(Kind kind, absl::string_view path, uint64_t offset,
                                                absl::string_view target) {
  const DiskFault fault = Begin(kind, path, offset, 0, target);
  switch (fault.kind) {
    case DiskFault::Kind::kNone: return absl::OkStatus();
    case DiskFault::Kind::kNoSpace: return NoSpace(path, absl::StrCat(Name(kind), " failed"));
    default: return IoError(path, absl::StrCat(Name(kind), " failed"));
  }
}

uint64_t FaultyFileSystem::Disk::Used() const {
  uint64_t used = 0;
  for (const auto& [path, inode] : names) used += inode->cached.size;
  return used;
}

uint64_t FaultyFileSystem::Disk::Room() const {
  if (capacity == UINT64_MAX) return capacity;
  const uint64_t used = Used();
  return used < capacity ? capacity - used : 0;
}

void FaultyFileSystem::Disk::Record(Inode& inode, Kind kind, uint64_t offset,
                                    absl::Span<const absl::string_view> pieces, size_t size) {
  PendingData& op = inode.pending.emplace_back();
  op.number = ++changes;
  op.kind = kind;
  op.offset = offset;
  op.begin = inode.unsynced.size();
  op.size = size;
  for (absl::string_view piece : pieces) {
    piece = piece.substr(0, std::min(size, piece.size()));
    inode.unsynced.append(piece.data(), piece.size());
    size -= piece.size();
  }
}

void FaultyFileSystem::Disk::Record(Kind kind, const std::string& path, const std::string& target,
                                    InodePtr inode) {
  unsynced_names.push_back({++changes, kind, path, target, std::move(inode)});
  Apply(unsynced_names.back(), names);
}

void FaultyFileSystem::Disk::SyncInode(Inode& inode) {
  for (const PendingData& op : inode.pending) {
    Apply(op, absl::string_view(inode.unsynced).substr(op.begin, op.size), Fate(), inode.disk);
  }
  Forget(inode);
}

void FaultyFileSystem::Disk::Forget(Inode& inode) {
  inode.pending.clear();
  inode.unsynced.clear();
}

std::vector<faulty::InodePtr> FaultyFileSystem::Disk::Inodes() const {
  std::set<InodePtr> all;
  for (const auto& [path, inode] : names) all.insert(inode);
  for (const auto& [path, inode] : disk_names) all.insert(inode);
  for (const PendingName& op : unsynced_names) {
    if (op.inode != nullptr) all.insert(op.inode);
  }
  return {all.begin(), all.end()};
}

std::vector<FaultyFileSystem::Disk::Unsynced> FaultyFileSystem::Disk::AllUnsynced() const {
  std::vector<Unsynced> all;
  for (const PendingName& op : unsynced_names) all.push_back({op.number, &op, nullptr, 0});
  for (const InodePtr& inode : Inodes()) {
    for (size_t i = 0; i < inode->pending.size(); ++i) {
      all.push_back({inode->pending[i].number, nullptr, inode, i});
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Unsynced& a, const Unsynced& b) { return a.number < b.number; });
  return all;
}

std::shared_ptr<FaultyFileSystem::Disk> FaultyFileSystem::Disk::AfterCrash(
    absl::Span<const Fate> fates) const {
  const std::vector<Unsynced> unsynced = AllUnsynced();
  RAFT_CHECK(unsynced.size() == fates.size())
      << fates.size() << " fates for " << unsynced.size() << " operations";
  Names after = disk_names;
  std::map<const Inode*, Bytes> contents;
  for (size_t i = 0; i < unsynced.size(); ++i) {
    const Unsynced& op = unsynced[i];
    if (op.name != nullptr) {
      if (fates[i].kind != Fate::Kind::kLost) Apply(*op.name, after);
      continue;
    }
    const PendingData& data = op.inode->pending[op.index];
    const auto bytes = contents.try_emplace(op.inode.get(), op.inode->disk).first;
    Apply(data, absl::string_view(op.inode->unsynced).substr(data.begin, data.size), fates[i],
          bytes->second);
  }
  auto disk = std::make_shared<Disk>();
  disk->capacity = capacity;
  for (const auto& [path, inode] : after) {  // Parents come before their children.
    const std::string parent = ParentOf(path);
    if (parent != "." && !parent.empty() && disk->names.count(parent) == 0) continue;
    auto copy = std::make_shared<Inode>();
    copy->path = path;
    copy->directory = inode->directory;
    const auto changed = contents.find(inode.get());
    copy->disk = changed == contents.end() ? inode->disk : changed->second;
    copy->cached = copy->disk;
    disk->names[path] = std::move(copy);
  }
  disk->disk_names = disk->names;
  return disk;
}

}  // namespace storage
