// The key space with its history: multi-version concurrency control over a backend.
//
//   KeyIndex   key -> the revisions at which it changed      in memory, rebuilt at opening
//   Backend    revision -> what the key was then             on disk
//
// A read finds revisions in the index and their records in a view of the backend, both as of one
// revision that nothing changes any more; so reads need no lock but the one around the index, and
// see all of a transaction or nothing.
//
// Deterministic: what is stored and answered depends on the sequence of writes alone. Whether
// pieces of a compaction have been done yet is not visible to any call here.
//
// Threads: one thread is the writer (Write and its methods, Compact, Replace). Everything else any
// thread, any time.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_STORE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_STORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "examples/raftexample/backend/backend.h"
#include "examples/raftexample/mvcc/key_index.h"
#include "examples/raftexample/mvcc/key_leases.h"
#include "examples/raftexample/mvcc/key_range.h"
#include "examples/raftexample/mvcc/record.h"
#include "examples/raftexample/mvcc/revision.h"
#include "examples/raftexample/proto/rpc.pb.h"

namespace raftexample {

class Store {
 public:
  // Rebuilds the index from what the backend has committed and tells `leases` which keys are
  // theirs. Both must outlive the store. DataLoss if the backend holds what we never wrote.
  static absl::StatusOr<std::unique_ptr<Store>> Open(Backend* backend, KeyLeases* leases);

  // --- Reading -----------------------------------------------------------------------------------

  // That of the last finished transaction.
  int64_t revision() const { return revision_.load(std::memory_order_acquire); }
  // The last compaction, 0 if there was none. It can be read itself, nothing before it.
  int64_t compacted() const { return compacted_.load(std::memory_order_acquire); }

  // The key space as of one revision: everything read through it belongs together. Fails with
  // kCompacted once a compaction has passed the revision.
  class Reads {
   public:
    int64_t revision() const { return at_; }

    // Fills everything but the IDs and the term of the header. A revision of 0 in the request means
    // this one. Errors: compacted, future revision (proto/errors.h).
    absl::Status Range(const etcdserverpb::RangeRequest& request,
                       etcdserverpb::RangeResponse* response) const;
    // Each key of the range, in order, until `visit` returns false. The record is valid during the
    // visit.
    absl::Status Visit(
        const KeyRange& range,
        absl::FunctionRef<bool(const Record& record, int64_t mod_revision)> visit) const;

   private:
    friend class Store;
    Reads(const Store* store, int64_t at) : store_(store), at_(at) {}
    const Store* store_;
    int64_t at_;
  };
  Reads Now() const { return Reads(this, revision()); }

  // As of now, or as of the revision in the request; see Reads::Range.
  absl::Status Range(const etcdserverpb::RangeRequest& request,
                     etcdserverpb::RangeResponse* response) const;
  // One key as it was at a revision. NotFound if it did not live then; kCompacted.
  absl::StatusOr<mvccpb::KeyValue> Get(absl::string_view key, int64_t revision) const;

  // All changes at or after `first`, in order, until `visit` returns false; `change` is valid
  // during the visit. Finished transactions only. kCompacted if `first` is before the last
  // compaction.
  absl::Status Changes(int64_t first, absl::FunctionRef<bool(const Change& change)> visit) const;

  // A CRC-32C of all that a reader can see of (compacted, revision]; equal on members with equal
  // `compacted`. Revision 0 is now. Errors: future, and compacted also for the compacted revision.
  struct Hash {
    uint32_t hash = 0;
    int64_t compacted = 0;
    int64_t revision = 0;
  };
  absl::StatusOr<Hash> HashKv(int64_t revision) const;

  size_t key_count() const;

  // --- Writing -----------------------------------------------------------------------------------

  // One transaction. All its changes get the revision after that of the store, which other threads
  // see when it is finished. Must be finished; one at a time. Preconditions of requests
  // (mvcc/txn_check.h) hold: nothing in here can be refused half-way.
  class Write {
   public:
    explicit Write(Store* store);
    ~Write();
    Write(const Write&) = delete;

