#include "examples/raftexample/backend/backend.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "examples/raftexample/proto/internal.pb.h"
#include "raft/check.h"

namespace raftexample {
namespace {

constexpr absl::string_view kAppliedKey = "applied";
constexpr absl::string_view kConfStateKey = "conf_state";

constexpr absl::string_view kLockName = "LOCK";
constexpr absl::string_view kFilePrefix = "store.";
constexpr absl::string_view kFileSuffix = ".mdb";
constexpr absl::string_view kReceivedName = "received.tmp";

// How many changes a scan of what is pending takes at once.
constexpr size_t kScanPiece = 256;

std::string EncodeEntryId(raftpb::EntryId id) {
  return absl::StrCat(absl::Hex(id.term, absl::kZeroPad16), absl::Hex(id.index, absl::kZeroPad16));
}

absl::StatusOr<raftpb::EntryId> DecodeEntryId(absl::string_view bytes) {
  raftpb::EntryId id;
  if (bytes.size() != 32 || !absl::SimpleHexAtoi(bytes.substr(0, 16), &id.term) ||
      !absl::SimpleHexAtoi(bytes.substr(16), &id.index)) {
    return absl::DataLossError("the store does not say which entry was applied last");
  }
  return id;
}

std::string EncodeConfState(const raftpb::ConfState& conf_state) {
  internal::StoredConfState stored;
  stored.mutable_voters()->Add(conf_state.voters.begin(), conf_state.voters.end());
  stored.mutable_learners()->Add(conf_state.learners.begin(), conf_state.learners.end());
  stored.mutable_voters_outgoing()->Add(conf_state.voters_outgoing.begin(),
                                        conf_state.voters_outgoing.end());
  stored.mutable_learners_next()->Add(conf_state.learners_next.begin(),
                                      conf_state.learners_next.end());
  stored.set_auto_leave(conf_state.auto_leave);
  return stored.SerializeAsString();
}

absl::StatusOr<raftpb::ConfState> DecodeConfState(absl::string_view bytes) {
  internal::StoredConfState stored;
  if (!stored.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("the store does not say who is a member");
  }
  raftpb::ConfState conf_state;
  conf_state.voters.assign(stored.voters().begin(), stored.voters().end());
  conf_state.learners.assign(stored.learners().begin(), stored.learners().end());
  conf_state.voters_outgoing.assign(stored.voters_outgoing().begin(),
                                    stored.voters_outgoing().end());
  conf_state.learners_next.assign(stored.learners_next().begin(), stored.learners_next().end());
  conf_state.auto_leave = stored.auto_leave();
  return conf_state;
}

absl::StatusOr<Backend::Applied> ReadApplied(const LmdbEnv::Reader& reader) {
  Backend::Applied applied;
  absl::StatusOr<absl::optional<absl::string_view>> id = reader.Get(Bucket::kMeta, kAppliedKey);
  if (!id.ok()) return id.status();
  if (*id) {
    absl::StatusOr<raftpb::EntryId> decoded = DecodeEntryId(**id);
    if (!decoded.ok()) return decoded.status();
    applied.id = *decoded;
  }
  absl::StatusOr<absl::optional<absl::string_view>> conf = reader.Get(Bucket::kMeta, kConfStateKey);
  if (!conf.ok()) return conf.status();
  if (*conf) {
    absl::StatusOr<raftpb::ConfState> decoded = DecodeConfState(**conf);
    if (!decoded.ok()) return decoded.status();
    applied.conf_state = *std::move(decoded);
  }
  return applied;
}

absl::Status WriteBatch(const Pending& batch, LmdbEnv::Writer& writer) {
  for (const Pending::Change& change : batch.changes()) {
    absl::Status s = writer.Put(Bucket::kChanges, change.key, change.value, /*append=*/true);
    if (!s.ok()) return s;
  }
  for (const Pending::Write& write : batch.writes()) {
    absl::Status s = write.value ? writer.Put(write.bucket, write.key, *write.value)
                                 : writer.Delete(write.bucket, write.key);
    if (!s.ok()) return s;
  }
  if (batch.applied()) {
    absl::Status s = writer.Put(Bucket::kMeta, kAppliedKey, EncodeEntryId(*batch.applied()));
    if (!s.ok()) return s;
  }
  if (!batch.conf_state()) return absl::OkStatus();
  return writer.Put(Bucket::kMeta, kConfStateKey, EncodeConfState(*batch.conf_state()));
}

// The generation in a file's name, nullopt if it is not the name of a store.
absl::optional<uint64_t> GenerationOf(absl::string_view name) {
  uint64_t generation;
  if (!absl::ConsumePrefix(&name, kFilePrefix) || !absl::ConsumeSuffix(&name, kFileSuffix) ||
      !absl::SimpleAtoi(name, &generation)) {
    return absl::nullopt;
  }
  return generation;
}

bool IsOurs(absl::string_view name) {
  absl::ConsumeSuffix(&name, "-lock");
  return name == kLockName || absl::EndsWith(name, ".tmp") || GenerationOf(name).has_value();
}

absl::StatusOr<std::vector<std::string>> List(const std::string& directory) {
  DIR* dir = ::opendir(directory.c_str());
  if (dir == nullptr) return LmdbStatus(errno, directory);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir)) {
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  ::closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status SyncDirectory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return LmdbStatus(errno, directory);
  const int rc = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return LmdbStatus(rc, directory);
}

}  // namespace

