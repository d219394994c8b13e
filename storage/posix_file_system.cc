#include "storage/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/errors.h"

namespace storage {

namespace {

constexpr size_t kDirectAlignment = 4096;
constexpr size_t kPiecesPerCall = 1024;  // IOV_MAX of Linux.

absl::Status ErrnoToStatus(absl::string_view path, absl::string_view call, int error) {
  const std::string why = absl::StrCat(call, ": ", std::strerror(error));
  switch (error) {
    case EINTR: return Interrupted();
    case ENOENT: return absl::NotFoundError(absl::StrCat(path, ": ", why));
    case EEXIST: return absl::AlreadyExistsError(absl::StrCat(path, ": ", why));
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return NoSpace(path, why);
    default: return IoError(path, why);
  }
}

// For calls that have nothing half done when a signal interrupts them.
template <typename Call>
auto RetryInterrupted(Call call) {
  while (true) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

class PosixFile : public File {
 public:
  PosixFile(std::string path, int fd, bool direct)
      : path_(std::move(path)), fd_(fd), direct_(direct) {}
  ~PosixFile() override {
    ::close(fd_);
    if (durable_fd_ >= 0) ::close(durable_fd_);
  }

  absl::StatusOr<size_t> Read(uint64_t offset, char* into, size_t size) const override {
    if (direct_) return ReadDirect(offset, into, size);
    const ssize_t read = ::pread(fd_, into, size, static_cast<off_t>(offset));
    if (read < 0) return ErrnoToStatus(path_, "pread", errno);
    return static_cast<size_t>(read);
  }

  absl::StatusOr<size_t> Write(uint64_t offset,
                               absl::Span<const absl::string_view> pieces) override {
    iovec vectors[kPiecesPerCall];
    const size_t count = std::min(pieces.size(), kPiecesPerCall);
    for (size_t i = 0; i < count; ++i) {
      vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    }
    const ssize_t written =
        ::pwritev(fd_, vectors, static_cast<int>(count), static_cast<off_t>(offset));
    if (written < 0) return ErrnoToStatus(path_, "pwritev", errno);
    return static_cast<size_t>(written);
  }

  absl::Status Allocate(uint64_t size) override {
    const int result =
        RetryInterrupted([&] { return ::fallocate(fd_, 0, 0, static_cast<off_t>(size)); });
    if (result == 0) return absl::OkStatus();
    if (errno == EOPNOTSUPP || errno == ENOSYS) return WriteZeros(size);
    return ErrnoToStatus(path_, "fallocate", errno);
  }

  absl::Status Truncate(uint64_t size) override {
    const int result = RetryInterrupted([&] { return ::ftruncate(fd_, static_cast<off_t>(size)); });
    return result == 0 ? absl::OkStatus() : ErrnoToStatus(path_, "ftruncate", errno);
  }

  absl::Status Sync() override {
    if (::fdatasync(fd_) == 0) return absl::OkStatus();  // Never repeated, not even for EINTR.
    return SyncFailed(path_, absl::StrCat("fdatasync: ", std::strerror(errno)));
  }

  absl::Status WriteDurably(uint64_t offset, absl::Span<const absl::string_view> pieces) override {
    if (pieces.size() != 1) return File::WriteDurably(offset, pieces);
    absl::string_view rest = pieces.front();
    while (!rest.empty() && IsAligned(offset, rest) && OpenDurably()) {
      const ssize_t written =
          ::pwrite(durable_fd_, rest.data(), rest.size(), static_cast<off_t>(offset));
      if (written == 0) return IoError(path_, "a write made no progress");
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && errno == EINVAL) {  // Larger sectors, for one.
        ::close(std::exchange(durable_fd_, kNotOffered));
        break;
      }
      if (written < 0) return ErrnoToStatus(path_, "pwrite to the disk", errno);
      offset += static_cast<uint64_t>(written);
      rest.remove_prefix(static_cast<size_t>(written));
    }
    return rest.empty() ? absl::OkStatus() : File::WriteDurably(offset, {&rest, 1});
  }

  absl::StatusOr<uint64_t> Size() const override {
    struct stat about;
    if (::fstat(fd_, &about) != 0) return ErrnoToStatus(path_, "fstat", errno);
    return static_cast<uint64_t>(about.st_size);
  }

 private:
  static constexpr int kNotOpen = -1;
  static constexpr int kNotOffered = -2;

  static bool IsAligned(uint64_t offset, absl::string_view bytes) {
    const auto address = reinterpret_cast<uintptr_t>(bytes.data());
    return (offset | bytes.size() | address) % kDirectWriteBytes == 0;
  }

  // The file once more, by its descriptor: it may have another name by now.
  bool OpenDurably() {
    if (durable_fd_ != kNotOpen) return durable_fd_ >= 0;
    const std::string file = absl::StrCat("/proc/self/fd/", fd_);
    durable_fd_ = RetryInterrupted(
        [&] { return ::open(file.c_str(), O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC); });
    if (durable_fd_ < 0) durable_fd_ = kNotOffered;
    return durable_fd_ >= 0;
  }

  // O_DIRECT wants aligned offsets, sizes and memory: reads into a buffer of its own.
  absl::StatusOr<size_t> ReadDirect(uint64_t offset, char* into, size_t size) const {
    const size_t skipped = offset % kDirectAlignment;
    const size_t wanted = std::min(size, size_t{1} << 20);
    const size_t aligned =
        (skipped + wanted + kDirectAlignment - 1) / kDirectAlignment * kDirectAlignment;
    const std::unique_ptr<char, decltype(&std::free)> buffer(
        static_cast<char*>(std::aligned_alloc(kDirectAlignment, aligned)), &std::free);
    if (buffer == nullptr) return IoError(path_, "no memory to read into");
    const ssize_t read = ::pread(fd_, buffer.get(), aligned, static_cast<off_t>(offset - skipped));
    if (read < 0) return ErrnoToStatus(path_, "pread", errno);
    if (static_cast<size_t>(read) <= skipped) return size_t{0};
    const size_t got = std::min(wanted, static_cast<size_t>(read) - skipped);
    std::memcpy(into, buffer.get() + skipped, got);
    return got;
  }

  // Only what is beyond the end: what is there already has its space.
  absl::Status WriteZeros(uint64_t size) {
    const absl::StatusOr<uint64_t> now = Size();
    if (!now.ok()) return now.status();
    static constexpr char kZeros[1 << 16] = {};
    for (uint64_t at = *now; at < size;) {
      const absl::string_view piece(kZeros, std::min<uint64_t>(size - at, sizeof(kZeros)));
      if (absl::Status written = WriteFully(*this, at, {&piece, 1}); !written.ok()) return written;
      at += piece.size();
    }
    return absl::OkStatus();
  }

  const std::string path_;
  const int fd_;
  const bool direct_;
  int durable_fd_ = kNotOpen;  // Each write past the page cache, and durable when it returns.
};

class PosixLock : public FileLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}
  ~PosixLock() override { ::close(fd_); }

