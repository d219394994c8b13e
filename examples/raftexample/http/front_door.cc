#include "examples/raftexample/http/front_door.h"

#include <utility>

namespace raftexample::http {

absl::Status FrontDoor::Open(const Url& url, std::function<void(int fd)> take_http2) {
  if (absl::Status started = StartWebServer(url.tls); !started.ok()) return started;
  Port::Options options;
  WebServer* const web = url.tls ? tls_web_.get() : plain_web_.get();
  options.http1 = [web](Socket connection) { web->Take(std::move(connection)); };
  options.http2 = options.http1;
  if (take_http2 != nullptr) {
    options.http2 = [take = std::move(take_http2)](Socket connection) {
      take(connection.Release());
    };
  }
  absl::StatusOr<std::unique_ptr<Port>> port = Port::Listen(url, std::move(options));
  if (!port.ok()) return port.status();
  ports_.push_back(*std::move(port));
  return absl::OkStatus();
}

absl::Status FrontDoor::StartWebServer(bool tls) {
  std::unique_ptr<WebServer>& web = tls ? tls_web_ : plain_web_;
  if (web != nullptr) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<WebServer>> started =
      WebServer::Start(site_, tls ? absl::make_optional(tls_) : absl::nullopt);
  if (started.ok()) web = *std::move(started);
  return started.status();
}

void FrontDoor::Start() {
  for (const auto& port : ports_) port->Start();
}

void FrontDoor::Close() {
  ports_.clear();
  if (plain_web_ != nullptr) plain_web_->Shutdown();
  if (tls_web_ != nullptr) tls_web_->Shutdown();
}

}  // namespace raftexample::http
