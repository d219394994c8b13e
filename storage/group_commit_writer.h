// An append thread for asynchronous storage writes: what waits becomes durable together.
#ifndef RAFT_STORAGE_GROUP_COMMIT_WRITER_H_
#define RAFT_STORAGE_GROUP_COMMIT_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "storage/log_batch.h"
#include "storage/log_store.h"

namespace storage {

// While one batch is being synced, others wait; all that wait are then one batch: the longer a sync
// takes the more it carries. Callbacks run on the writer's thread, in the order of submission, each
// after the sync that covers it. An error is final: everything after it is told the same, and
// nothing more is written.
//
// But for a batch that contradicts itself or the log (absl::IsInvalidArgument, see
// LogStore::Write): it is refused alone, with nothing of it written, and neither those it would
// have shared a sync with nor those behind it suffer. Whoever submitted it decides what becomes of
// its group.
class GroupCommitWriter {
 public:
  using Done = std::function<void(const absl::Status&)>;

  struct Options {
    // Payload that is merged into one sync at most; a single larger batch still goes, alone.
    size_t max_batch_bytes = 8 << 20;
    // Submit waits while more payload than this is queued.
    size_t max_queued_bytes = 256 << 20;
  };

  // `log` outlives the writer. Nobody else should write to it, though nothing breaks.
  GroupCommitWriter(LogStore& log, const Options& options);
  ~GroupCommitWriter();  // Writes what was submitted, calls back, and ends the thread.

  GroupCommitWriter(const GroupCommitWriter&) = delete;
  GroupCommitWriter& operator=(const GroupCommitWriter&) = delete;

  // Takes a batch from any thread. `done` must not call Submit or Flush.
  void Submit(LogBatch batch, Done done);

  // The same for what need not be durable by itself (LogStore::Stage).
  void SubmitUnsynced(LogBatch batch, Done done);

  void Flush();  // Returns when everything submitted before has called back.

  absl::Status status() const;  // The final error, OkStatus if there is none.

 private:
  struct Waiting {
    LogBatch batch;
    bool sync = true;
    Done done;
  };

  // Its place in a merged batch.
  struct Part {
    size_t changes = 0;
    Done done;
    absl::Status status;
  };

  void Run();  // The thread.
  void Submit(Waiting waiting);
  bool Take(LogBatch& batch, std::vector<Part>& parts, bool& sync);
  void Store(const LogBatch& batch, bool sync, std::vector<Part>& parts);
  absl::Status Store(const LogBatch& batch, bool sync);

  LogStore& log_;
  const Options options_;

  mutable absl::Mutex mutex_;
  std::deque<Waiting> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t submitted_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t completed_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;  // Last: starts when everything else is there.
};

}  // namespace storage

#endif  // RAFT_STORAGE_GROUP_COMMIT_WRITER_H_
