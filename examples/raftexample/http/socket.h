// Sockets that close themselves, and those that listen.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_SOCKET_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_SOCKET_H_

#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/raftexample/server/url.h"

namespace raftexample::http {

// Owns a file descriptor; -1 is none.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(other.Release()) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }

  int fd() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Listens on every address that the URL's host stands for; none of them blocks. An address that
// this machine does not have is left out, as long as there is another. Unavailable, naming the
// address, if it is taken: ports are not shared with other processes.
absl::StatusOr<std::vector<Socket>> ListenAt(const Url& url);

}  // namespace raftexample::http

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_SOCKET_H_
