// Loaded in front of the C library (LD_PRELOAD): syncing files takes long while there is a file of
// the name in $SLOW_DISK, as on a disk that others keep busy. That file holds the milliseconds.
#include <dlfcn.h>
#include <fcntl.h>
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

using Sync = int (*)(int);

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
