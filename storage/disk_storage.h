// The raft::Storage of one group on disk: a log (log_store.h) and snapshots (snapshot_store.h) that
// are held against each other when they are opened.
#ifndef RAFT_STORAGE_DISK_STORAGE_H_
#define RAFT_STORAGE_DISK_STORAGE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "raft/storage.h"
#include "raft/types.h"
#include "raftpb/conf_state.h"
#include "raftpb/entry_list.h"
#include "raftpb/hard_state.h"
#include "raftpb/snapshot.h"
#include "storage/file_system.h"
#include "storage/log_batch.h"
#include "storage/log_store.h"
#include "storage/snapshot_store.h"

namespace storage {

// What a server knows about its state machine when it opens its storage.
struct DiskStorageOptions {
  GroupId group = 0;

  // The last entry that the state machine has durably applied; (0, 0) if it keeps nothing itself
  // and starts from the snapshot. The storage refuses (IsInconsistent) a state machine that is
  // ahead of the log, or has applied another entry than the log has there. A commit index that is
  // behind is raised to it: most commit indexes are not synced, and what was applied was committed.
  // Term 0: unknown; then nothing is compared, and a commit index that is behind is refused. An
  // index in front of the log's start is fine here, but the core refuses it (Config::applied): the
  // state machine has to load the snapshot first.
  raft::EntryId applied;

  // The membership at `applied`; nothing: that of the snapshot.
  absl::optional<raftpb::ConfState> conf_state;

  // Snapshots with more data are handed to the core without it: the transport then streams the file
  // (SnapshotStore::Read) to where a follower's SnapshotStore takes it up.
  uint64_t max_inline_snapshot_bytes = 64 << 20;
};

// What one turn of the ready loop has to store (raft/ready.h).
struct SaveRequest {
  raftpb::EntryList entries;
  absl::optional<raftpb::HardState> hard_state;
  raftpb::SnapshotPtr snapshot;  // From a leader, to replace the log. Null if none.
  bool must_sync = true;         // Must be durable when Save returns.
};

// Reading is thread-safe. Answers of the raft::Storage part change only by the calls below, or by
// whoever else writes batches for this group to the same LogStore.
//
// Writing: Save and AddTo belong to one thread. SaveSnapshot, SaveStreamedSnapshot and Compact may
// be called on another, one at a time, but not while a request with a leader's snapshot is being
// stored: that replaces the log they are about.
//
// Errors are those of LogStore and SnapshotStore (storage/errors.h).
class DiskStorage : public raft::Storage {
 public:
  // A server of one group: opens, or founds if there is nothing yet, a log and a snapshot store of
  // its own in `directory` (log/ and snapshots/ inside it).
  static absl::StatusOr<std::unique_ptr<DiskStorage>> OpenDirectory(
      FileSystem& fs, const std::string& directory, const LogOptions& log_options,
      const DiskStorageOptions& options);

  // A group among many: `log` and `snapshots` outlive the object. A group that the log has never
  // heard of is a new one.
  static absl::StatusOr<std::unique_ptr<DiskStorage>> Open(LogStore& log, SnapshotStore& snapshots,
                                                           const DiskStorageOptions& options);

  // --- What the core asks (raft/storage.h) ---
  absl::StatusOr<InitialState> Initial() const override;
  absl::StatusOr<raftpb::EntryList> Entries(raft::IndexRange wanted,
                                            uint64_t max_bytes) const override;
  absl::StatusOr<raft::Term> TermAt(raft::Index index) const override;
  raft::Index FirstIndex() const override;
  raft::Index LastIndex() const override;
  absl::StatusOr<raftpb::SnapshotPtr> Snapshot() const override;

  // --- The caller's half of Ready ---

  // Stores what a Ready asks for, in one durable batch if must_sync. After an error other than
  // IsNoSpace the server must stop (see LogStore).
  absl::Status Save(const SaveRequest& request);

  // The same for a host of many groups, or an append thread: adds it to a batch that the caller
  // writes. The data of a snapshot becomes durable already here, in the snapshot store.
  absl::Status AddTo(const SaveRequest& request, LogBatch& batch);

  // Keeps a snapshot of the state machine at an index that it has applied, durable when it returns.
  // The term is looked up: raft::Compacted() or raft::Unavailable() if the log does not have it.
  // raft::SnapshotOutOfDate() if there is one as new or newer. The previous snapshot stays until
  // this one has been read back whole.
  absl::Status SaveSnapshot(raft::Index index, const raftpb::ConfState& conf_state,
                            const absl::Cord& data);

  // The same for one that was streamed to the snapshot store by the caller, and committed there.
  absl::Status SaveStreamedSnapshot(const raftpb::SnapshotMetadata& metadata);

  // Drops the entries up to `index`, at most up to the newest snapshot. Not synced by itself.
  absl::Status Compact(raft::Index index);

  // Leaves the directory so that the next opening can prove that nothing is missing. Only for
  // OpenDirectory; nothing may be stored after.
  absl::Status Close();

  LogStore& log() { return *log_; }
  SnapshotStore& snapshots() { return *snapshots_; }
  const OpenReport& report() const { return log_->report(); }

 private:
  DiskStorage(LogStore* log, SnapshotStore* snapshots, const DiskStorageOptions& options);

  absl::Status CheckSnapshot();
  absl::Status CheckApplied();
  absl::Status CheckNewer(const raftpb::SnapshotMetadata& metadata) const;
  absl::Status KeepSnapshot(const raftpb::SnapshotMetadata& metadata);

  std::unique_ptr<LogStore> owned_log_;  // By OpenDirectory.
  std::unique_ptr<SnapshotStore> owned_snapshots_;
  LogStore* log_;
  SnapshotStore* snapshots_;
  const DiskStorageOptions options_;

  mutable absl::Mutex mutex_;
  // The last one handed out, so that many followers share it.
  mutable raftpb::SnapshotPtr loaded_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace storage

#endif  // RAFT_STORAGE_DISK_STORAGE_H_
