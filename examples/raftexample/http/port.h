// One address for two protocols: clients of the API and clients of HTTP/1.1 come to the same port.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_PORT_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_PORT_H_

#include <functional>
#include <list>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/raftexample/http/protocol.h"
#include "examples/raftexample/http/socket.h"
#include "examples/raftexample/server/url.h"

namespace raftexample::http {

// Accepts connections on a thread of its own, looks at their first bytes without taking them, and
// hands each to whom it is for. Afterwards it has nothing to do with them, so it costs requests
// nothing. A client that connects and says nothing holds up nobody, and is hung up on in the end.
class Port {
 public:
  // Called on the port's thread; must not block. The connection does not block either.
  using Taker = std::function<void(Socket)>;
  struct Options {
    Taker http1;
    Taker http2;
    absl::Duration patience = absl::Seconds(30);  // With those who say nothing.
    size_t max_undecided = 1024;                  // More push the oldest out.
  };

  // Listens; accepts nothing before Start. Errors: ListenAt.
  static absl::StatusOr<std::unique_ptr<Port>> Listen(const Url& url, Options options);
  ~Port() { Stop(); }

  void Start();
  // No more connections are handed over when it returns, and the address is free.
  void Stop();

  // Where it listens: of interest when the URL left the choice of the port to the system.
  uint16_t number() const;

 private:
  // Connected, and nothing known yet.
  struct Undecided {
    Socket socket;
    absl::Time give_up;
  };

  Port(bool tls, Options options, std::vector<Socket> listeners);

  void Run();
  int TimeoutMillis() const;
  void Accept(int listener);
  void MakeRoom();
  void Look(int fd);
  void Watch(int fd, uint32_t events);

  const bool tls_;
  const Options options_;
  std::vector<Socket> listeners_;
  Socket epoll_;
  Socket stop_;  // An eventfd.
  std::vector<char> bytes_;
  std::list<Undecided> undecided_;  // Oldest first.
  std::unordered_map<int, std::list<Undecided>::iterator> by_fd_;
  std::thread thread_;
};

}  // namespace raftexample::http

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_PORT_H_
