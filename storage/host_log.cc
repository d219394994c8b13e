#include "storage/host_log.h"

namespace storage {

absl::Status HostLog::Add(raft::GroupId group, const raft::Ready& ready) {
  if (ready.snapshot != nullptr) {
    // The file first: the log must not name what a crash could take away.
    if (absl::Status s = snapshots_.Save(group, *ready.snapshot); !s.ok()) return s;
    batch_.RestoreSnapshot(group, ready.snapshot->metadata);
  }
  if (!ready.entries.empty()) batch_.Append(group, ready.entries);
  if (ready.hard_state.has_value()) batch_.SetHardState(group, *ready.hard_state);
  return absl::OkStatus();
}

absl::Status HostLog::Write(bool must_sync) {
  const absl::Status written = must_sync ? log_.Write(batch_) : log_.Stage(batch_);
  batch_.Clear();
  return written;
}

}  // namespace storage