bool IsLocked(const absl::Status& status) { return absl::IsUnavailable(status); }
bool IsForeign(const absl::Status& status) { return absl::IsFailedPrecondition(status); }
bool IsNoSpace(const absl::Status& status) { return absl::IsResourceExhausted(status); }

// --- Opening -------------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<Backend>> Backend::Open(Options options) {
  const std::string& directory = options.directory;
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return LmdbStatus(errno, directory);
  }
  const std::string lock_path = absl::StrCat(directory, "/", kLockName);
  const int lock_fd = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd < 0) return LmdbStatus(errno, lock_path);
  if (::flock(lock_fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(lock_fd);
    if (error != EWOULDBLOCK) return LmdbStatus(error, lock_path);
    return absl::UnavailableError(absl::StrCat(directory, ": in use by another process"));
  }
  std::unique_ptr<Backend> backend(new Backend(std::move(options), lock_fd));
  if (absl::Status s = backend->OpenNewest(); !s.ok()) return s;
  return backend;
}

Backend::Backend(Options options, int lock_fd)
    : options_(std::move(options)), lock_fd_(lock_fd), gathering_(std::make_shared<Pending>()) {
  writing_ = gathering_.get();
}

Backend::~Backend() { ::close(lock_fd_); }

// A replacement was complete before it got its name, so the newest file is the store; what else is
// there was on its way to be removed.
absl::Status Backend::OpenNewest() {
  absl::MutexLock flush_lock(&flush_mutex_);
  absl::StatusOr<std::vector<std::string>> names = List(options_.directory);
  if (!names.ok()) return names.status();
  uint64_t newest = 1;
  for (const std::string& name : *names) {
    if (!IsOurs(name)) {
      return absl::FailedPreconditionError(
          absl::StrCat(options_.directory, ": \"", name, "\" is not a file of this program"));
    }
    newest = std::max(newest, GenerationOf(name).value_or(0));
  }
  absl::StatusOr<std::shared_ptr<LmdbEnv>> env =
      LmdbEnv::Open({FileName(newest), options_.max_bytes, options_.sync});
  if (!env.ok()) return env.status();
  for (const std::string& name : *names) {
    const absl::optional<uint64_t> generation = GenerationOf(absl::StripSuffix(name, "-lock"));
    if (name != kLockName && generation != newest) {
      ::unlink(absl::StrCat(options_.directory, "/", name).c_str());
    }
  }
  generation_ = newest;
  absl::MutexLock parts_lock(&parts_mutex_);
  env_ = *std::move(env);
  return SyncDirectory(options_.directory);
}

