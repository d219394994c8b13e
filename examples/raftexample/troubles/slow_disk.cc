// Loaded in front of the C library (LD_PRELOAD): syncing files, and writing what is durable when
// the call returns, takes long while there is a file of the name in $SLOW_DISK, as on a disk that
// others keep busy. That file holds the milliseconds.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdlib>

namespace {

void Wait() {
  static const char* const path = getenv("SLOW_DISK");
  const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  char millis[16] = {};
  if (read(fd, millis, sizeof(millis) - 1) > 0) usleep(1000 * atoi(millis));
  close(fd);
}

bool IsDurable(int fd) { return (fcntl(fd, F_GETFL) & O_DSYNC) != 0; }

using Sync = int (*)(int);
using Write = ssize_t (*)(int, const void*, size_t, off_t);

}  // namespace

extern "C" int fdatasync(int fd) {
  static const auto real = reinterpret_cast<Sync>(dlsym(RTLD_NEXT, "fdatasync"));
  Wait();
  return real(fd);
}

extern "C" int fsync(int fd) {
  static const auto real = reinterpret_cast<Sync>(dlsym(RTLD_NEXT, "fsync"));
  Wait();
  return real(fd);
}

// Which of two names of a call a program uses depends on how it was compiled.
#define SLOW_PWRITE(name)                                                         \
  extern "C" ssize_t name(int fd, const void* data, size_t bytes, off_t offset) { \
    static const auto real = reinterpret_cast<Write>(dlsym(RTLD_NEXT, #name));    \
    if (IsDurable(fd)) Wait();                                                    \
    return real(fd, data, bytes, offset);                                         \
  }
SLOW_PWRITE(pwrite)
SLOW_PWRITE(pwrite64)
