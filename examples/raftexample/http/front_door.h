// Where clients come in: each to the server of the protocol that it speaks.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_FRONT_DOOR_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_FRONT_DOOR_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "examples/raftexample/http/port.h"
#include "examples/raftexample/http/web_server.h"
#include "examples/raftexample/server/config.h"

namespace raftexample::http {

// The listening addresses of a member, the web server behind them, and the way to gRPC. First Open,
// then Start, in the end Close. Not thread-safe.
class FrontDoor {
 public:
  // Web requests go to `site`. The files are for the URLs that want TLS.
  FrontDoor(Handler site, TlsFiles tls) : site_(std::move(site)), tls_(std::move(tls)) {}
  ~FrontDoor() { Close(); }

  // Listens at an address, and accepts nothing yet. HTTP/2 goes to `take_http2`, which owns the
  // file descriptor then; without it everybody is a web client. Errors: ListenAt; files of TLS that
  // cannot be used.
  absl::Status Open(const Url& url, std::function<void(int fd)> take_http2);
  void Start();

  // Nobody else comes in; returns when every web request has been answered.
  void Close();

 private:
  absl::Status StartWebServer(bool tls);

  const Handler site_;
  const TlsFiles tls_;
  std::unique_ptr<WebServer> plain_web_;  // Those that are needed.
  std::unique_ptr<WebServer> tls_web_;
  std::vector<std::unique_ptr<Port>> ports_;
};

}  // namespace raftexample::http

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_FRONT_DOOR_H_
