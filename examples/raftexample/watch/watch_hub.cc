// The door: the hub's streams, and how what its rooms say gets into their queues. The rooms are
// listed in watch_hub_impl.h.
#include "examples/raftexample/watch/watch_hub.h"

#include <utility>

#include "examples/raftexample/watch/watch_hub_impl.h"

namespace raftexample {
namespace {

class StreamHandle : public WatchStream {
 public:
  StreamHandle(Hub* hub, std::shared_ptr<Outbox> outbox) : hub_(hub), stream_(std::move(outbox)) {}
  ~StreamHandle() override {
    hub_->Close(stream_);
    stream_.outbox->Close();
  }

  void Create(const etcdserverpb::WatchCreateRequest& request) override {
    hub_->Create(stream_, request);
  }
  void Refuse(absl::string_view reason) override { hub_->Refuse(stream_, reason); }
  void Cancel(int64_t watch_id) override { hub_->Cancel(stream_, watch_id); }
  void RequestProgress() override { hub_->RequestProgress(stream_); }
  absl::optional<WatchOutput> Next() override {
    absl::optional<WatchOutput> next = stream_.outbox->Next();
    if (!next || stream_.outbox->IsHalfEmpty()) hub_->Resume(stream_);
    return next;
  }
  bool backlogged() const override { return !stream_.outbox->HasRoom(); }

 private:
  Hub* const hub_;
  Stream stream_;
};

}  // namespace

std::unique_ptr<WatchHub> WatchHub::Create(const Store* store, Options options) {
  return std::make_unique<Hub>(store, std::move(options));
}

std::unique_ptr<WatchStream> Hub::OpenStream(std::function<void()> ready) {
  auto outbox = std::make_shared<Outbox>(options_.max_queue_bytes, options_.max_fragment_bytes,
                                         std::move(ready));
  absl::MutexLock lock(&mutex_);
  ++counts_.streams;
  return std::make_unique<StreamHandle>(this, std::move(outbox));
}

WatchHub::Counts Hub::counts() const {
  absl::MutexLock lock(&mutex_);
  Counts counts = counts_;
  counts.unsynced = states_.unsynced().size();
  counts.slow = states_.slow();
  return counts;
}

void Hub::Send(Stream& stream, WatchOutput output, News& news, bool may_split) {
  if (stream.outbox->Add(std::move(output), may_split)) news.push_back(stream.outbox);
}

bool Hub::Deliver(Watch& watch, int64_t revision, News& news) {
  if (watch.events.empty()) return true;
  WatchEvents events = std::move(watch.events);
  watch.events.clear();
  if (!watch.stream->outbox->HasRoom()) return false;
  counts_.events += events.size();
  watch.heard = true;
  Send(*watch.stream, {Head(watch.id, revision), std::move(events)}, news, watch.may_split);
  return true;
}

void Hub::MaybeAnswerProgress(Stream& stream, News& news) {
  if (!stream.progress_requested || stream.behind > 0) return;
  stream.progress_requested = false;
  Send(stream, {Head(kNoWatch, revision_), {}}, news);
}

}  // namespace raftexample
