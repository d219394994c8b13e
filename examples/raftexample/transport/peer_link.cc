#include "examples/raftexample/transport/peer_link.h"

#include <utility>

#include "absl/types/optional.h"
#include "examples/raftexample/rpc/gate.h"
#include "examples/raftexample/transport/frame.h"

namespace raftexample {

using raftpb::Message;

namespace {

constexpr char kMethod[] = "/raftexample.peer.Peer/Messages";

// A frame is closed when it holds so much; more goes with the next one.
constexpr size_t kFullFrameBytes = 4 << 20;

size_t PayloadBytes(const Message& message) {
  size_t bytes = 64 + message.context.size();
  for (const raftpb::Entry& entry : message.entries) bytes += 32 + entry.data.size();
  return bytes;
}

}  // namespace

std::shared_ptr<PeerLink> PeerLink::Start(std::shared_ptr<grpc::Channel> channel,
                                          grpc::CompletionQueue* queue, const Options& options,
                                          Callbacks callbacks) {
  std::shared_ptr<PeerLink> link(
      new PeerLink(std::move(channel), queue, options, std::move(callbacks)));
  absl::MutexLock lock(&link->mutex_);
  link->self_ = link;
  link->Connect();
  return link;
}

PeerLink::PeerLink(std::shared_ptr<grpc::Channel> channel, grpc::CompletionQueue* queue,
                   const Options& options, Callbacks callbacks)
    : channel_(std::move(channel)),
      stub_(channel_),
      queue_(queue),
      options_(options),
      callbacks_(std::move(callbacks)) {}

void PeerLink::Send(std::vector<Message> messages) {
  std::function<void()> on_dropped;
  {
    absl::MutexLock lock(&mutex_);
    if (stopped_) return;
    for (Message& message : messages) {
      waiting_bytes_ += PayloadBytes(message);
      waiting_.push_back(std::move(message));
    }
    if (DropOverflow()) on_dropped = callbacks_.on_dropped;
    WriteSome();
  }
  if (on_dropped) on_dropped();
}

// Of a stream that does not keep up the newest messages are dropped: those in front of them are on
// their way, and Raft must hear of a gap. Without a stream the oldest.
bool PeerLink::DropOverflow() {
  bool dropped = false;
  const size_t most =
      connected_.has_value() ? options_.max_queued_messages : options_.max_unconnected_messages;
  while (waiting_.size() > most ||
         (waiting_.size() > 1 && waiting_bytes_ > options_.max_queued_bytes)) {
    const Message& victim = connected_.has_value() ? waiting_.back() : waiting_.front();
    waiting_bytes_ -= PayloadBytes(victim);
    connected_.has_value() ? waiting_.pop_back() : waiting_.pop_front();
    dropped = true;
  }
  return dropped;
}

void PeerLink::Connect() {
  stream_ = nullptr;  // It lives in memory of its call, which goes with the context.
  context_ = std::make_unique<grpc::ClientContext>();
  context_->set_wait_for_ready(true);
  WriteIdentity(options_.identity, *context_);
  stream_ = stub_.PrepareCall(context_.get(), kMethod, queue_);
  broken_ = false;
  finished_ = false;
  under_way_ = 1;
  stream_->StartCall(&start_event_);
}

void PeerLink::WriteSome() {
  if (!connected_.has_value() || writing_ || broken_ || waiting_.empty()) return;
  std::vector<Message> batch;
  size_t bytes = 0;
  while (!waiting_.empty() && bytes < kFullFrameBytes) {
    const size_t size = PayloadBytes(waiting_.front());
    if (!batch.empty() && bytes + size > kMaxFrameBytes) break;
    bytes += size;
    batch.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  waiting_bytes_ -= bytes;
  writing_ = true;
  ++under_way_;
  const grpc::ByteBuffer frame = PackFrame(batch);
  if (callbacks_.on_sent) callbacks_.on_sent(frame.Length());
  stream_->Write(frame, &write_event_);
}

void PeerLink::Break() {
  connected_.reset();
  broken_ = true;
  context_->TryCancel();
}

void PeerLink::Returned() {
  if (--under_way_ > 0) return;
  if (!finished_) {
    finished_ = true;
    ++under_way_;
    stream_->Finish(&end_, &finish_event_);
  }
}

void PeerLink::OnStarted(bool ok) {
  absl::MutexLock lock(&mutex_);
  if (!ok || stopped_) {
    Break();
    return Returned();
  }
  connected_ = std::chrono::steady_clock::now();
  ++under_way_;
  stream_->Read(&goodbye_, &read_event_);  // Comes back only when the stream ends.
  WriteSome();
  Returned();
}

void PeerLink::OnWritten(bool ok) {
  absl::MutexLock lock(&mutex_);
  writing_ = false;
  if (!ok && !broken_) Break();
  WriteSome();
  Returned();
}

void PeerLink::OnRead(bool) {
  absl::MutexLock lock(&mutex_);
  if (!broken_) Break();
  Returned();
}

void PeerLink::OnFinished(bool) {
  Callbacks callbacks;
  absl::Status end;
  std::shared_ptr<PeerLink> gone;  // After the lock.
  {
    absl::MutexLock lock(&mutex_);
    --under_way_;
    end = rpc::FromGrpc(end_);
    if (stopped_) {
      gone = LetGo();
      return;
    }
    callbacks = callbacks_;
    alarm_.Set(queue_, std::chrono::system_clock::now() + options_.retry, &alarm_event_);
  }
  if (callbacks.on_dropped) callbacks.on_dropped();
  if (callbacks.on_refused && absl::IsFailedPrecondition(end)) callbacks.on_refused(end);
}

void PeerLink::OnAlarm(bool) {
  std::shared_ptr<PeerLink> gone;  // After the lock.
  absl::MutexLock lock(&mutex_);
  if (stopped_) {
    gone = LetGo();
  } else {
    Connect();
  }
}

std::shared_ptr<PeerLink> PeerLink::LetGo() {
  ended_.Notify();
  return std::move(self_);
}

void PeerLink::Stop() {
  absl::MutexLock lock(&mutex_);
  if (std::exchange(stopped_, true)) return;
  callbacks_ = Callbacks();
  waiting_.clear();
  if (under_way_ > 0) Break();
  alarm_.Cancel();
}

absl::optional<std::chrono::steady_clock::time_point> PeerLink::connected_since() const {
  absl::MutexLock lock(&mutex_);
  return connected_;
}

}  // namespace raftexample
