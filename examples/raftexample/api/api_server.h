// The services of a member on its client URLs.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_API_API_SERVER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_API_API_SERVER_H_

#include <chrono>
#include <memory>

#include "absl/status/statusor.h"
#include "examples/raftexample/server/server.h"

namespace raftexample {

class ApiServer {
 public:
  // The server outlives it. Unavailable, naming the address, if one cannot be listened on.
  static absl::StatusOr<std::unique_ptr<ApiServer>> Start(Server* server);
  virtual ~ApiServer() = default;

  // No new calls; those that run may go on for the grace. Returns when all are finished, so the
  // server must be stopped meanwhile, or answer them.
  virtual void Shutdown(std::chrono::milliseconds grace) = 0;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_API_API_SERVER_H_