std::string Backend::FileName(uint64_t generation) const {
  return absl::StrFormat("%s/%s%06d%s", options_.directory, kFilePrefix, generation, kFileSuffix);
}

std::shared_ptr<LmdbEnv> Backend::env() const {
  absl::MutexLock lock(&parts_mutex_);
  return env_;
}

// --- Writing -------------------------------------------------------------------------------------

absl::string_view Backend::Append(std::string key, std::string value) {
  gathered_writes_.fetch_add(1, std::memory_order_relaxed);
  return writing_->Append(std::move(key), std::move(value)).value;
}

void Backend::Put(Bucket bucket, absl::string_view key, absl::string_view value) {
  RAFT_CHECK(bucket != Bucket::kChanges) << "changes are appended";
  gathered_writes_.fetch_add(1, std::memory_order_relaxed);
  writing_->Add({bucket, std::string(key), std::string(value)});
}

void Backend::Delete(Bucket bucket, absl::string_view key) {
  RAFT_CHECK(bucket != Bucket::kChanges) << "changes are trimmed";
  gathered_writes_.fetch_add(1, std::memory_order_relaxed);
  writing_->Add({bucket, std::string(key), absl::nullopt});
}

void Backend::SetApplied(raftpb::EntryId applied) { writing_->SetApplied(applied); }

void Backend::SetConfState(const raftpb::ConfState& conf_state) {
  writing_->SetConfState(conf_state);
}

size_t Backend::pending_bytes() const {
  absl::MutexLock lock(&parts_mutex_);
  return gathering_->bytes() + (flushing_ != nullptr ? flushing_->bytes() : 0);
}

bool Backend::has_sealed() const {
  absl::MutexLock lock(&parts_mutex_);
  return flushing_ != nullptr;
}

bool Backend::Seal() {
  absl::MutexLock lock(&parts_mutex_);
  if (flushing_ != nullptr || gathering_->empty()) return false;
  flushing_ = std::move(gathering_);
  gathering_ = std::make_shared<Pending>();
  writing_ = gathering_.get();
  gathered_writes_.store(0, std::memory_order_relaxed);
  return true;
}

absl::Status Backend::Flush() {
  absl::MutexLock flush_lock(&flush_mutex_);
  std::shared_ptr<const Pending> batch;
  {
    absl::MutexLock lock(&parts_mutex_);
    batch = flushing_;
  }
  if (batch == nullptr) return broken_;
  absl::Status s = WriteNow([&](LmdbEnv::Writer& writer) { return WriteBatch(*batch, writer); });
  if (!s.ok()) return s;
  // A view made from now on finds the batch in the file, which it looks at last.
  absl::MutexLock lock(&parts_mutex_);
  flushing_ = nullptr;
  return absl::OkStatus();
}

absl::Status Backend::WriteNow(absl::FunctionRef<absl::Status(LmdbEnv::Writer&)> write) {
  if (!broken_.ok()) return broken_;
  absl::StatusOr<LmdbEnv::Writer> writer = env()->Write();
  absl::Status s = writer.status();
  if (s.ok()) s = write(*writer);
  if (s.ok()) s = writer->Commit();
  if (!s.ok() && !IsNoSpace(s)) broken_ = s;
  return s;
}

absl::Status Backend::Commit() {
  do {
    if (absl::Status s = Flush(); !s.ok()) return s;
  } while (Seal());
  return absl::OkStatus();
}

// --- Reading -------------------------------------------------------------------------------------

