#include "examples/raftexample/http/port.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/time/clock.h"

namespace raftexample::http {
namespace {

constexpr int kEventsAtOnce = 64;

// The process has no file descriptors left. Those who hold them may let go soon.
constexpr absl::Duration kPauseWhenFull = absl::Milliseconds(20);

}  // namespace

absl::StatusOr<std::unique_ptr<Port>> Port::Listen(const Url& url, Options options) {
  absl::StatusOr<std::vector<Socket>> listeners = ListenAt(url);
  if (!listeners.ok()) return listeners.status();
  return std::unique_ptr<Port>(new Port(url.tls, std::move(options), *std::move(listeners)));
}

Port::Port(bool tls, Options options, std::vector<Socket> listeners)
    : tls_(tls),
      options_(std::move(options)),
      listeners_(std::move(listeners)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      bytes_(kMaxFirstBytes) {}

void Port::Start() {
  Watch(stop_.fd(), EPOLLIN);
  for (const Socket& listener : listeners_) Watch(listener.fd(), EPOLLIN);
  thread_ = std::thread([this] { Run(); });
}

void Port::Stop() {
  if (thread_.joinable()) {
    eventfd_write(stop_.fd(), 1);
    thread_.join();
  }
  listeners_.clear();
  by_fd_.clear();
  undecided_.clear();
}

uint16_t Port::number() const {
  sockaddr_storage address;
  socklen_t size = sizeof(address);
  if (listeners_.empty() ||
      getsockname(listeners_.front().fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return 0;
  }
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

void Port::Run() {
  epoll_event events[kEventsAtOnce];
  while (true) {
    const int count = epoll_wait(epoll_.fd(), events, kEventsAtOnce, TimeoutMillis());
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == stop_.fd()) return;
      const bool listens = std::any_of(listeners_.begin(), listeners_.end(),
                                       [fd](const Socket& l) { return l.fd() == fd; });
      if (listens) {
        Accept(fd);
      } else {
        Look(fd);
      }
    }
    MakeRoom();
  }
}

// Until the oldest has had its time.
int Port::TimeoutMillis() const {
  if (undecided_.empty()) return -1;
  const absl::Duration left = undecided_.front().give_up - absl::Now();
  const absl::Duration wait = std::clamp(left, absl::ZeroDuration(), absl::Minutes(1));
  return static_cast<int>(absl::ToInt64Milliseconds(wait)) + 1;
}

void Port::Accept(int listener) {
  for (int i = 0; i < kEventsAtOnce; ++i) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE) absl::SleepFor(kPauseWhenFull);
      return;  // Nobody there, or gone already: epoll tells when there is more.
    }
    undecided_.push_back({Socket(fd), absl::Now() + options_.patience});
    by_fd_[fd] = std::prev(undecided_.end());
    // Edges, not levels: bytes are left where they are, and must not wake us twice.
    Watch(fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
  }
}

void Port::MakeRoom() {
  const absl::Time now = absl::Now();
  while (!undecided_.empty() &&
         (undecided_.front().give_up <= now || undecided_.size() > options_.max_undecided)) {
    by_fd_.erase(undecided_.front().socket.fd());
    undecided_.pop_front();
  }
}

void Port::Look(int fd) {
  const auto found = by_fd_.find(fd);
  if (found == by_fd_.end()) return;  // Hung up on meanwhile.
  const ssize_t size = recv(fd, bytes_.data(), bytes_.size(), MSG_PEEK);
  Protocol protocol = Protocol::kUnknown;
  if (size > 0) {
    const absl::string_view bytes(bytes_.data(), static_cast<size_t>(size));
    protocol = tls_ ? ProtocolInTls(bytes) : ProtocolOf(bytes);
    if (protocol == Protocol::kUnknown) return;
  } else if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  epoll_ctl(epoll_.fd(), EPOLL_CTL_DEL, fd, nullptr);
  Socket socket = std::move(found->second->socket);
  undecided_.erase(found->second);
  by_fd_.erase(found);
  if (protocol == Protocol::kHttp1) options_.http1(std::move(socket));
  if (protocol == Protocol::kHttp2) options_.http2(std::move(socket));
}

void Port::Watch(int fd, uint32_t events) {
  epoll_event event = {.events = events};
  event.data.fd = fd;
  epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, fd, &event);
}

}  // namespace raftexample::http
