// Loaded in front of the C library (LD_PRELOAD): writes down, in order, what a process asks of the
// disk and what it sends. calls.py reads it.
//
// Recorded are the files under $RECORD_CALLS_DIRECTORY and all TCP connections, into
// $RECORD_CALLS_FILE. A record is made before a call that changes something (with what was there
// before, so that a crash can be played that loses it) and after it; of a send only before, of a
// sync only after, with the time it began. Each record is one write(2) to a file opened for
// appending: what a killed process did is there up to the moment it died.

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

enum class Kind : uint32_t {
  kWrite = 1,      // About to write `data` where `before` is; `size` is that of the file.
  kWrote = 2,      // Did; `number` says which kWrite it was.
  kSync = 3,       // fdatasync or fsync of a file has succeeded.
  kSyncDirectory,  // The same of a directory.
  kCreate,         // A file or directory.
  kRename,         // To `data`.
  kRemove,         //
  kResize,         // A file of `size` bytes to `offset` bytes.
  kSend,           // Over a connection, `data`.
};

struct Record {
  uint32_t bytes = 0;  // Of the whole record.
  Kind kind = Kind::kWrite;
  uint64_t number = 0;
  uint64_t begun = 0;  // CLOCK_MONOTONIC, ns: comparable between the processes of one machine.
  uint64_t ended = 0;
  uint64_t offset = 0;
  uint64_t size = 0;
  uint32_t descriptor = 0;
  uint16_t local_port = 0;
  uint16_t peer_port = 0;
  uint32_t synced = 0;  // kWrote: the descriptor makes each write durable (O_DSYNC).
  uint32_t path_bytes = 0;
  uint32_t data_bytes = 0;
  uint32_t before_bytes = 0;
};

template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// The call behind this one, looked up once.
#define NEXT(name) static auto* const next = Next<decltype(name)>(#name)

uint64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

