#include "examples/raftexample/http/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

namespace raftexample::http {
namespace {

absl::Status CannotListen(const Url& url, const char* why) {
  return absl::UnavailableError(absl::StrCat("cannot listen on ", url.HostPort(), ": ", why));
}

void TurnOn(const Socket& socket, int level, int option) {
  const int on = 1;
  setsockopt(socket.fd(), level, option, &on, sizeof(on));
}

// The socket, or the errno of what failed.
std::pair<Socket, int> ListenAtAddress(const addrinfo& address) {
  Socket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return {Socket(), errno};
  TurnOn(socket, SOL_SOCKET, SO_REUSEADDR);  // Connections of a former life may linger.
  TurnOn(socket, IPPROTO_TCP, TCP_NODELAY);  // Inherited by connections.
  if (address.ai_family == AF_INET6) TurnOn(socket, IPPROTO_IPV6, IPV6_V6ONLY);
  if (bind(socket.fd(), address.ai_addr, address.ai_addrlen) != 0) return {Socket(), errno};
  if (listen(socket.fd(), SOMAXCONN) != 0) return {Socket(), errno};
  return {std::move(socket), 0};
}

bool NotOnThisMachine(int error) { return error == EADDRNOTAVAIL || error == EAFNOSUPPORT; }

}  // namespace

absl::StatusOr<std::vector<Socket>> ListenAt(const Url& url) {
  const addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  const int unknown = getaddrinfo(url.host.empty() ? nullptr : url.host.c_str(),
                                  std::to_string(url.port).c_str(), &hints, &found);
  if (unknown != 0) return CannotListen(url, gai_strerror(unknown));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);

  std::vector<Socket> sockets;
  int missing = EADDRNOTAVAIL;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    auto [socket, error] = ListenAtAddress(*address);
    if (error == 0) {
      sockets.push_back(std::move(socket));
    } else if (NotOnThisMachine(error)) {
      missing = error;
    } else {
      return CannotListen(url, std::strerror(error));
    }
  }
  if (sockets.empty()) return CannotListen(url, std::strerror(missing));
  return sockets;
}

}  // namespace raftexample::http
