#include "examples/raftexample/server/data_directory.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "raftpb/wire.h"
#include "storage/errors.h"

namespace raftexample {
namespace {

constexpr char kLock[] = "LOCK";
constexpr char kIdentity[] = "IDENTITY";
constexpr char kInstalling[] = "INSTALLING";
constexpr char kUnfinished[] = ".new";  // Behind the name of a file that is being written.
constexpr char kFormat[] = "raftexample data directory, format 1";

// Names that may be here before there is an identity. The last one comes with a file system.
constexpr const char* kOurs[] = {kLock, "IDENTITY.new", "log", "snapshots", "store", "lost+found"};

absl::Status Within(const std::string& path, const absl::Status& why) {
  return absl::Status(why.code(), absl::StrCat("data directory ", path, ": ", why.message()));
}

// Removes a directory of files and directories.
absl::Status RemoveAll(storage::FileSystem& fs, const std::string& path) {
  absl::StatusOr<std::vector<std::string>> names = fs.List(path);
  if (names.ok()) {
    for (const std::string& name : *names) {
      absl::Status removed = RemoveAll(fs, storage::JoinPath(path, name));
      if (!removed.ok()) return removed;
    }
  }
  absl::Status removed = fs.Remove(path);
  return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Open(storage::FileSystem& fs,
                                                                   std::string path) {
  std::unique_ptr<DataDirectory> directory(new DataDirectory(fs, std::move(path)));
  const auto open = [&directory, &fs] {
    if (absl::Status made = storage::CreateDirectories(fs, directory->path_); !made.ok()) {
      return made;
    }
    if (absl::Status ours = directory->CheckContents(); !ours.ok()) return ours;
    absl::StatusOr<std::unique_ptr<storage::FileLock>> lock = fs.Lock(directory->File(kLock));
    if (!lock.ok()) {
      if (storage::IsLocked(lock.status()))
        return absl::UnavailableError("in use by another process");
      return lock.status();
    }
    directory->lock_ = *std::move(lock);
    return directory->ReadIdentity();
  };
  if (absl::Status opened = open(); !opened.ok()) return Within(directory->path_, opened);
  return directory;
}

// Before anything is written: nobody wants a lock file of ours among other things.
absl::Status DataDirectory::CheckContents() const {
  absl::StatusOr<std::vector<std::string>> names = fs_.List(path_);
  if (!names.ok()) return names.status();
  if (std::find(names->begin(), names->end(), kIdentity) != names->end()) return absl::OkStatus();
  for (const std::string& name : *names) {
    if (std::find(std::begin(kOurs), std::end(kOurs), name) == std::end(kOurs)) {
      return absl::FailedPreconditionError(
          absl::StrCat("holds \"", name, "\", which is not ours; use an empty directory"));
    }
  }
  return absl::OkStatus();
}

// Three lines of text: the format, the IDs, how it came to be.
absl::Status DataDirectory::ReadIdentity() {
  absl::StatusOr<std::string> content = ReadFile(kIdentity);
  if (absl::IsNotFound(content.status())) return absl::OkStatus();
  if (!content.ok()) return content.status();
  const std::vector<std::string> lines = absl::StrSplit(*content, '\n');
  Identity identity;
  const bool readable = lines.size() == 5 && lines[0] == kFormat && lines[4].empty() &&
                        absl::SimpleHexAtoi(lines[1], &identity.ids.cluster_id) &&
                        absl::SimpleHexAtoi(lines[2], &identity.ids.node_id) &&
                        (lines[3] == "joined" || lines[3] == "founded");
  if (!readable) {
    return absl::FailedPreconditionError(
        absl::StrCat(kIdentity, " is not ours, damaged, or of a newer version"));
  }
  identity.joined = lines[3] == "joined";
  identity_ = identity;
  return absl::OkStatus();
}

absl::Status DataDirectory::RemoveLeftovers() {
  for (const std::string& path : {log(), snapshots(), store()}) {
    absl::StatusOr<bool> exists = storage::Exists(fs_, path);
    if (!exists.ok()) return Within(path_, exists.status());
    if (!*exists) continue;
    if (absl::Status removed = RemoveAll(fs_, path); !removed.ok()) return Within(path_, removed);
  }
  return absl::OkStatus();
}

absl::Status DataDirectory::Found(const Identity& identity) {
  identity_ = identity;
  return WriteFile(kIdentity, absl::StrCat(kFormat, "\n", absl::Hex(identity.ids.cluster_id), "\n",
                                           absl::Hex(identity.ids.node_id), "\n",
                                           identity.joined ? "joined" : "founded", "\n"));
}

absl::Status DataDirectory::SetInstalling(const raftpb::SnapshotMetadata& snapshot) {
  return WriteFile(kInstalling, raftpb::Encode(snapshot));
}

absl::Status DataDirectory::ClearInstalling() {
  absl::Status removed = fs_.Remove(File(kInstalling));
  if (absl::IsNotFound(removed)) return absl::OkStatus();
  if (removed.ok()) removed = fs_.SyncDirectory(path_);
  return removed;
}

absl::StatusOr<absl::optional<raftpb::SnapshotMetadata>> DataDirectory::Installing() const {
  absl::StatusOr<std::string> content = ReadFile(kInstalling);
  if (absl::IsNotFound(content.status())) return absl::optional<raftpb::SnapshotMetadata>();
  if (!content.ok()) return content.status();
  raftpb::SnapshotMetadata snapshot;
  absl::Status read = raftpb::Decode(*content, snapshot);
  if (!read.ok()) return Within(path_, read);
  return absl::optional<raftpb::SnapshotMetadata>(std::move(snapshot));
}

// Either the old content or the new one survives a crash.
absl::Status DataDirectory::WriteFile(const char* name, absl::string_view content) {
  const std::string unfinished = File(name) + kUnfinished;
  fs_.Remove(unfinished).IgnoreError();
  absl::StatusOr<std::unique_ptr<storage::File>> file =
      fs_.Open(unfinished, storage::OpenMode::kCreate);
  if (!file.ok()) return Within(path_, file.status());
  absl::Status written = storage::WriteFully(**file, 0, {content});
  if (written.ok()) written = (*file)->Sync();
  if (written.ok()) written = fs_.Rename(unfinished, File(name));
  if (written.ok()) written = fs_.SyncDirectory(path_);
  return written.ok() ? written : Within(path_, written);
}

absl::StatusOr<std::string> DataDirectory::ReadFile(const char* name) const {
  absl::StatusOr<std::unique_ptr<storage::File>> file =
      fs_.Open(File(name), storage::OpenMode::kRead);
  if (!file.ok()) return file.status();
  absl::StatusOr<uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  std::string content(*size, '\0');
  absl::StatusOr<size_t> read = storage::ReadFully(**file, 0, content.data(), content.size());
  if (!read.ok()) return read.status();
  content.resize(*read);
  return content;
}

}  // namespace raftexample