 private:
  const int fd_;
};

class Posix : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC;
    switch (mode) {
      case OpenMode::kRead: flags |= O_RDONLY; break;
      case OpenMode::kReadDirect: flags |= O_RDONLY | O_DIRECT; break;
      case OpenMode::kWrite: flags |= O_RDWR; break;
      case OpenMode::kCreate: flags |= O_RDWR | O_CREAT | O_EXCL; break;
    }
    int fd = RetryInterrupted([&] { return ::open(path.c_str(), flags, 0600); });
    bool direct = mode == OpenMode::kReadDirect;
    if (fd < 0 && direct && errno == EINVAL) {  // tmpfs, for one.
      direct = false;
      fd = RetryInterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); });
    }
    if (fd < 0) return ErrnoToStatus(path, "open", errno);
    return std::make_unique<PosixFile>(path, fd, direct);
  }

  absl::Status CreateDirectory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) == 0) return absl::OkStatus();
    struct stat about;
    const int error = errno;
    if (error == EEXIST && ::stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode)) {
      return absl::OkStatus();
    }
    return ErrnoToStatus(path, "mkdir", error);
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    DIR* const directory = ::opendir(path.c_str());
    if (directory == nullptr) return ErrnoToStatus(path, "opendir", errno);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(directory)) {
      const absl::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    const int error = errno;
    ::closedir(directory);
    if (error != 0) return ErrnoToStatus(path, "readdir", error);
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
    return ErrnoToStatus(from, absl::StrCat("rename to ", to), errno);
  }

  absl::Status Remove(const std::string& path) override {
    if (::remove(path.c_str()) == 0) return absl::OkStatus();
    return ErrnoToStatus(path, "remove", errno);
  }

  absl::Status SyncDirectory(const std::string& path) override {
    const int fd =
        RetryInterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (fd < 0) return ErrnoToStatus(path, "open", errno);
    const int result = ::fsync(fd);
    const int error = errno;
    ::close(fd);
    if (result == 0) return absl::OkStatus();
    return SyncFailed(path, absl::StrCat("fsync: ", std::strerror(error)));
  }

  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    const int fd =
        RetryInterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); });
    if (fd < 0) return ErrnoToStatus(path, "open", errno);
    if (RetryInterrupted([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) == 0) {
      return std::make_unique<PosixLock>(fd);
    }
    const int error = errno;
    ::close(fd);
    if (error == EWOULDBLOCK) return Locked(path);
    return ErrnoToStatus(path, "flock", error);
  }
};

}  // namespace

FileSystem& PosixFileSystem() {
  static Posix* const file_system = new Posix;
  return *file_system;
}

}  // namespace storage
