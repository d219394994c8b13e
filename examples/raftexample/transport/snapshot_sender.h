// Streams one snapshot of the state machine to a peer, on a thread and a connection of its own.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_SNAPSHOT_SENDER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_SNAPSHOT_SENDER_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "absl/status/status.h"
#include "examples/raftexample/backend/snapshot_file.h"
#include "examples/raftexample/transport/identity.h"
#include "raftpb/message.h"

namespace raftexample {

class SnapshotSender {
 public:
  // `done` is called once, on the sender's thread.
  SnapshotSender(std::shared_ptr<grpc::Channel> channel, const PeerIdentity& identity,
                 raftpb::Message message, std::unique_ptr<SnapshotFile> file,
                 std::function<void(const absl::Status&)> done);
  ~SnapshotSender();  // Cancels, and waits.

  bool ended() const { return ended_; }

 private:
  absl::Status Run();

  const std::shared_ptr<grpc::Channel> channel_;
  const raftpb::Message message_;
  const std::unique_ptr<SnapshotFile> file_;
  grpc::ClientContext context_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_SNAPSHOT_SENDER_H_