    // The revision that a read in here sees: that of the store until the first change.
    int64_t revision() const;
    int64_t compacted() const { return store_->compacted(); }
    // The key space with what this transaction did so far.
    Reads reads() const { return Reads(store_, revision()); }

    // `response` may be null when nobody will read it.
    void Put(const etcdserverpb::PutRequest& request, etcdserverpb::PutResponse* response);
    void DeleteRange(const etcdserverpb::DeleteRangeRequest& request,
                     etcdserverpb::DeleteRangeResponse* response);
    // These keys, which live; once each.
    void Delete(absl::Span<const std::string> keys);

    // In order; the records stay valid until the backend's next Seal().
    absl::Span<const Change> changes() const { return changes_; }

    // Makes the changes visible to everyone.
    void Finish();

   private:
    Revision NextRevision() const;
    absl::optional<mvccpb::KeyValue> Get(absl::string_view key) const;
    void DeleteOne(absl::string_view key);

    Store* const store_;
    std::vector<Change> changes_;
    bool finished_ = false;
  };

  // --- Compaction --------------------------------------------------------------------------------

  // Whether Compact(revision) may be: kCompacted if it is not after the last one, kFutureRevision.
  absl::Status CheckCompaction(int64_t revision) const;
  // From now on reads below `revision` fail. It is part of the log, so a restart will say the same;
  // what became unreachable is removed by CompactSome().
  absl::Status Compact(int64_t revision);

  // Does a piece of what Compact() left to do: some thousand keys or changes. Any thread. False
  // when there is nothing to do, or nothing until the backend has been flushed.
  absl::StatusOr<bool> CompactSome();
  // Whether all compactions have been carried out in full and for good.
  bool CompactionFinished() const;

  // --- Replacement -------------------------------------------------------------------------------

  // Starts over: `install` replaces what is in the backend, and the leases; readers wait and then
  // see the new key space. If it fails it must have changed nothing, and nothing has changed here.
  absl::Status Replace(absl::FunctionRef<absl::Status()> install);

 private:
  // Where a compaction stands. First the index, then the backend from the oldest change on: were a
  // delete gone before the put that it hides, a restart would bring the key back.
  struct Compaction {
    int64_t target = 0;  // 0: nothing to do.
    bool index_done = false;
    std::string next_key;     // In the index.
    std::string next_change;  // In the backend.
    bool done = false;
  };
  // What a read has found in the index, and where to find the rest.
  struct Found;

  Store(Backend* backend, KeyLeases* leases) : backend_(backend), leases_(leases) {}

  absl::Status Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(index_mutex_);
  // `now` is what is current for the reader: without it, the revision of the store.
  absl::StatusOr<Found> Find(const etcdserverpb::RangeRequest& request,
                             absl::optional<int64_t> now) const;
  absl::Status RangeAt(const etcdserverpb::RangeRequest& request, absl::optional<int64_t> now,
                       etcdserverpb::RangeResponse* response) const;
  absl::StatusOr<Hash> TryHashKv(int64_t revision) const;
  absl::Status CompactIndex(Compaction& state);
  absl::Status CompactBackend(Compaction& state);

  Backend* const backend_;
  KeyLeases* const leases_;

  mutable absl::Mutex index_mutex_;
  KeyIndex index_ ABSL_GUARDED_BY(index_mutex_);
  // Written under index_mutex_, so that a reader who holds it knows that they belong to the index.
  std::atomic<int64_t> revision_{kFirstRevision};
  std::atomic<int64_t> compacted_{0};

  absl::Mutex piece_mutex_;       // Held for a whole piece of a compaction. Taken first.
  absl::Mutex compaction_mutex_;  // Held for a few instructions.
  Compaction compaction_ ABSL_GUARDED_BY(compaction_mutex_);
  std::atomic<int64_t> compaction_finished_{0};
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_STORE_H_
