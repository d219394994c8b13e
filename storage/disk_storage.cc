#include "storage/disk_storage.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/errors.h"
#include "storage/errors.h"

namespace storage {

DiskStorage::DiskStorage(LogStore* log, SnapshotStore* snapshots, const DiskStorageOptions& options)
    : log_(log), snapshots_(snapshots), options_(options) {}

absl::StatusOr<std::unique_ptr<DiskStorage>> DiskStorage::OpenDirectory(
    FileSystem& fs, const std::string& directory, const LogOptions& log_options,
    const DiskStorageOptions& options) {
  const std::string log_directory = JoinPath(directory, "log");
  absl::StatusOr<std::unique_ptr<LogStore>> log = LogStore::Open(fs, log_directory, log_options);
  if (IsNothingStored(log.status())) log = LogStore::Create(fs, log_directory, log_options);
  if (!log.ok()) return log.status();
  SnapshotOptions snapshot_options;
  snapshot_options.identity = log_options.identity;
  absl::StatusOr<std::unique_ptr<SnapshotStore>> snapshots =
      SnapshotStore::Open(fs, JoinPath(directory, "snapshots"), snapshot_options);
  if (!snapshots.ok()) return snapshots.status();
  absl::StatusOr<std::unique_ptr<DiskStorage>> storage = Open(**log, **snapshots, options);
  if (!storage.ok()) return storage.status();
  (*storage)->owned_log_ = *std::move(log);
  (*storage)->owned_snapshots_ = *std::move(snapshots);
  return storage;
}

absl::StatusOr<std::unique_ptr<DiskStorage>> DiskStorage::Open(LogStore& log,
                                                               SnapshotStore& snapshots,
                                                               const DiskStorageOptions& options) {
  std::unique_ptr<DiskStorage> storage(new DiskStorage(&log, &snapshots, options));
  if (absl::Status s = storage->CheckSnapshot(); !s.ok()) return s;
  if (absl::Status s = storage->CheckApplied(); !s.ok()) return s;
  return storage;
}

// The log must start at the beginning, or at a snapshot that it names and that is whole.
absl::Status DiskStorage::CheckSnapshot() {
  const LogStore::GroupState state = log_->Find(options_.group).value_or(LogStore::GroupState());
  const raft::Index named = state.snapshot == nullptr ? 0 : state.snapshot->index;
  if (named < state.compacted.index) {
    const absl::StatusOr<std::vector<raft::EntryId>> ids = snapshots_->List(options_.group);
    if (!ids.ok()) return ids.status();
    const std::string why =
        absl::StrCat("group ", options_.group, ": the log starts behind entry ",
                     state.compacted.index, ", and the snapshot it names is at ", named);
    const bool there = !ids->empty() && ids->back().index >= state.compacted.index;
    return there ? SnapshotUnknown("", why) : SnapshotMissing("", why);
  }
  if (named == 0) return absl::OkStatus();
  if (absl::Status s = snapshots_->Verify(options_.group, state.snapshot->id()); !s.ok()) return s;
  return snapshots_->RemoveOlderThan(options_.group, state.snapshot->id());
}

absl::Status DiskStorage::CheckApplied() {
  const raft::EntryId applied = options_.applied;
  if (applied.index == 0) return absl::OkStatus();
  const LogStore::GroupState state = log_->Find(options_.group).value_or(LogStore::GroupState());
  const std::string who = absl::StrCat("group ", options_.group, ": the state machine has applied ",
                                       applied.index, " of term ", applied.term);
  if (applied.index > state.last.index) {
    return Inconsistent(absl::StrCat(who, ", and the log ends at ", state.last.index));
  }
  if (applied.index < state.compacted.index)
    return absl::OkStatus();  // The snapshot is ahead of it.
  const absl::StatusOr<raft::Term> term = log_->TermAt(options_.group, applied.index);
  if (!term.ok()) return term.status();
  if (applied.term != 0 && *term != applied.term) {
    return Inconsistent(absl::StrCat(who, ", and the log has term ", *term, " there"));
  }
  if (applied.index <= state.hard_state.commit) return absl::OkStatus();
  if (applied.term == 0) {
    return Inconsistent(absl::StrCat(who, ", and the commit index is ", state.hard_state.commit));
  }
  // The same entry stands in the log, and it was committed when it was applied.
  raftpb::HardState raised = state.hard_state;
  raised.commit = applied.index;
  LogBatch batch;
  batch.SetHardState(options_.group, raised);
  return log_->Stage(batch);
}

// --- What the core asks --------------------------------------------------------------------------

absl::StatusOr<raft::Storage::InitialState> DiskStorage::Initial() const {
  const auto state = log_->Find(options_.group);
  InitialState initial;
  if (state.has_value()) initial.hard_state = state->hard_state;
  if (options_.conf_state.has_value()) {
    initial.conf_state = *options_.conf_state;
  } else if (state.has_value() && state->snapshot != nullptr) {
    initial.conf_state = state->snapshot->conf_state;
  }
  return initial;
}

absl::StatusOr<raftpb::EntryList> DiskStorage::Entries(raft::IndexRange wanted,
                                                       uint64_t max_bytes) const {
  return log_->Entries(options_.group, wanted, max_bytes);
}

absl::StatusOr<raft::Term> DiskStorage::TermAt(raft::Index index) const {
  return log_->TermAt(options_.group, index);
}

raft::Index DiskStorage::FirstIndex() const { return log_->FirstIndex(options_.group); }
raft::Index DiskStorage::LastIndex() const { return log_->LastIndex(options_.group); }

absl::StatusOr<raftpb::SnapshotPtr> DiskStorage::Snapshot() const {
  const auto state = log_->Find(options_.group);
  if (!state.has_value() || state->snapshot == nullptr) {
    return raft::SnapshotTemporarilyUnavailable();
  }
  const raft::EntryId id = state->snapshot->id();
  {
    absl::MutexLock lock(&mutex_);
    if (loaded_ != nullptr && loaded_->metadata.id() == id) return loaded_;
  }
  const absl::StatusOr<std::unique_ptr<SnapshotReader>> reader =
      snapshots_->Read(options_.group, id);
  if (!reader.ok()) return reader.status();
  raftpb::SnapshotPtr snapshot;
  if ((*reader)->size() > options_.max_inline_snapshot_bytes) {
    auto without_data = std::make_shared<raftpb::Snapshot>();
    without_data->metadata = (*reader)->metadata();
    snapshot = std::move(without_data);
  } else {
    absl::StatusOr<raftpb::SnapshotPtr> loaded = snapshots_->Load(options_.group, id);
    if (!loaded.ok()) return loaded.status();
    snapshot = *std::move(loaded);
  }
  absl::MutexLock lock(&mutex_);
  loaded_ = snapshot;
  return snapshot;
}

// --- The caller's half of Ready ------------------------------------------------------------------

absl::Status DiskStorage::AddTo(const SaveRequest& request, LogBatch& batch) {
  if (request.snapshot != nullptr) {
    // The file first: the log must not name what a crash could take away.
    if (absl::Status s = snapshots_->Save(options_.group, *request.snapshot); !s.ok()) return s;
    batch.RestoreSnapshot(options_.group, request.snapshot->metadata);
  }
  batch.Append(options_.group, request.entries);
  if (request.hard_state.has_value()) batch.SetHardState(options_.group, *request.hard_state);
  return absl::OkStatus();
}

absl::Status DiskStorage::Save(const SaveRequest& request) {
  LogBatch batch;
  if (absl::Status s = AddTo(request, batch); !s.ok()) return s;
  const bool lazily = !request.must_sync && request.entries.empty() && request.snapshot == nullptr;
  return lazily ? log_->Stage(batch) : log_->Write(batch);
}

absl::Status DiskStorage::SaveSnapshot(raft::Index index, const raftpb::ConfState& conf_state,
                                       const absl::Cord& data) {
  const absl::StatusOr<raft::Term> term = log_->TermAt(options_.group, index);
  if (!term.ok()) return term.status();
  raftpb::Snapshot snapshot;
  snapshot.metadata = {conf_state, index, *term};
  snapshot.data = data;
  if (absl::Status s = CheckNewer(snapshot.metadata); !s.ok()) return s;
  if (absl::Status s = snapshots_->Save(options_.group, snapshot); !s.ok()) return s;
  return KeepSnapshot(snapshot.metadata);
}

absl::Status DiskStorage::SaveStreamedSnapshot(const raftpb::SnapshotMetadata& metadata) {
  if (absl::Status s = CheckNewer(metadata); !s.ok()) return s;
  const auto reader = snapshots_->Read(options_.group, metadata.id());
  if (!reader.ok()) return reader.status();
  return KeepSnapshot(metadata);
}

absl::Status DiskStorage::CheckNewer(const raftpb::SnapshotMetadata& metadata) const {
  const auto state = log_->Find(options_.group);
  const bool newer =
      !state.has_value() || state->snapshot == nullptr || state->snapshot->index < metadata.index;
  return newer ? absl::OkStatus() : raft::SnapshotOutOfDate();
}

// The file is durable; now the log names it. Of the older ones, that which it replaces stays.
absl::Status DiskStorage::KeepSnapshot(const raftpb::SnapshotMetadata& metadata) {
  const auto state = log_->Find(options_.group);
  LogBatch batch;
  batch.MarkSnapshot(options_.group, metadata);
  if (absl::Status s = log_->Write(batch); !s.ok()) return s;
  if (!state.has_value() || state->snapshot == nullptr) return absl::OkStatus();
  return snapshots_->RemoveOlderThan(options_.group, state->snapshot->id());
}

absl::Status DiskStorage::Compact(raft::Index index) {
  const auto state = log_->Find(options_.group);
  const raft::Index newest =
      state.has_value() && state->snapshot != nullptr ? state->snapshot->index : 0;
  LogBatch batch;
  batch.Compact(options_.group, std::min(index, newest));
  return log_->Stage(batch);
}

absl::Status DiskStorage::Close() { return log_->Close(); }

}  // namespace storage
