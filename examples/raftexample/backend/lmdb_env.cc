#include "examples/raftexample/backend/lmdb_env.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/check.h"

namespace raftexample {
namespace {

// Under Bucket::kMeta: whose file it is. Another layout of the buckets will be another number.
constexpr absl::string_view kFormatKey = "format";
constexpr absl::string_view kFormat = "raftexample 1";

// Views at the same time; each takes a cache line.
constexpr unsigned kMaxReaders = 4096;

MDB_val ToVal(absl::string_view s) { return {s.size(), const_cast<char*>(s.data())}; }

absl::string_view ToView(const MDB_val& val) {
  return {static_cast<const char*>(val.mv_data), val.mv_size};
}

// LMDB's handles of the list of free pages and of the list of buckets.
constexpr MDB_dbi kFreePages = 0;
constexpr MDB_dbi kBucketList = 1;

// The first item at or after `first`. An empty key cannot be looked for.
int Seek(MDB_cursor* cursor, absl::string_view first, MDB_val* key, MDB_val* value) {
  *key = ToVal(first);
  return mdb_cursor_get(cursor, key, value, first.empty() ? MDB_FIRST : MDB_SET_RANGE);
}

}  // namespace

absl::Status LmdbStatus(int code, absl::string_view what) {
  if (code == 0) return absl::OkStatus();
  const std::string text = absl::StrCat(what, ": ", mdb_strerror(code));
  switch (code) {
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT: return absl::ResourceExhaustedError(text);
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE: return absl::FailedPreconditionError(text);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND: return absl::DataLossError(text);
    case EACCES:
    case EPERM:
    case EROFS: return absl::PermissionDeniedError(text);
    case ENOENT: return absl::NotFoundError(text);
    default: return absl::InternalError(text);
  }
}

absl::StatusOr<std::shared_ptr<LmdbEnv>> LmdbEnv::Open(Options options) {
  MDB_env* env = nullptr;
  if (int rc = mdb_env_create(&env); rc != 0) return LmdbStatus(rc, options.path);
  // From here on its destructor closes the environment.
  std::shared_ptr<LmdbEnv> result(new LmdbEnv(options.path, env));
  mdb_env_set_maxdbs(env, kBucketCount);
  mdb_env_set_maxreaders(env, kMaxReaders);
  mdb_env_set_mapsize(env, options.max_bytes);
  unsigned flags = MDB_NOSUBDIR | MDB_NOTLS;
  if (!options.sync) flags |= MDB_NOSYNC;
  if (options.read_only) flags |= MDB_RDONLY | MDB_NOLOCK;
  if (int rc = mdb_env_open(env, options.path.c_str(), flags, 0600); rc != 0) {
    return LmdbStatus(rc, options.path);
  }
  // LMDB trusts that the pages it knows of are there; touching one that is not would be the end of
  // the process.
  struct stat file;
  mdb_filehandle_t fd;
  mdb_env_get_fd(env, &fd);
  if (::fstat(fd, &file) != 0) return LmdbStatus(errno, options.path);
  if (static_cast<size_t>(file.st_size) < result->bytes()) {
    return absl::DataLossError(
        absl::StrCat(options.path, ": has ", file.st_size, " of ", result->bytes(), " bytes"));
  }
  if (absl::Status s = result->OpenBuckets(options.read_only); !s.ok()) return s;
  return result;
}

absl::Status LmdbEnv::OpenBuckets(bool read_only) {
  MDB_txn* txn = nullptr;
  if (int rc = mdb_txn_begin(env_, nullptr, read_only ? MDB_RDONLY : 0, &txn); rc != 0) {
    return LmdbStatus(rc, path_);
  }
  Writer writer(this, txn);  // Aborts unless committed.
  MDB_stat stat;
  if (int rc = mdb_stat(txn, kBucketList, &stat); rc != 0) return LmdbStatus(rc, path_);
  const bool is_new = stat.ms_entries == 0 && !read_only;
  for (size_t i = 0; i < kBucketCount; ++i) {
    const int rc =
        mdb_dbi_open(txn, BucketName(static_cast<Bucket>(i)), is_new ? MDB_CREATE : 0, &dbis_[i]);
    if (rc == MDB_NOTFOUND) {
      return absl::FailedPreconditionError(absl::StrCat(path_, ": not a store of this program"));
    }
    if (rc != 0) return LmdbStatus(rc, path_);
  }
  if (is_new) {
    if (absl::Status s = writer.Put(Bucket::kMeta, kFormatKey, kFormat); !s.ok()) return s;
  } else {
    MDB_val key = ToVal(kFormatKey), value{};
    const int rc = mdb_get(txn, dbi(Bucket::kMeta), &key, &value);
    if (rc != 0 && rc != MDB_NOTFOUND) return LmdbStatus(rc, path_);
    if (rc == MDB_NOTFOUND || ToView(value) != kFormat) {
      return absl::FailedPreconditionError(
          absl::StrCat(path_, ": not a store that this version can read"));
    }
  }
  return writer.Commit();  // Even when only read: it makes the handles of the buckets last.
}

LmdbEnv::~LmdbEnv() {
  absl::MutexLock lock(&idle_mutex_);
  for (MDB_txn* txn : idle_) mdb_txn_abort(txn);
  mdb_env_close(env_);
}

size_t LmdbEnv::bytes() const {
  MDB_envinfo info;
  MDB_stat stat;
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &stat);
  return (info.me_last_pgno + 1) * stat.ms_psize;
}

