#include "examples/raftexample/api/deletion_wait.h"

#include "absl/types/optional.h"
#include "examples/raftexample/proto/errors.h"

namespace raftexample {

std::shared_ptr<DeletionWait> DeletionWait::Start(Server* server, const std::string& key,
                                                  int64_t revision, Over over) {
  std::shared_ptr<DeletionWait> wait(new DeletionWait(server, std::move(over)));
  std::unique_ptr<WatchStream> stream =
      server->state().watches().OpenStream([wait] { wait->LookSoon(); });
  etcdserverpb::WatchCreateRequest request;
  request.set_key(key);
  request.set_start_revision(revision);
  request.add_filters(etcdserverpb::WatchCreateRequest::NOPUT);
  stream->Create(request);
  {
    absl::MutexLock lock(&wait->mutex_);
    wait->stream_ = std::move(stream);
  }
  wait->LookSoon();  // At what came while there was no stream to look at.
  return wait;
}

void DeletionWait::Stop() {
  std::unique_ptr<WatchStream> ended;
  absl::MutexLock lock(&mutex_);
  ended.swap(stream_);
}

void DeletionWait::LookSoon() {
  server_->Post([self = shared_from_this()] { self->Look(); });
}

void DeletionWait::Look() {
  absl::optional<absl::Status> over;
  std::unique_ptr<WatchStream> ended;
  {
    absl::MutexLock lock(&mutex_);
    if (stream_ == nullptr) return;
    while (absl::optional<WatchOutput> output = stream_->Next()) {
      const etcdserverpb::WatchResponse& head = output->head;
      if (!output->events.empty() || head.compact_revision() > 0) {
        over = absl::OkStatus();
      } else if (head.canceled()) {
        over = errors::kTooManyRequests;
      }
    }
    if (over.has_value()) ended = std::move(stream_);
  }
  ended = nullptr;
  if (over.has_value()) over_(*over);
}

}  // namespace raftexample