// What is in memory first, then the file: a batch that is flushed in between is seen twice, which
// does not matter, and never missed.
absl::StatusOr<Backend::View> Backend::Read() const {
  View view;
  std::shared_ptr<LmdbEnv> file;
  {
    absl::MutexLock lock(&parts_mutex_);
    view.gathering_ = gathering_;
    view.flushing_ = flushing_;
    file = env_;
  }
  view.gathered_ = view.gathering_->change_count();
  absl::StatusOr<LmdbEnv::Reader> reader = file->Read();
  if (!reader.ok()) return reader.status();
  view.file_ = *std::move(reader);
  return view;
}

absl::StatusOr<absl::string_view> Backend::View::Get(absl::string_view key) const {
  if (const Pending::Change* c = gathering_->Find(key, gathered_); c != nullptr && c->key == key) {
    return absl::string_view(c->value);
  }
  if (flushing_ != nullptr) {
    const Pending::Change* c = flushing_->Find(key, flushing_->change_count());
    if (c != nullptr && c->key == key) return absl::string_view(c->value);
  }
  absl::StatusOr<absl::optional<absl::string_view>> found = file_.Get(Bucket::kChanges, key);
  if (!found.ok()) return found.status();
  if (!*found) return absl::NotFoundError("no such change");
  return **found;
}

absl::Status Backend::View::Scan(
    absl::string_view first,
    absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) const {
  // The first key that was not visited. The parts follow each other, the same change may be in two.
  std::string next(first);
  bool stopped = false;
  auto pass_on = [&](absl::string_view key, absl::string_view value) {
    next.assign(key.data(), key.size());
    next.push_back('\0');
    stopped = !visit(key, value);
    return !stopped;
  };
  if (absl::Status s = file_.Scan(Bucket::kChanges, first, pass_on); !s.ok() || stopped) return s;

  auto scan_pending = [&](const Pending& pending, size_t count) {
    std::vector<const Pending::Change*> piece;
    do {
      piece = pending.FindSome(next, count, kScanPiece);
      for (const Pending::Change* c : piece) {
        if (!pass_on(c->key, c->value)) return;
      }
    } while (piece.size() == kScanPiece);
  };
  if (flushing_ != nullptr) scan_pending(*flushing_, flushing_->change_count());
  if (!stopped) scan_pending(*gathering_, gathered_);
  return absl::OkStatus();
}

absl::StatusOr<Backend::Applied> Backend::CommittedApplied() const {
  absl::StatusOr<LmdbEnv::Reader> reader = env()->Read();
  if (!reader.ok()) return reader.status();
  return ReadApplied(*reader);
}

absl::StatusOr<std::string> Backend::GetCommitted(Bucket bucket, absl::string_view key) const {
  absl::StatusOr<LmdbEnv::Reader> reader = env()->Read();
  if (!reader.ok()) return reader.status();
  absl::StatusOr<absl::optional<absl::string_view>> found = reader->Get(bucket, key);
  if (!found.ok()) return found.status();
  if (!*found) return absl::NotFoundError(absl::StrCat("no ", key, " in ", BucketName(bucket)));
  return std::string(**found);
}

absl::Status Backend::ScanCommitted(
    Bucket bucket,
    absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) const {
  absl::StatusOr<LmdbEnv::Reader> reader = env()->Read();
  if (!reader.ok()) return reader.status();
  return reader->Scan(bucket, "", visit);
}

// --- Upkeep --------------------------------------------------------------------------------------

absl::Status Backend::Trim(absl::Span<const std::string> keys) {
  absl::MutexLock flush_lock(&flush_mutex_);
  return WriteNow([&](LmdbEnv::Writer& writer) -> absl::Status {
    for (const std::string& key : keys) {
      if (absl::Status s = writer.Delete(Bucket::kChanges, key); !s.ok()) return s;
    }
    return absl::OkStatus();
  });
}

absl::Status Backend::PutNow(Bucket bucket, absl::string_view key, absl::string_view value) {
  absl::MutexLock flush_lock(&flush_mutex_);
  return WriteNow([&](LmdbEnv::Writer& writer) { return writer.Put(bucket, key, value); });
}

size_t Backend::size() const { return env()->bytes(); }

