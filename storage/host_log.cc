#include "storage/host_log.h"

namespace storage {

absl::Status HostLog::Add(GroupId group, const absl::optional<raftpb::HardState>& hard_state,
                          const raftpb::SnapshotPtr& snapshot, const raftpb::EntryList& entries) {
  if (snapshot != nullptr) {
    // The file first: the log must not name what a crash could take away.
    if (absl::Status s = snapshots_.Save(group, *snapshot); !s.ok()) return s;
    batch_.RestoreSnapshot(group, snapshot->metadata);
  }
  if (!entries.empty()) batch_.Append(group, entries);
  if (hard_state.has_value()) batch_.SetHardState(group, *hard_state);
  return absl::OkStatus();
}

absl::Status HostLog::Write(bool must_sync) {
  const absl::Status written = must_sync ? log_.Write(batch_) : log_.Stage(batch_);
  batch_.Clear();
  return written;
}

}  // namespace storage