absl::Status LmdbEnv::CopyTo(const std::string& path) const {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return LmdbStatus(errno, path);
  int rc = mdb_env_copyfd2(env_, fd, MDB_CP_COMPACT);
  if (rc == 0 && ::fsync(fd) != 0) rc = errno;
  if (::close(fd) != 0 && rc == 0) rc = errno;
  if (rc != 0) ::unlink(path.c_str());
  return LmdbStatus(rc, path);
}

// --- Reading -------------------------------------------------------------------------------------

absl::StatusOr<LmdbEnv::Reader> LmdbEnv::Read() const {
  MDB_txn* txn = nullptr;
  {
    absl::MutexLock lock(&idle_mutex_);
    if (!idle_.empty()) {
      txn = idle_.back();
      idle_.pop_back();
    }
  }
  const int rc =
      txn != nullptr ? mdb_txn_renew(txn) : mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
  if (rc != 0) {
    if (txn != nullptr) mdb_txn_abort(txn);
    return LmdbStatus(rc, path_);
  }
  Reader reader;
  reader.env_ = shared_from_this();
  reader.txn_ = txn;
  return reader;
}

LmdbEnv::Reader::Reader(Reader&& other) noexcept
    : env_(std::move(other.env_)), txn_(std::exchange(other.txn_, nullptr)) {}

LmdbEnv::Reader& LmdbEnv::Reader::operator=(Reader&& other) noexcept {
  End();
  env_ = std::move(other.env_);
  txn_ = std::exchange(other.txn_, nullptr);
  return *this;
}

void LmdbEnv::Reader::End() {
  if (txn_ == nullptr) return;
  mdb_txn_reset(txn_);
  absl::MutexLock lock(&env_->idle_mutex_);
  env_->idle_.push_back(std::exchange(txn_, nullptr));
}

absl::StatusOr<absl::optional<absl::string_view>> LmdbEnv::Reader::Get(
    Bucket bucket, absl::string_view key) const {
  MDB_val k = ToVal(key), value{};
  const int rc = mdb_get(txn_, env_->dbi(bucket), &k, &value);
  if (rc == MDB_NOTFOUND) return absl::optional<absl::string_view>();
  if (rc != 0) return LmdbStatus(rc, env_->path_);
  return absl::optional<absl::string_view>(ToView(value));
}

absl::Status LmdbEnv::Reader::Scan(
    Bucket bucket, absl::string_view first,
    absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) const {
  MDB_cursor* cursor = nullptr;
  if (int rc = mdb_cursor_open(txn_, env_->dbi(bucket), &cursor); rc != 0) {
    return LmdbStatus(rc, env_->path_);
  }
  MDB_val key, value;
  int rc = Seek(cursor, first, &key, &value);
  while (rc == 0 && visit(ToView(key), ToView(value))) {
    rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
  }
  mdb_cursor_close(cursor);
  return rc == MDB_NOTFOUND ? absl::OkStatus() : LmdbStatus(rc, env_->path_);
}

absl::StatusOr<size_t> LmdbEnv::Reader::BytesInUse() const {
  size_t pages = 2;  // The two that say where everything else is.
  size_t page_bytes = 0;
  auto count = [&](MDB_dbi dbi) {
    MDB_stat stat;
    const int rc = mdb_stat(txn_, dbi, &stat);
    if (rc == 0) {
      pages += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
      page_bytes = stat.ms_psize;
    }
    return rc;
  };
  for (MDB_dbi dbi : {kFreePages, kBucketList}) {
    if (int rc = count(dbi); rc != 0) return LmdbStatus(rc, env_->path_);
  }
  for (MDB_dbi dbi : env_->dbis_) {
    if (int rc = count(dbi); rc != 0) return LmdbStatus(rc, env_->path_);
  }
  return pages * page_bytes;
}

// --- Writing -------------------------------------------------------------------------------------

absl::StatusOr<LmdbEnv::Writer> LmdbEnv::Write() {
  MDB_txn* txn = nullptr;
  if (int rc = mdb_txn_begin(env_, nullptr, 0, &txn); rc != 0) return LmdbStatus(rc, path_);
  return Writer(this, txn);
}

LmdbEnv::Writer::~Writer() {
  if (txn_ != nullptr) mdb_txn_abort(txn_);
}

absl::Status LmdbEnv::Writer::Put(Bucket bucket, absl::string_view key, absl::string_view value,
                                  bool append) {
  MDB_val k = ToVal(key), v = ToVal(value);
  const int rc = mdb_put(txn_, env_->dbi(bucket), &k, &v, append ? MDB_APPEND : 0);
  return LmdbStatus(rc, env_->path_);
}

absl::Status LmdbEnv::Writer::Delete(Bucket bucket, absl::string_view key) {
  MDB_val k = ToVal(key);
  const int rc = mdb_del(txn_, env_->dbi(bucket), &k, nullptr);
  return rc == MDB_NOTFOUND ? absl::OkStatus() : LmdbStatus(rc, env_->path_);
}

absl::Status LmdbEnv::Writer::Commit() {
  const int rc = mdb_txn_commit(std::exchange(txn_, nullptr));  // Ends it in any case.
  return LmdbStatus(rc, env_->path_);
}

}  // namespace raftexample
