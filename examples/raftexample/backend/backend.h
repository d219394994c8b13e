// Where the state of the example lives: named buckets of an LMDB file, and before that, memory.
//
// Writes gather in memory, in the order of the log, and go to disk as one LMDB transaction that
// also says which entry of the log was applied last: after a crash the data and the position in the
// log are those of the same moment, and the log brings back the rest. So nothing is promised by a
// write here, and applying never waits for a disk.
//
//   applying thread   Append, Put, Delete, SetApplied ...  Seal ...............  Seal
//   flushing thread                                              Flush (LMDB, fdatasync)
//   reading threads   View: what is being gathered + what is being flushed + the file
//
// A view costs the same however much is being gathered: it shares, and copies nothing.
//
// Threads: one thread at a time is the writer (Append, Put, Delete, SetApplied, Seal, Install). All
// else may be called from any thread at any time. Readers never block the writer, nor each other.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_BACKEND_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_BACKEND_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "examples/raftexample/backend/bucket.h"
#include "examples/raftexample/backend/lmdb_env.h"
#include "examples/raftexample/backend/pending.h"
#include "examples/raftexample/backend/snapshot_file.h"
#include "raftpb/conf_state.h"
#include "raftpb/ids.h"

namespace raftexample {

class Backend {
 public:
  struct Options {
    // Created if missing (0700). Belongs to one backend of one process at a time.
    std::string directory;
    // The largest file. Address space, not memory or disk: generous costs nothing.
    size_t max_bytes = size_t{64} << 30;
    // Whether a flush reaches the disk before it returns. Only tests may do without: a crash of the
    // machine can then leave a file that is no longer one.
    bool sync = true;
  };

  // Errors: IsLocked() when another process has it; IsForeign() when the directory holds something
  // that is not ours, or of a newer format; IsNoSpace(); PermissionDenied; DataLoss.
  static absl::StatusOr<std::unique_ptr<Backend>> Open(Options options);
  ~Backend();

  // --- Writing -----------------------------------------------------------------------------------

  // Adds to Bucket::kChanges. Keys ascend: each is greater than any given before. Returns the value
  // as it is stored, valid until the next Seal().
  absl::string_view Append(std::string key, std::string value);
  // To the other buckets. The last one wins.
  void Put(Bucket bucket, absl::string_view key, absl::string_view value);
  void Delete(Bucket bucket, absl::string_view key);

  // All writes so far are the effect of the log up to here. Between two calls the writer must not
  // Seal(): half an entry would be stored.
  void SetApplied(raftpb::EntryId applied);
  void SetConfState(const raftpb::ConfState& conf_state);

  // What was written since the last Seal().
  size_t gathered_writes() const { return gathered_writes_.load(std::memory_order_relaxed); }
  // What is only in memory, with what Flush() has not finished: the bound of memory that a caller
  // should watch.
  size_t pending_bytes() const;

  // Closes the batch, so that Flush() may take it. Declines (false) while an earlier batch waits or
  // is being flushed, and when there is nothing to close. Never waits.
  bool Seal();
  bool has_sealed() const;  // A batch waits for Flush(), or is being flushed.
  // Writes the sealed batch in one transaction; returns at once if there is none. When it fails the
  // batch stays in memory, still readable: IsNoSpace() may be tried again; after any other error
  // the disk cannot be trusted, every later call returns it, and the server should stop.
  absl::Status Flush();
  // For callers with one thread: Seal and Flush until nothing is pending.
  absl::Status Commit();

  // --- Reading -----------------------------------------------------------------------------------

  // Bucket::kChanges as it was at one moment. What it returned is valid as long as it lives. Keep
  // it for a request, not for a session: the file cannot reuse pages that a view may look at.
  class View {
   public:
    View(View&&) = default;
    View& operator=(View&&) = default;

    // NotFound if there is none.
    absl::StatusOr<absl::string_view> Get(absl::string_view key) const;
    // Everything from `first` on in ascending order until `visit` returns false.
    absl::Status Scan(
        absl::string_view first,
        absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) const;

   private:
    friend class Backend;
    View() = default;

    // Newest first. Any of the first two may be absent.
    std::shared_ptr<const Pending> gathering_, flushing_;
    size_t gathered_ = 0;  // How much of gathering_ is part of the view.
    LmdbEnv::Reader file_;
  };
  // Holds everything written before the call.
  absl::StatusOr<View> Read() const;

  // What a restart would find. Used for opening; at other times the stores know better.
  struct Applied {
    raftpb::EntryId id;
    raftpb::ConfState conf_state;
  };
  absl::StatusOr<Applied> CommittedApplied() const;
  absl::StatusOr<std::string> GetCommitted(Bucket bucket, absl::string_view key) const;
  absl::Status ScanCommitted(
      Bucket bucket,
      absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) const;

  // --- Upkeep ------------------------------------------------------------------------------------

  // Deletes these from Bucket::kChanges in one transaction, which is on disk when it returns. They
  // must have been flushed. Views that are there already keep them.
  absl::Status Trim(absl::Span<const std::string> keys);
  // One write to a small bucket, straight to disk; for what does not come from the log.
  absl::Status PutNow(Bucket bucket, absl::string_view key, absl::string_view value);

  // Bytes of the file, and bytes of it that hold something.
  size_t size() const;
  size_t size_in_use() const;

  // Copies what is in use into a new file and goes on with that: the only way for the file to
  // shrink. Views are not disturbed; flushes wait.
  absl::Status Defragment();

  // A consistent copy of what is on disk, in a file that goes away with the result.
  absl::StatusOr<std::unique_ptr<SnapshotFile>> Snapshot() const;

  // Where the pieces of somebody's Snapshot() gather.
  absl::StatusOr<std::unique_ptr<SnapshotReceiver>> Receive() const;
  // Everything is now as in the received snapshot; what was only pending is gone. The receiver must
  // have been finished. When it fails nothing has changed.
  absl::Status Install(std::unique_ptr<SnapshotReceiver> received);

 private:
  Backend(Options options, int lock_fd);

  absl::Status OpenNewest();
  // One transaction, on disk when it returns.
  absl::Status WriteNow(absl::FunctionRef<absl::Status(LmdbEnv::Writer&)> write)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(flush_mutex_);
  enum class Unflushed { kKeep, kDrop };
  absl::Status Replace(const std::string& file, Unflushed unflushed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(flush_mutex_);
  std::string FileName(uint64_t generation) const;
  std::shared_ptr<LmdbEnv> env() const;

  const Options options_;
  const int lock_fd_;

  // Taken first. Held while the file is written or replaced.
  mutable absl::Mutex flush_mutex_;
  absl::Status broken_ ABSL_GUARDED_BY(flush_mutex_);
  uint64_t generation_ ABSL_GUARDED_BY(flush_mutex_) = 0;

  // Held for a few instructions. What a view is made of changes together.
  mutable absl::Mutex parts_mutex_;
  std::shared_ptr<Pending> gathering_ ABSL_GUARDED_BY(parts_mutex_);
  std::shared_ptr<const Pending> flushing_ ABSL_GUARDED_BY(parts_mutex_);
  std::shared_ptr<LmdbEnv> env_ ABSL_GUARDED_BY(parts_mutex_);

  Pending* writing_ = nullptr;  // gathering_, as the writer knows it without the lock.
  std::atomic<size_t> gathered_writes_{0};
};

// Why a backend did not open or a flush failed.
bool IsLocked(const absl::Status& status);
bool IsForeign(const absl::Status& status);
bool IsNoSpace(const absl::Status& status);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_BACKEND_H_