int Recording() {
  static const int descriptor = [] {
    const char* path = std::getenv("RECORD_CALLS_FILE");
    if (path == nullptr) return -1;
    return static_cast<int>(
        syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  }();
  return descriptor;
}

bool IsOurs(std::string_view path) {
  static const std::string directory = [] {
    const char* path = std::getenv("RECORD_CALLS_DIRECTORY");
    return std::string(path == nullptr ? "/dev/null" : path);
  }();
  if (path.substr(0, directory.size()) != directory) return false;
  return path.size() == directory.size() || path[directory.size()] == '/';
}

// The name that the file has now; empty for what is not under the directory.
std::string PathOf(int descriptor) {
  char link[64];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
  char path[PATH_MAX];
  const ssize_t n = readlink(link, path, sizeof(path));
  const std::string found(path, n > 0 ? static_cast<size_t>(n) : 0);
  return IsOurs(found) ? found : "";
}

uint64_t SizeOf(int descriptor) {
  struct stat about;
  return fstat(descriptor, &about) == 0 ? static_cast<uint64_t>(about.st_size) : 0;
}

void Put(Record record, std::string_view path, std::string_view data, std::string_view before) {
  record.path_bytes = static_cast<uint32_t>(path.size());
  record.data_bytes = static_cast<uint32_t>(data.size());
  record.before_bytes = static_cast<uint32_t>(before.size());
  record.bytes = static_cast<uint32_t>(sizeof(record) + path.size() + data.size() + before.size());
  std::string bytes(reinterpret_cast<const char*>(&record), sizeof(record));
  bytes.append(path).append(data).append(before);
  if (syscall(SYS_write, Recording(), bytes.data(), bytes.size()) !=
      static_cast<ssize_t>(bytes.size())) {
    std::fputs("record_calls: the recording cannot be written\n", stderr);
    std::abort();
  }
}

uint64_t NextNumber() {
  static std::atomic<uint64_t> number = 0;
  return ++number;
}

std::string Join(const iovec* pieces, int count) {
  std::string joined;
  for (int i = 0; i < count; ++i) {
    joined.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  return joined;
}

// Fewer bytes if the file ends there. By the name: the caller's descriptor may be one that cannot
// read, or only what is aligned.
std::string ContentsAt(const std::string& path, off_t offset, size_t bytes) {
  std::string contents(bytes, '\0');
  const int descriptor =
      static_cast<int>(syscall(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t had = syscall(SYS_pread64, descriptor, contents.data(), bytes, offset);
  contents.resize(had > 0 ? static_cast<size_t>(had) : 0);
  syscall(SYS_close, descriptor);
  return contents;
}

template <typename Call>
ssize_t RecordedWrite(int descriptor, off_t offset, const iovec* pieces, int count, Call call) {
  const std::string path = Recording() < 0 ? "" : PathOf(descriptor);
  if (path.empty()) return call();
  const std::string data = Join(pieces, count);
  const std::string before = ContentsAt(path, offset, data.size());
  Record record;
  record.kind = Kind::kWrite;
  record.number = NextNumber();
  record.begun = Now();
  record.offset = static_cast<uint64_t>(offset);
  record.size = SizeOf(descriptor);
  Put(record, path, data, before);
  const ssize_t written = call();
  if (written < 0) return written;
  const int error = errno;
  record.kind = Kind::kWrote;
  record.ended = Now();
  record.size = static_cast<uint64_t>(written);
  record.synced = (fcntl(descriptor, F_GETFL) & O_DSYNC) != 0;
  Put(record, path, "", "");
  errno = error;
  return written;
}

template <typename Call>
int RecordedSync(int descriptor, Call call) {
  Record record;
  record.begun = Now();
  const int result = call();
  if (result != 0 || Recording() < 0) return result;
  record.ended = Now();
  const std::string path = PathOf(descriptor);
  struct stat about;
  if (path.empty() || fstat(descriptor, &about) != 0) return result;
  record.kind = S_ISDIR(about.st_mode) ? Kind::kSyncDirectory : Kind::kSync;
  Put(record, path, "", "");
  return result;
}

template <typename Call>
int RecordedResize(int descriptor, uint64_t size, Call call) {
  const std::string path = Recording() < 0 ? "" : PathOf(descriptor);
  if (!path.empty() && size != SizeOf(descriptor)) {
    Record record;
    record.kind = Kind::kResize;
    record.begun = Now();
    record.offset = size;
    record.size = SizeOf(descriptor);
    Put(record, path, "", "");
  }
  return call();
}

// Of a call that succeeded.
void PutNamed(Kind kind, std::string_view path, std::string_view to) {
  if (Recording() < 0 || !IsOurs(path)) return;
  const int error = errno;
  Record record;
  record.kind = kind;
  record.begun = record.ended = Now();
  Put(record, path, to, "");
  errno = error;
}

template <typename Call>
int RecordedOpen(const char* path, int flags, Call call) {
  const bool creates = (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
  const int descriptor = call();
  if (creates && descriptor >= 0) PutNamed(Kind::kCreate, path, "");
  return descriptor;
}

void RecordSend(int descriptor, std::string_view data) {
  if (Recording() < 0) return;
  const auto port = [descriptor](auto name_of) -> uint16_t {
    sockaddr_storage address;
    socklen_t bytes = sizeof(address);
    if (name_of(descriptor, reinterpret_cast<sockaddr*>(&address), &bytes) != 0) return 0;
    if (address.ss_family == AF_INET) {
      return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
    }
    if (address.ss_family == AF_INET6) {
      return ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
    }
    return 0;
  };
  const int error = errno;
  Record record;
  record.kind = Kind::kSend;
  record.begun = Now();
  record.descriptor = static_cast<uint32_t>(descriptor);
  record.local_port = port(getsockname);
  record.peer_port = port(getpeername);
  if (record.peer_port != 0) Put(record, "", data, "");
  errno = error;
}

}  // namespace

extern "C" {

// Which of two names of a call a library uses depends on how it was compiled.
#define RECORD_PWRITEV(name)                                               \
  ssize_t name(int fd, const iovec* pieces, int count, off_t offset) {     \
    NEXT(name);                                                            \
    return RecordedWrite(fd, offset, pieces, count,                        \
                         [&] { return next(fd, pieces, count, offset); }); \
  }
RECORD_PWRITEV(pwritev)
RECORD_PWRITEV(pwritev64)

#define RECORD_PWRITE(name)                                                                     \
  ssize_t name(int fd, const void* data, size_t bytes, off_t offset) {                          \
    NEXT(name);                                                                                 \
    const iovec piece = {const_cast<void*>(data), bytes};                                       \
    return RecordedWrite(fd, offset, &piece, 1, [&] { return next(fd, data, bytes, offset); }); \
  }
RECORD_PWRITE(pwrite)
RECORD_PWRITE(pwrite64)

ssize_t write(int fd, const void* data, size_t bytes) {
  NEXT(write);
  const off_t offset = Recording() < 0 || PathOf(fd).empty() ? 0 : lseek(fd, 0, SEEK_CUR);
  const iovec piece = {const_cast<void*>(data), bytes};
  return RecordedWrite(fd, offset, &piece, 1, [&] { return next(fd, data, bytes); });
}

ssize_t writev(int fd, const iovec* pieces, int count) {
  NEXT(writev);
  const off_t offset = Recording() < 0 || PathOf(fd).empty() ? 0 : lseek(fd, 0, SEEK_CUR);
  return RecordedWrite(fd, offset, pieces, count, [&] { return next(fd, pieces, count); });
}

int fdatasync(int fd) {
  NEXT(fdatasync);
  return RecordedSync(fd, [&] { return next(fd); });
}

int fsync(int fd) {
  NEXT(fsync);
  return RecordedSync(fd, [&] { return next(fd); });
}

#define RECORD_FTRUNCATE(name)                                                              \
  int name(int fd, off_t size) noexcept {                                                   \
    NEXT(name);                                                                             \
    return RecordedResize(fd, static_cast<uint64_t>(size), [&] { return next(fd, size); }); \
  }
RECORD_FTRUNCATE(ftruncate)
RECORD_FTRUNCATE(ftruncate64)

#define RECORD_FALLOCATE(name)                                                             \
  int name(int fd, int mode, off_t offset, off_t bytes) {                                  \
    NEXT(name);                                                                            \
    return RecordedResize(fd, std::max(SizeOf(fd), static_cast<uint64_t>(offset + bytes)), \
                          [&] { return next(fd, mode, offset, bytes); });                  \
  }
RECORD_FALLOCATE(fallocate)
RECORD_FALLOCATE(fallocate64)

#define RECORD_OPEN(name)                                                                \
  int name(const char* path, int flags, ...) {                                           \
    NEXT(name);                                                                          \
    va_list rest;                                                                        \
    va_start(rest, flags);                                                               \
    const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                                        \
    return RecordedOpen(path, flags, [&] { return next(path, flags, mode); });           \
  }
RECORD_OPEN(open)
RECORD_OPEN(open64)

int mkdir(const char* path, mode_t mode) noexcept {
  NEXT(mkdir);
  const int result = next(path, mode);
  if (result == 0) PutNamed(Kind::kCreate, path, "");
  return result;
}

int rename(const char* from, const char* to) noexcept {
  NEXT(rename);
  const int result = next(from, to);
  if (result == 0) PutNamed(Kind::kRename, from, to);
  return result;
}

int remove(const char* path) noexcept {
  NEXT(remove);
  const int result = next(path);
  if (result == 0) PutNamed(Kind::kRemove, path, "");
  return result;
}

int unlink(const char* path) noexcept {
  NEXT(unlink);
  const int result = next(path);
  if (result == 0) PutNamed(Kind::kRemove, path, "");
  return result;
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  NEXT(sendmsg);
  RecordSend(fd, Join(message->msg_iov, static_cast<int>(message->msg_iovlen)));
  return next(fd, message, flags);
}

}  // extern "C"
