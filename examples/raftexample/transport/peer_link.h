// The way to one other member: a stream of messages that is opened again whenever it breaks.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_PEER_LINK_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_PEER_LINK_H_

#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/types/optional.h"
#include "examples/raftexample/rpc/event_loop.h"
#include "examples/raftexample/transport/identity.h"
#include "raftpb/message.h"

namespace raftexample {

// Sends without ever blocking. While there is no stream only the newest few messages are kept: Raft
// says everything again, and old news helps nobody. While a write is under way messages gather, and
// leave together as one frame.
class PeerLink : public std::enable_shared_from_this<PeerLink> {
 public:
  struct Options {
    PeerIdentity identity;
    size_t max_queued_messages = 4096;
    size_t max_queued_bytes = 64 << 20;  // Of payload.
    size_t max_unconnected_messages = 16;
    std::chrono::milliseconds retry{100};
  };
  // Called on the event loop, or inside Send.
  struct Callbacks {
    std::function<void(size_t bytes)> on_sent;            // A frame is on its way.
    std::function<void()> on_dropped;                     // The peer did not get something.
    std::function<void(const absl::Status&)> on_refused;  // It does not want to hear from us.
  };

  // Begins to connect. The queue must be polled until Stop has been called and the link is gone.
  static std::shared_ptr<PeerLink> Start(std::shared_ptr<grpc::Channel> channel,
                                         grpc::CompletionQueue* queue, const Options& options,
                                         Callbacks callbacks);

  void Send(std::vector<raftpb::Message> messages);

  // Ends the stream. Join returns when gRPC has let go of it and nothing is called back any more;
  // not on the event loop.
  void Stop();
  void Join() { ended_.WaitForNotification(); }

  // Since when there has been a stream without interruption; nothing if there is none.
  absl::optional<std::chrono::steady_clock::time_point> connected_since() const;

 private:
  using Stream = grpc::GenericClientAsyncReaderWriter;

  PeerLink(std::shared_ptr<grpc::Channel> channel, grpc::CompletionQueue* queue,
           const Options& options, Callbacks callbacks);

  void Connect() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WriteSome() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The stream is broken: lets it end as soon as nothing is under way on it.
  void Break() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Returned() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool DropOverflow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Gives up the hold on ourselves: whoever gets it lets go without the lock.
  std::shared_ptr<PeerLink> LetGo() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void OnStarted(bool ok);
  void OnWritten(bool ok);
  void OnRead(bool ok);
  void OnFinished(bool ok);
  void OnAlarm(bool ok);

  const std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  grpc::CompletionQueue* const queue_;
  const Options options_;

  mutable absl::Mutex mutex_;
  Callbacks callbacks_ ABSL_GUARDED_BY(mutex_);
  std::deque<raftpb::Message> waiting_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::optional<std::chrono::steady_clock::time_point> connected_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;    // The stream is to end.
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;  // gRPC has been asked for its end.
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  int under_way_ ABSL_GUARDED_BY(mutex_) = 0;  // Operations on the stream.

  // Of the current stream. Replaced only when nothing is under way.
  std::unique_ptr<grpc::ClientContext> context_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Stream> stream_ ABSL_GUARDED_BY(mutex_);
  grpc::ByteBuffer goodbye_;
  grpc::Status end_;
  grpc::Alarm alarm_;
  std::shared_ptr<PeerLink> self_ ABSL_GUARDED_BY(mutex_);  // While gRPC may call us.
  absl::Notification ended_;

  rpc::MethodEvent<PeerLink> start_event_{this, &PeerLink::OnStarted};
  rpc::MethodEvent<PeerLink> write_event_{this, &PeerLink::OnWritten};
  rpc::MethodEvent<PeerLink> read_event_{this, &PeerLink::OnRead};
  rpc::MethodEvent<PeerLink> finish_event_{this, &PeerLink::OnFinished};
  rpc::MethodEvent<PeerLink> alarm_event_{this, &PeerLink::OnAlarm};
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_PEER_LINK_H_
