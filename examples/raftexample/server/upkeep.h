// The thread that brings the state machine's writes to disk, and throws away what is no longer
// needed: compacted history, and the log behind it.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_UPKEEP_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_UPKEEP_H_

#include <cstdint>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "examples/raftexample/apply/state_machine.h"
#include "examples/raftexample/metrics/meters.h"
#include "raft/logger.h"
#include "storage/disk_storage.h"

namespace raftexample {

class Upkeep {
 public:
  struct Options {
    uint64_t snapshot_count = 100'000;  // Applied entries between two cuts of the log.
    uint64_t catch_up_entries = 5'000;  // Kept behind a cut, for followers that are a little late.
    raft::Logger* logger = nullptr;
    Meters* meters = nullptr;  // Told how long flushes took.
  };

  // State and storage outlive it. `on_failure` is called when the disk cannot be trusted any more:
  // the server must stop.
  Upkeep(StateMachine* state, storage::DiskStorage* storage, const Options& options,
         std::function<void(const absl::Status&)> on_failure);
  ~Upkeep() { Stop(); }

  void Wake();  // There is something to flush, or to compact. Any thread.

  // Runs `replace`, which puts a leader's snapshot in the place of the state and of the log, while
  // nobody cuts the log: storage::DiskStorage wants one or the other.
  void Replace(absl::FunctionRef<void()> replace);

  void Stop();

 private:
  void Loop();
  bool WaitForWork();
  absl::Status Flush();
  bool CutLog();

  StateMachine* const state_;
  storage::DiskStorage* const storage_;
  const Options options_;
  const std::function<void(const absl::Status&)> on_failure_;
  absl::Mutex cut_mutex_;
  raft::Index last_cut_ ABSL_GUARDED_BY(cut_mutex_) = 0;
  bool compacting_ = false;  // There are pieces of a compaction left.

  absl::Mutex mutex_;
  absl::CondVar wake_;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_UPKEEP_H_
