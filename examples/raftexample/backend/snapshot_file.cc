#include "examples/raftexample/backend/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/backend/lmdb_env.h"
#include "raft/check.h"

namespace raftexample {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;

// Reads up to `max` bytes, fewer only at the end of the file.
absl::StatusOr<std::string> ReadAt(int fd, size_t offset, size_t max) {
  std::string bytes(max, '\0');
  size_t got = 0;
  while (got < max) {
    const ssize_t n = ::pread(fd, bytes.data() + got, max - got, offset + got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return LmdbStatus(errno, "reading a snapshot");
    if (n == 0) break;
    got += n;
  }
  bytes.resize(got);
  return bytes;
}

// XXH3, 128 bits: finds what broke on the way, not what somebody forged.
class Digest {
 public:
  Digest() : state_(XXH3_createState()) { XXH3_128bits_reset(state_); }
  ~Digest() { XXH3_freeState(state_); }
  Digest(const Digest&) = delete;

  void Add(absl::string_view bytes) { XXH3_128bits_update(state_, bytes.data(), bytes.size()); }
  std::string Finish() const {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_));
    return std::string(reinterpret_cast<const char*>(canonical.digest), sizeof(canonical.digest));
  }

 private:
  XXH3_state_t* const state_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SnapshotFile>> SnapshotFile::Adopt(const std::string& path,
                                                                  raftpb::EntryId applied,
                                                                  raftpb::ConfState conf_state) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return LmdbStatus(errno, path);
  ::unlink(path.c_str());
  Digest digest;
  size_t size = 0;
  while (true) {
    absl::StatusOr<std::string> bytes = ReadAt(fd, size, kReadBytes);
    if (!bytes.ok()) {
      ::close(fd);
      return bytes.status();
    }
    digest.Add(*bytes);
    size += bytes->size();
    if (bytes->size() < kReadBytes) break;
  }
  return std::unique_ptr<SnapshotFile>(
      new SnapshotFile(fd, size, digest.Finish(), applied, std::move(conf_state)));
}

SnapshotFile::SnapshotFile(int fd, size_t size, std::string digest, raftpb::EntryId applied,
                           raftpb::ConfState conf_state)
    : fd_(fd),
      size_(size),
      digest_(std::move(digest)),
      applied_(applied),
      conf_state_(std::move(conf_state)) {}

SnapshotFile::~SnapshotFile() { ::close(fd_); }

absl::StatusOr<std::string> SnapshotFile::Read(size_t offset, size_t max) const {
  if (offset >= size_) return std::string();
  const size_t wanted = std::min(max, size_ - offset);
  absl::StatusOr<std::string> bytes = ReadAt(fd_, offset, wanted);
  if (bytes.ok() && bytes->size() < wanted) return absl::DataLossError("a snapshot became shorter");
  return bytes;
}

// --- The receiver --------------------------------------------------------------------------------

struct SnapshotReceiver::Hasher {
  Digest digest;
};

absl::StatusOr<std::unique_ptr<SnapshotReceiver>> SnapshotReceiver::Create(std::string path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return LmdbStatus(errno, path);
  return std::unique_ptr<SnapshotReceiver>(new SnapshotReceiver(std::move(path), fd));
}

SnapshotReceiver::SnapshotReceiver(std::string path, int fd)
    : path_(std::move(path)), fd_(fd), hasher_(std::make_unique<Hasher>()) {}

SnapshotReceiver::~SnapshotReceiver() {
  ::close(fd_);
  ::unlink(path_.c_str());  // Has another name by now if it was installed.
}

absl::Status SnapshotReceiver::Append(absl::string_view piece) {
  RAFT_CHECK(!finished_) << "a piece after the end of a snapshot";
  hasher_->digest.Add(piece);
  received_ += piece.size();
  while (!piece.empty()) {
    const ssize_t n = ::write(fd_, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return LmdbStatus(errno, path_);
    piece.remove_prefix(n);
  }
  return absl::OkStatus();
}

absl::Status SnapshotReceiver::Finish(absl::string_view digest) {
  if (hasher_->digest.Finish() != digest) {
    return absl::DataLossError(
        absl::StrCat("a snapshot of ", received_, " bytes is not what was sent"));
  }
  if (::fsync(fd_) != 0) return LmdbStatus(errno, path_);
  finished_ = true;
  return absl::OkStatus();
}

}  // namespace raftexample
