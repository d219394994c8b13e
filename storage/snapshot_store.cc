#include "storage/snapshot_store.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "storage/snapshot_file.h"

namespace storage {

absl::StatusOr<std::unique_ptr<SnapshotStore>> SnapshotStore::Open(FileSystem& fs,
                                                                   std::string directory,
                                                                   const SnapshotOptions& options) {
  if (options.chunk_bytes == 0 || options.chunk_bytes > kMaxSnapshotChunkBytes) {
    return absl::InvalidArgumentError("chunk_bytes is not from 1 to 64 MiB");
  }
  if (absl::Status s = CreateDirectories(fs, directory); !s.ok()) return s;
  return std::unique_ptr<SnapshotStore>(new SnapshotStore(fs, std::move(directory), options));
}

std::string SnapshotStore::GroupDirectory(GroupId group) const {
  return JoinPath(directory_, absl::StrCat(absl::Hex(group, absl::kZeroPad16)));
}

absl::StatusOr<std::unique_ptr<SnapshotWriter>> SnapshotStore::Write(
    GroupId group, const raftpb::SnapshotMetadata& metadata) {
  const std::string directory = GroupDirectory(group);
  if (absl::Status s = CreateDirectories(fs_, directory); !s.ok()) return s;
  const std::string complete = JoinPath(directory, SnapshotName(metadata.id(), kCompleteSuffix));
  const absl::StatusOr<bool> exists = Exists(fs_, complete);
  if (!exists.ok()) return exists.status();
  if (*exists) return absl::AlreadyExistsError(absl::StrCat(complete, ": it is complete"));
  return OpenSnapshotWriter(fs_, directory,
                            {options_.identity.cluster_id, group, options_.chunk_bytes, metadata});
}

absl::StatusOr<std::unique_ptr<SnapshotReader>> SnapshotStore::Read(GroupId group,
                                                                    raft::EntryId id) const {
  return OpenSnapshotReader(fs_, JoinPath(GroupDirectory(group), SnapshotName(id, kCompleteSuffix)),
                            OpenMode::kRead, options_.identity.cluster_id, group, id);
}

absl::Status SnapshotStore::Save(GroupId group, const raftpb::Snapshot& snapshot) {
  absl::StatusOr<std::unique_ptr<SnapshotWriter>> writer = Write(group, snapshot.metadata);
  if (writer.ok() && (*writer)->offset() > 0) {
    // Begun before: nobody knows whether with the same data.
    if (absl::Status s = (*writer)->Discard(); !s.ok()) return s;
    writer = Write(group, snapshot.metadata);
  }
  if (absl::IsAlreadyExists(writer.status())) {
    // Its name may not have been durable when the process that made it ended.
    return fs_.SyncDirectory(GroupDirectory(group));
  }
  if (!writer.ok()) return writer.status();
  if (absl::Status s = (*writer)->Append(snapshot.data); !s.ok()) return s;
  return (*writer)->Commit();
}

absl::StatusOr<raftpb::SnapshotPtr> SnapshotStore::Load(GroupId group, raft::EntryId id) const {
  const absl::StatusOr<std::unique_ptr<SnapshotReader>> reader = Read(group, id);
  if (!reader.ok()) return reader.status();
  auto snapshot = std::make_shared<raftpb::Snapshot>();
  snapshot->metadata = (*reader)->metadata();
  while (true) {
    const absl::StatusOr<absl::Cord> chunk = (*reader)->Next();
    if (!chunk.ok()) return chunk.status();
    if (chunk->empty()) return snapshot;
    snapshot->data.Append(*chunk);
  }
}

absl::Status SnapshotStore::Verify(GroupId group, raft::EntryId id) const {
  const absl::StatusOr<std::unique_ptr<SnapshotReader>> reader =
      OpenSnapshotReader(fs_, JoinPath(GroupDirectory(group), SnapshotName(id, kCompleteSuffix)),
                         OpenMode::kReadDirect, options_.identity.cluster_id, group, id);
  if (!reader.ok()) return reader.status();
  while (true) {
    const absl::StatusOr<absl::Cord> chunk = (*reader)->Next();
    if (!chunk.ok()) return chunk.status();
    if (chunk->empty()) return absl::OkStatus();
  }
}

absl::StatusOr<std::vector<raft::EntryId>> SnapshotStore::List(GroupId group) const {
  const absl::StatusOr<std::vector<std::string>> names = fs_.List(GroupDirectory(group));
  if (absl::IsNotFound(names.status())) return std::vector<raft::EntryId>();
  if (!names.ok()) return names.status();
  std::vector<raft::EntryId> ids;  // In the order of the names: by index.
  for (const std::string& name : *names) {
    if (const auto id = ParseSnapshotName(name, kCompleteSuffix); id.has_value())
      ids.push_back(*id);
  }
  return ids;
}

absl::StatusOr<std::vector<GroupId>> SnapshotStore::Groups() const {
  const absl::StatusOr<std::vector<std::string>> names = fs_.List(directory_);
  if (!names.ok()) return names.status();
  std::vector<GroupId> groups;
  for (const std::string& name : *names) {
    GroupId group = 0;
    if (name.size() == 16 && absl::SimpleHexAtoi(name, &group)) groups.push_back(group);
  }
  return groups;
}

absl::Status SnapshotStore::RemoveOlderThan(GroupId group, raft::EntryId id) {
  const std::string directory = GroupDirectory(group);
  const absl::StatusOr<std::vector<std::string>> names = fs_.List(directory);
  if (absl::IsNotFound(names.status())) return absl::OkStatus();
  if (!names.ok()) return names.status();
  bool removed = false;
  for (const std::string& name : *names) {
    absl::optional<raft::EntryId> other = ParseSnapshotName(name, kCompleteSuffix);
    if (!other.has_value()) other = ParseSnapshotName(name, kPartialSuffix);
    if (!other.has_value() || other->index >= id.index) continue;
    if (absl::Status s = fs_.Remove(JoinPath(directory, name)); !s.ok()) return s;
    removed = true;
  }
  return removed ? fs_.SyncDirectory(directory) : absl::OkStatus();
}

absl::Status SnapshotStore::Remove(GroupId group, raft::EntryId id) {
  const std::string directory = GroupDirectory(group);
  const absl::Status removed = fs_.Remove(JoinPath(directory, SnapshotName(id, kCompleteSuffix)));
  if (absl::IsNotFound(removed)) return absl::OkStatus();
  return removed.ok() ? fs_.SyncDirectory(directory) : removed;
}

}  // namespace storage