size_t Backend::size_in_use() const {
  std::shared_ptr<LmdbEnv> file = env();
  absl::StatusOr<LmdbEnv::Reader> reader = file->Read();
  if (!reader.ok()) return file->bytes();
  return reader->BytesInUse().value_or(file->bytes());
}

// The file gets its name when it is complete; the old one goes when nobody looks at it any more.
absl::Status Backend::Replace(const std::string& path, Unflushed unflushed) {
  const std::string name = FileName(generation_ + 1);
  if (::rename(path.c_str(), name.c_str()) != 0) return LmdbStatus(errno, name);
  absl::Status synced = SyncDirectory(options_.directory);
  absl::StatusOr<std::shared_ptr<LmdbEnv>> replacement =
      LmdbEnv::Open({name, options_.max_bytes, options_.sync});
  if (!synced.ok() || !replacement.ok()) {
    ::unlink(name.c_str());
    return synced.ok() ? replacement.status() : synced;
  }
  ++generation_;
  std::shared_ptr<LmdbEnv> old;
  {
    absl::MutexLock lock(&parts_mutex_);
    old = std::exchange(env_, *std::move(replacement));
    if (unflushed == Unflushed::kDrop) {
      flushing_ = nullptr;
      gathering_ = std::make_shared<Pending>();
      writing_ = gathering_.get();
      gathered_writes_.store(0, std::memory_order_relaxed);
    }
  }
  ::unlink(old->path().c_str());
  ::unlink(absl::StrCat(old->path(), "-lock").c_str());
  return absl::OkStatus();
}

absl::Status Backend::Defragment() {
  absl::MutexLock flush_lock(&flush_mutex_);
  if (!broken_.ok()) return broken_;
  const std::string path = absl::StrCat(options_.directory, "/defragmented.tmp");
  ::unlink(path.c_str());
  if (absl::Status s = env()->CopyTo(path); !s.ok()) return s;
  return Replace(path, Unflushed::kKeep);
}

absl::StatusOr<std::unique_ptr<SnapshotFile>> Backend::Snapshot() const {
  static std::atomic<uint64_t> count{0};
  const std::string path = absl::StrCat(options_.directory, "/snapshot-", ++count, ".tmp");
  ::unlink(path.c_str());
  if (absl::Status s = env()->CopyTo(path); !s.ok()) return s;
  // The copy was made of one moment; only the copy knows which.
  auto read_applied = [&]() -> absl::StatusOr<Applied> {
    absl::StatusOr<std::shared_ptr<LmdbEnv>> copy =
        LmdbEnv::Open({path, options_.max_bytes, /*sync=*/true, /*read_only=*/true});
    if (!copy.ok()) return copy.status();
    absl::StatusOr<LmdbEnv::Reader> reader = (*copy)->Read();
    if (!reader.ok()) return reader.status();
    return ReadApplied(*reader);
  };
  absl::StatusOr<Applied> applied = read_applied();
  if (!applied.ok()) {
    ::unlink(path.c_str());
    return applied.status();
  }
  return SnapshotFile::Adopt(path, applied->id, applied->conf_state);
}

absl::StatusOr<std::unique_ptr<SnapshotReceiver>> Backend::Receive() const {
  return SnapshotReceiver::Create(absl::StrCat(options_.directory, "/", kReceivedName));
}

absl::Status Backend::Install(std::unique_ptr<SnapshotReceiver> received) {
  RAFT_CHECK(received->finished()) << "an unfinished snapshot cannot be installed";
  // What another member sent must not be able to harm the file that is in use.
  absl::Status readable =
      LmdbEnv::Open({received->path(), options_.max_bytes, true, /*read_only=*/true}).status();
  if (!readable.ok()) return readable;
  absl::MutexLock flush_lock(&flush_mutex_);
  if (!broken_.ok()) return broken_;
  return Replace(received->path(), Unflushed::kDrop);
}

}  // namespace raftexample
