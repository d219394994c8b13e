// Waits until a key is deleted.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_API_DELETION_WAIT_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_API_DELETION_WAIT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "examples/raftexample/server/server.h"
#include "examples/raftexample/watch/watch_hub.h"

namespace raftexample {

// A watch of the server's own. Thread-safe.
class DeletionWait : public std::enable_shared_from_this<DeletionWait> {
 public:
  using Over = std::function<void(const absl::Status&)>;

  // Calls back at most once, on the executor: OK when the key was deleted at or after the revision,
  // or may have been, because the revision is compacted by now; whoever waits looks again.
  // kTooManyRequests when the server will not watch any more keys.
  static std::shared_ptr<DeletionWait> Start(Server* server, const std::string& key,
                                             int64_t revision, Over over);

  // Needed unless it has called back, since it keeps itself. It may be calling back right now.
  void Stop();

 private:
  DeletionWait(Server* server, Over over) : server_(server), over_(std::move(over)) {}
  void LookSoon();
  void Look();

  Server* const server_;
  const Over over_;
  absl::Mutex mutex_;
  // Destroyed without the lock: it waits for LookSoon to return.
  std::unique_ptr<WatchStream> stream_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_API_DELETION_WAIT_H_
