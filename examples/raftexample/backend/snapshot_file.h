// A copy of the store on its way from one member to another: a file at either end.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_SNAPSHOT_FILE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_SNAPSHOT_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "raftpb/conf_state.h"
#include "raftpb/ids.h"

namespace raftexample {

// The sender's end. Immutable; the file has no name any more and is gone with the object.
class SnapshotFile {
 public:
  // Takes over the file at `path`, which must not be written any more.
  static absl::StatusOr<std::unique_ptr<SnapshotFile>> Adopt(const std::string& path,
                                                             raftpb::EntryId applied,
                                                             raftpb::ConfState conf_state);
  ~SnapshotFile();
  SnapshotFile(const SnapshotFile&) = delete;

  // The entry of the log up to which the state in the file goes, and the membership then: the
  // metadata of the Raft snapshot.
  raftpb::EntryId applied() const { return applied_; }
  const raftpb::ConfState& conf_state() const { return conf_state_; }

  size_t size() const { return size_; }
  // Sixteen bytes that prove to the receiver that it got every byte.
  const std::string& digest() const { return digest_; }
  // At most `max` bytes from `offset` on; empty at the end. Any thread.
  absl::StatusOr<std::string> Read(size_t offset, size_t max) const;

 private:
  SnapshotFile(int fd, size_t size, std::string digest, raftpb::EntryId applied,
               raftpb::ConfState conf_state);

  const int fd_;
  const size_t size_;
  const std::string digest_;
  const raftpb::EntryId applied_;
  const raftpb::ConfState conf_state_;
};

// The receiver's end: pieces in order, then Finish(). Unless the backend installs it, the file is
// removed with the object.
class SnapshotReceiver {
 public:
  // Replaces what an earlier attempt left at `path`.
  static absl::StatusOr<std::unique_ptr<SnapshotReceiver>> Create(std::string path);
  ~SnapshotReceiver();
  SnapshotReceiver(const SnapshotReceiver&) = delete;

  absl::Status Append(absl::string_view piece);
  size_t received() const { return received_; }

  // All pieces came. DataLoss if they are not what the digest is of; otherwise they are on disk.
  absl::Status Finish(absl::string_view digest);
  bool finished() const { return finished_; }
  const std::string& path() const { return path_; }

 private:
  SnapshotReceiver(std::string path, int fd);

  struct Hasher;
  const std::string path_;
  const int fd_;
  std::unique_ptr<Hasher> hasher_;
  size_t received_ = 0;
  bool finished_ = false;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_SNAPSHOT_FILE_H_
