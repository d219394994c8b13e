// One write-ahead log for any number of groups: what was acknowledged comes back exactly, or
// opening says what is wrong and where.
#ifndef RAFT_STORAGE_LOG_STORE_H_
#define RAFT_STORAGE_LOG_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "raft/logger.h"
#include "raft/types.h"
#include "raftpb/entry_list.h"
#include "raftpb/hard_state.h"
#include "raftpb/snapshot.h"
#include "storage/file_system.h"
#include "storage/identity.h"
#include "storage/log_batch.h"
#include "storage/open_report.h"

namespace storage {

// Sizes are in bytes. Create and Open refuse what makes no sense as absl::InvalidArgument.
struct LogOptions {
  Identity identity;  // Whose log it is.

  // Each segment file is preallocated with this many bytes, so that a full disk is noticed before a
  // batch is accepted. A batch that is larger gets a segment of its own size. At least 4096.
  uint64_t segment_bytes = 64 << 20;

  // The payload of an entry must not be larger, or Write refuses it. With record_bytes 1 GiB at
  // most. What is on disk may be larger: opening is bounded by the size of the files.
  uint32_t max_entry_bytes = 64 << 20;

  // Batches start at multiples of this, so that no sector holds acknowledged bytes and bytes being
  // written at once. A power of two from 8 to 4096. Kept by the log from its creation. What is not
  // a multiple of the disk's own sectors cannot be written past the page cache, and is not.
  uint32_t block_bytes = 512;

  // A batch with more than this becomes several records. A record is what is read and verified as a
  // whole to serve an old entry from disk. 64 at least.
  uint32_t record_bytes = 256 << 10;

  // Recent entries that are kept in memory, per group and in total, in bytes of payload; older
  // ones are read back from the segments.
  uint64_t cache_bytes_per_group = 16 << 20;
  uint64_t cache_bytes = 1 << 30;

  // Mixed into the checksums, so that nobody who can choose payloads can forge a record inside one.
  // A random number, kept by the log from its creation; 0: derived from the identity.
  uint32_t salt = 0;

  // Outlives the log. Null: no log lines. What was cut off at opening is one.
  raft::Logger* logger = nullptr;
};

struct LogStats {
  uint64_t batches = 0;         // Written by this object.
  uint64_t syncs = 0;           // Of batches, by this object.
  uint64_t bytes_written = 0;   // Of records, padding included, by this object.
  uint64_t segments_begun = 0;  // By this object.
  uint64_t torn_tails = 0;      // Cut off when this object was opened: 0 or 1.
  uint64_t segments = 0;        // Now.
  uint64_t disk_bytes = 0;      // Of all segments, unused space included.
  uint64_t live_bytes = 0;      // Of entries that some group still has.
  uint64_t cached_bytes = 0;    // Of payloads in memory.
};

// Thread-safe. Writing is done by the calling thread, one batch at a time; reading takes a short
// lock, and reads files outside of it. There is no thread in here: GroupCommitWriter has one.
//
// A batch of small entries goes past the page cache (File::WriteDurably), and so leaves no copy
// there: entries that are no longer in memory are read from the disk, and so is the log at opening.
//
// After a failed write or sync the log accepts nothing more (Q7 of docs/storage-format.md): each
// later call that writes returns the same error, and what was durable before can still be read. The
// process should end; opening again finds out what is there.
class LogStore {
 public:
  // Founds a log in an empty or missing directory. Fails as absl::AlreadyExists if there is one.
  // The file system outlives the log; the directory stays locked as long as the log lives.
  static absl::StatusOr<std::unique_ptr<LogStore>> Create(FileSystem& fs, std::string directory,
                                                          const LogOptions& options);

  // Opens what is there. IsNothingStored if that is nothing: a directory without a log, or one
  // whose creation did not finish. Any other error means that the log is damaged, foreign, of
  // another version or in use; then nothing has been changed. Opening repairs only what a crash
  // leaves behind, and says so in report(). docs/storage-format.md has the table of all findings.
  static absl::StatusOr<std::unique_ptr<LogStore>> Open(FileSystem& fs, std::string directory,
                                                        const LogOptions& options);

  ~LogStore();  // Abandons: writes and syncs nothing. Close() first where that is possible.

  // --- Writing ---

  // Makes a batch durable: one write and one sync. When it returns OK the batch survives any crash.
  // When it fails the batch is there as a whole or not at all after the next opening, unless
  // IsNoSpace: then it is certainly not there, the log is as before, and works. InvalidArgument:
  // the batch contradicts itself or the log (a gap between entries, an entry too large); the same.
  absl::Status Write(const LogBatch& batch);

  // Takes a batch that must not be lost by this process, but may be by the machine: it is visible
  // at once, and is written in front of the next batch, or by Close(). For hard states of which
  // only the commit index has changed (Ready::must_sync is false).
  absl::Status Stage(const LogBatch& batch);

  // Writes what is staged, and the durable mark, so that the next opening can tell a torn tail from
  // a damaged one even in the last batch. Nothing may be written after.
  absl::Status Close();

  // Gives segments back that no group needs, one older kept in reserve. A group that writes little
  // and needs the oldest is written again at the end of the log, as a whole and by way of memory,
  // if that is at most half of what it wastes: so the files never take more than three times what
  // the groups have (live_bytes), and a few segments. Done by itself whenever a segment is full;
  // cheap if there is nothing to do.
  absl::Status Purge();

  // --- Reading ---

  struct GroupState {
    raftpb::HardState hard_state;
    raft::EntryId compacted;                                   // The log starts behind it.
    raft::EntryId last;                                        // compacted if the log is empty.
    std::shared_ptr<const raftpb::SnapshotMetadata> snapshot;  // The newest marked; null if none.
  };
  // Nothing if the log has never heard of the group, or has forgotten it.
  absl::optional<GroupState> Find(GroupId group) const;
  std::vector<GroupId> Groups() const;  // In ascending order.

  // As raft::Storage has them (raft/storage.h). A group that the log has never heard of is an empty
  // one. Entries that are no longer in memory are read back, and verified again: IsCorruption if
  // they were damaged since.
  absl::StatusOr<raftpb::EntryList> Entries(GroupId group, raft::IndexRange wanted,
                                            uint64_t max_bytes) const;
  absl::StatusOr<raft::Term> TermAt(GroupId group, raft::Index index) const;
  raft::Index FirstIndex(GroupId group) const;
  raft::Index LastIndex(GroupId group) const;

  const OpenReport& report() const;
  const LogOptions& options() const;
  absl::Status status() const;  // The sticky error, OkStatus if there is none.
  LogStats stats() const;

 private:
  class Impl;
  explicit LogStore(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace storage

#endif  // RAFT_STORAGE_LOG_STORE_H_
