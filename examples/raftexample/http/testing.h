// A client for tests: a socket, and the bytes that come back.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_TESTING_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_TESTING_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "absl/strings/string_view.h"
#include "examples/raftexample/http/socket.h"

namespace raftexample::http {

// Blocks; says nothing by itself.
class TestClient {
 public:
  explicit TestClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }

  bool connected() const { return connected_; }
  bool Say(absl::string_view bytes) {
    return send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  // Everything until the other side hangs up.
  std::string HearAll() {
    std::string all;
    char some[4096];
    ssize_t size = 0;
    while ((size = recv(socket_.fd(), some, sizeof(some), 0)) > 0) {
      all.append(some, static_cast<size_t>(size));
    }
    return all;
  }

 private:
  Socket socket_;
  bool connected_ = false;
};

}  // namespace raftexample::http

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_TESTING_H_
