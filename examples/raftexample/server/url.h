// Addresses of members and clients, as etcd writes them: http://10.0.0.1:2380.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_URL_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_URL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace raftexample {

struct Url {
  bool tls = false;  // https, not http.
  std::string host;  // A name, or an address; of IPv6 without the brackets.
  uint16_t port = 0;

  std::string HostPort() const;  // "10.0.0.1:2380", "[::1]:2380"
  std::string ToString() const;  // "http://10.0.0.1:2380"

  friend bool operator==(const Url&, const Url&) = default;
};

// A scheme, a host and a port, and nothing else.
absl::StatusOr<Url> ParseUrl(absl::string_view text);
// Several, separated by commas; at least one.
absl::StatusOr<std::vector<Url>> ParseUrls(absl::string_view text);

std::vector<std::string> ToStrings(const std::vector<Url>& urls);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_URL_H_
