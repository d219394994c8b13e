// Who waits for which command to be applied.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_WAIT_TABLE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_WAIT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "examples/raftexample/apply/state_machine.h"

namespace raftexample {

// Each waiter is told exactly once: the result, or why there will be none. Thread-safe; nobody is
// called with the lock held.
class WaitTable {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<ApplyResult>)>;

  // Ends it at once if the table was closed.
  void Add(uint64_t id, absl::Time deadline, Done done);

  // Hands over whoever waits for this, to be told by the caller; nothing if nobody (any more).
  absl::optional<Done> Take(uint64_t id);
  void End(uint64_t id, absl::StatusOr<ApplyResult> result);

  // Ends those whose deadline has passed; how many they were.
  size_t Expire(absl::Time now, const absl::Status& why);
  // Ends all, and from now on everybody who comes.
  void Close(const absl::Status& why);

  size_t size() const;

 private:
  struct Waiter {
    absl::Time deadline;
    Done done;
  };

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<uint64_t, Waiter> waiters_ ABSL_GUARDED_BY(mutex_);
  absl::Status closed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_WAIT_TABLE_H_
