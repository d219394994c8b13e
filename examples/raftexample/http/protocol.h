// Which protocol a client speaks, told from the first bytes it sends.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_PROTOCOL_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_PROTOCOL_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace raftexample::http {

enum class Protocol {
  kUnknown,  // Too few bytes to tell.
  kHttp1,    // A request line, or anything else: HTTP has words for what it does not understand.
  kHttp2,    // The preface of HTTP/2 (RFC 9113, section 3.4), which is what gRPC is carried by.
};
Protocol ProtocolOf(absl::string_view first_bytes);

// The same for a TLS connection, by what its first record offers to speak inside (ALPN, RFC 7301):
// who would also take HTTP/1.1 is a browser or a tool, gRPC offers HTTP/2 alone. kHttp2 for what is
// no TLS: gRPC refuses it. OpenSSL does the reading.
Protocol ProtocolInTls(absl::string_view first_bytes);

// So many bytes always suffice to tell, unless somebody means to hide it: then kHttp2.
inline constexpr size_t kMaxFirstBytes = 16 * 1024;

}  // namespace raftexample::http

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_HTTP_PROTOCOL_H_
