#include "examples/raftexample/server/upkeep.h"

#include <utility>

#include "absl/time/time.h"
#include "raft/errors.h"

namespace raftexample {

Upkeep::Upkeep(StateMachine* state, storage::DiskStorage* storage, const Options& options,
               std::function<void(const absl::Status&)> on_failure)
    : state_(state),
      storage_(storage),
      options_(options),
      on_failure_(std::move(on_failure)),
      last_cut_(storage->FirstIndex()),
      thread_([this] { Loop(); }) {}

void Upkeep::Wake() {
  absl::MutexLock lock(&mutex_);
  woken_ = true;
  wake_.Signal();
}

void Upkeep::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    wake_.Signal();
  }
  if (thread_.joinable()) thread_.join();
}

// A compaction goes on piece by piece, with pauses in which others get at the disk.
bool Upkeep::WaitForWork() {
  absl::MutexLock lock(&mutex_);
  const absl::Duration pause = compacting_ ? absl::Milliseconds(10) : absl::InfiniteDuration();
  if (!woken_ && !stopping_) wake_.WaitWithTimeout(&mutex_, pause);
  woken_ = false;
  return !stopping_;
}

void Upkeep::Loop() {
  while (WaitForWork()) {
    const absl::Status flushed = Flush();
    if (IsNoSpace(flushed)) {
      RAFT_LOG(options_.logger, kError, "the store cannot be written: ", flushed.ToString());
    } else if (!flushed.ok()) {
      return on_failure_(flushed);
    }
    absl::StatusOr<bool> more = state_->store().CompactSome();
    if (!more.ok() && !IsNoSpace(more.status())) return on_failure_(more.status());
    compacting_ = more.ok() && *more;
    if (!CutLog()) return;
  }
}

absl::Status Upkeep::Flush() {
  if (!state_->backend().has_sealed()) return state_->backend().Flush();  // Not worth a number.
  const Stopwatch stopwatch(options_.meters->store_commit);
  return state_->backend().Flush();
}

void Upkeep::Replace(absl::FunctionRef<void()> replace) {
  absl::MutexLock lock(&cut_mutex_);
  replace();
}

// What the store has on disk the log need not keep. The mark of the snapshot comes first: without
// it the log could not be opened again.
bool Upkeep::CutLog() {
  absl::MutexLock lock(&cut_mutex_);
  if (state_->applied_index() < last_cut_ + options_.snapshot_count) return true;
  absl::StatusOr<Backend::Applied> stored = state_->backend().CommittedApplied();
  if (stored.ok() && stored->id.index < last_cut_ + options_.snapshot_count) return true;
  absl::Status cut = stored.status();
  if (cut.ok()) cut = storage_->SaveSnapshot(stored->id.index, stored->conf_state, absl::Cord());
  // There may be one already: of an earlier life with another snapshot_count, or a leader's.
  if (cut.ok() || raft::IsSnapshotOutOfDate(cut)) {
    last_cut_ = stored->id.index;
    const raft::Index keep = options_.catch_up_entries;
    cut = last_cut_ > keep ? storage_->Compact(last_cut_ - keep) : absl::OkStatus();
    RAFT_LOG(options_.logger, kInfo, "the log is cut behind entry ", last_cut_, ", ", keep,
             " entries are kept");
  }
  if (!cut.ok()) on_failure_(cut);
  return cut.ok();
}

}  // namespace raftexample
