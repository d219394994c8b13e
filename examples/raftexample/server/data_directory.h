// The directory of one member: whose it is, and where its parts are.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_DATA_DIRECTORY_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_DATA_DIRECTORY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "raftpb/snapshot.h"
#include "storage/file_system.h"
#include "storage/identity.h"

namespace raftexample {

//   LOCK         held while a process has the directory
//   IDENTITY     cluster and member; written last when a member is founded, never changed
//   INSTALLING   while the state machine is being replaced by a snapshot
//   log/         the write-ahead log                    (storage/log_store.h)
//   snapshots/   where the log has been cut             (storage/snapshot_store.h)
//   store/       the state machine                      (backend/)
//
// Directories are made with mode 0700, files with 0600. Not thread-safe.
class DataDirectory {
 public:
  struct Identity {
    storage::Identity ids;
    bool joined = false;  // A running cluster; else one of its founders.
  };

  // Creates what is missing. Errors, each of which names the directory: it cannot be read or
  // written; another process has it; what is in it is not ours.
  static absl::StatusOr<std::unique_ptr<DataDirectory>> Open(storage::FileSystem& fs,
                                                             std::string path);

  // Nothing before the member is founded.
  const absl::optional<Identity>& identity() const { return identity_; }

  // Before Found: removes what an interrupted founding left, which nobody has relied on yet.
  absl::Status RemoveLeftovers();
  // From now on there is a member here. Durable when it returns.
  absl::Status Found(const Identity& identity);

  // The snapshot that the state machine is being replaced by. Set before, cleared when the log
  // knows: what is found at a start decides whether the log lost something, or has yet to learn.
  absl::Status SetInstalling(const raftpb::SnapshotMetadata& snapshot);
  absl::Status ClearInstalling();
  absl::StatusOr<absl::optional<raftpb::SnapshotMetadata>> Installing() const;

  const std::string& path() const { return path_; }
  std::string log() const { return storage::JoinPath(path_, "log"); }
  std::string snapshots() const { return storage::JoinPath(path_, "snapshots"); }
  std::string store() const { return storage::JoinPath(path_, "store"); }

 private:
  DataDirectory(storage::FileSystem& fs, std::string path) : fs_(fs), path_(std::move(path)) {}

  std::string File(const char* name) const { return storage::JoinPath(path_, name); }
  absl::Status CheckContents() const;
  absl::Status ReadIdentity();
  absl::Status WriteFile(const char* name, absl::string_view content);
  absl::StatusOr<std::string> ReadFile(const char* name) const;

  storage::FileSystem& fs_;
  const std::string path_;
  std::unique_ptr<storage::FileLock> lock_;
  absl::optional<Identity> identity_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_DATA_DIRECTORY_H_
