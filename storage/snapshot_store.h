// Snapshots of state machines as files: written and sent in chunks, believed only when complete.
#ifndef RAFT_STORAGE_SNAPSHOT_STORE_H_
#define RAFT_STORAGE_SNAPSHOT_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "raft/types.h"
#include "raftpb/snapshot.h"
#include "storage/file_system.h"
#include "storage/identity.h"
#include "storage/log_batch.h"

namespace storage {

struct SnapshotOptions {
  Identity identity;  // Only the cluster is compared: snapshots travel between servers.

  // Each chunk has a checksum of its own, and is lost or kept as a whole. From 1 byte to 64 MiB.
  uint32_t chunk_bytes = 1 << 20;
};

class SnapshotWriter;
class SnapshotReader;

// The files of any number of groups. Which of them counts says the log, by a mark that is written
// after the file is durable (LogBatch::MarkSnapshot); a file without a mark is a leftover.
//
// Thread-safe for different snapshots; one writer per snapshot. The file system outlives the store;
// writers and readers hold their file and do not need the store, nor may they be used by two
// threads at once. Besides the errors named below, every call can return IsIoError, and those that
// write IsNoSpace and IsSyncFailed: unlike in the log none is sticky, because a snapshot that is
// not complete was never promised to anybody.
class SnapshotStore {
 public:
  // Opens or founds the directory. It is not locked: the log beside it is.
  static absl::StatusOr<std::unique_ptr<SnapshotStore>> Open(FileSystem& fs, std::string directory,
                                                             const SnapshotOptions& options);

  // Starts a snapshot, or goes on with one whose writing was interrupted: then writer->offset()
  // says how much of the data is there already. That must be a beginning of what follows: whoever
  // made the data anew, or gets it from another sender, calls Discard and Write again, because two
  // state machines may write the same state differently. AlreadyExists if the snapshot is complete.
  absl::StatusOr<std::unique_ptr<SnapshotWriter>> Write(GroupId group,
                                                        const raftpb::SnapshotMetadata& metadata);

  // Reads in pieces. IsSnapshotMissing if there is no such snapshot.
  absl::StatusOr<std::unique_ptr<SnapshotReader>> Read(GroupId group, raft::EntryId id) const;

  // Write and Read in one piece, for data that fits in memory. Saving what exists already is fine;
  // what an interrupted writer has left is written anew.
  absl::Status Save(GroupId group, const raftpb::Snapshot& snapshot);
  absl::StatusOr<raftpb::SnapshotPtr> Load(GroupId group, raft::EntryId id) const;

  // Reads all of it, past the page cache where the file system can: proves that the disk has it.
  absl::Status Verify(GroupId group, raft::EntryId id) const;

  // The complete snapshots of a group, oldest first; the groups that have a directory, ascending.
  // Names that are none of ours are passed over.
  absl::StatusOr<std::vector<raft::EntryId>> List(GroupId group) const;
  absl::StatusOr<std::vector<GroupId>> Groups() const;

  // Removes the complete and the unfinished snapshots of a group that are older than `id`. To be
  // called when the log has marked `id` durably and somebody has loaded or verified it: the
  // previous one is the only way back until then.
  absl::Status RemoveOlderThan(GroupId group, raft::EntryId id);

  absl::Status Remove(GroupId group, raft::EntryId id);  // Fine if there is none.

 private:
  SnapshotStore(FileSystem& fs, std::string directory, const SnapshotOptions& options)
      : fs_(fs), directory_(std::move(directory)), options_(options) {}

  std::string GroupDirectory(GroupId group) const;

  FileSystem& fs_;
  const std::string directory_;
  const SnapshotOptions options_;
};

// A snapshot on its way in. Destroying it without Commit keeps what is there, for
// SnapshotStore::Write to go on with.
class SnapshotWriter {
 public:
  virtual ~SnapshotWriter() = default;

  // Bytes of data taken so far; where a sender has to go on after an interruption.
  virtual uint64_t offset() const = 0;

  // Takes the next bytes. After an error only Discard and destruction make sense.
  virtual absl::Status Append(const absl::Cord& data) = 0;

  // Makes the snapshot durable under its own name. After OK it survives any crash, and may be
  // marked in the log.
  virtual absl::Status Commit() = 0;

  // Removes what is there.
  virtual absl::Status Discard() = 0;
};

// A snapshot on its way out. What it returns has been verified chunk by chunk; that it is complete
// and is the whole that was written is known when Next returned an empty Cord.
class SnapshotReader {
 public:
  virtual ~SnapshotReader() = default;

  virtual const raftpb::SnapshotMetadata& metadata() const = 0;
  virtual uint64_t size() const = 0;  // Of the data.

  // The next chunk; empty at the end. IsSnapshotCorrupt if anything is wrong with it.
  virtual absl::StatusOr<absl::Cord> Next() = 0;

  // Goes to the chunk that holds this byte of the data, to resume sending; the hash of the
  // whole is then not checked. Returns the position of the first byte that Next will give.
  virtual absl::StatusOr<uint64_t> Seek(uint64_t offset) = 0;
};

}  // namespace storage

#endif  // RAFT_STORAGE_SNAPSHOT_STORE_H_
