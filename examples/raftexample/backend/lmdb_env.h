// One LMDB file, opened. Turns LMDB's handles into owners and its codes into statuses; private to
// the backend.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_LMDB_ENV_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_LMDB_ENV_H_

#include <lmdb.h>

#include <array>
#include <cstddef>
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
#include "examples/raftexample/backend/bucket.h"

namespace raftexample {

class LmdbEnv : public std::enable_shared_from_this<LmdbEnv> {
 public:
  struct Options {
    std::string path;
    size_t max_bytes = 0;
    bool sync = true;
    // Looks at a file that nobody writes: a finished copy.
    bool read_only = false;
  };

  // Creates the buckets of an empty file, and marks it as ours.
  static absl::StatusOr<std::shared_ptr<LmdbEnv>> Open(Options options);
  ~LmdbEnv();
  LmdbEnv(const LmdbEnv&) = delete;

  // Sees the file as it was when the reader began. Keeps the file open.
  class Reader {
   public:
    Reader() = default;
    Reader(Reader&& other) noexcept;
    Reader& operator=(Reader&& other) noexcept;
    ~Reader() { End(); }

    // nullopt if there is none.
    absl::StatusOr<absl::optional<absl::string_view>> Get(Bucket bucket,
                                                          absl::string_view key) const;
    // From `first` on in ascending order, until `visit` returns false.
    absl::Status Scan(
        Bucket bucket, absl::string_view first,
        absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) const;
    // The pages of all buckets together, in bytes.
    absl::StatusOr<size_t> BytesInUse() const;

   private:
    friend class LmdbEnv;
    void End();

    std::shared_ptr<const LmdbEnv> env_;
    MDB_txn* txn_ = nullptr;
  };
  absl::StatusOr<Reader> Read() const;

  // One transaction. Not committed unless Commit() returned OK. One at a time, begun and ended by
  // the same thread.
  class Writer {
   public:
    Writer(Writer&& other) noexcept : env_(other.env_), txn_(other.txn_) { other.txn_ = nullptr; }
    ~Writer();

    // `append`: the caller knows that the key is greater than all in the bucket.
    absl::Status Put(Bucket bucket, absl::string_view key, absl::string_view value,
                     bool append = false);
    absl::Status Delete(Bucket bucket, absl::string_view key);  // Missing is fine.
    absl::Status Commit();

   private:
    friend class LmdbEnv;
    Writer(const LmdbEnv* env, MDB_txn* txn) : env_(env), txn_(txn) {}

    const LmdbEnv* env_;
    MDB_txn* txn_;
  };
  absl::StatusOr<Writer> Write();

  // A consistent copy without the holes, on disk when it returns. `path` must not exist.
  absl::Status CopyTo(const std::string& path) const;

  size_t bytes() const;
  const std::string& path() const { return path_; }

 private:
  LmdbEnv(std::string path, MDB_env* env) : path_(std::move(path)), env_(env) {}
  absl::Status OpenBuckets(bool read_only);
  MDB_dbi dbi(Bucket bucket) const { return dbis_[static_cast<size_t>(bucket)]; }

  const std::string path_;
  MDB_env* const env_;
  std::array<MDB_dbi, kBucketCount> dbis_{};

  // Read transactions that were ended, ready to begin again: cheaper than new ones.
  mutable absl::Mutex idle_mutex_;
  mutable std::vector<MDB_txn*> idle_ ABSL_GUARDED_BY(idle_mutex_);
};

// The status of an LMDB or system error code, telling `what` was attempted. OK for 0.
absl::Status LmdbStatus(int code, absl::string_view what);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_LMDB_ENV_H_
