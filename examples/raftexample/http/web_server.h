// HTTP/1.1 for people and tools: GET, and nothing else.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_WEB_SERVER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_WEB_SERVER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "examples/raftexample/http/socket.h"
#include "examples/raftexample/server/config.h"

namespace raftexample::http {

struct Request {
  std::string method;
  std::string path;                               // "/health"
  std::multimap<std::string, std::string> query;  // Of "?exclude=NOSPACE"; decoded.

  bool Has(const std::string& name, const std::string& value) const {
    const auto [first, last] = query.equal_range(name);
    for (auto it = first; it != last; ++it) {
      if (it->second == value) return true;
    }
    return false;
  }
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::map<std::string, std::string> headers;  // More of them.
};

// Exactly once, at any time, on any thread.
using Answer = std::function<void(Response)>;
// Called on the web server's thread; must not block.
using Handler = std::function<void(const Request& request, Answer answer)>;

// Listens nowhere: connections are handed to it. Bounded in connections, in the size of a request
// and in the patience with idle ones. One thread, of libmicrohttpd.
class WebServer {
 public:
  // With TLS if there are files for it. Errors: files that cannot be read or do not fit.
  static absl::StatusOr<std::unique_ptr<WebServer>> Start(Handler handler,
                                                          const absl::optional<TlsFiles>& tls);
  virtual ~WebServer() = default;

  // Any thread. Closed at once if there are too many.
  virtual void Take(Socket connection) = 0;

  // Returns when every request has been answered, and every connection is closed. Hand over no
  // connections after it has begun.
  virtual void Shutdown() = 0;
};

}  // namespace raftexample::http

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_WEB_SERVER_H_
