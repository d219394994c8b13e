// Room: requests. What a client asks for on its stream, each answered in its queue.
#include <string>
#include <utility>

#include "examples/raftexample/mvcc/key_range.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/watch/watch_hub_impl.h"

namespace raftexample {

using etcdserverpb::WatchCreateRequest;

void Hub::Close(Stream& stream) {
  absl::MutexLock lock(&mutex_);
  for (auto& [id, watch] : stream.watches) states_.Move(*watch, Watch::State::kNone);
  counts_.watches -= stream.watches.size();
  --counts_.streams;
  stream.watches.clear();
}

void Hub::Create(Stream& stream, const WatchCreateRequest& request) {
  News news;
  bool is_behind = false;
  {
    absl::MutexLock lock(&mutex_);
    const absl::string_view why_not = WhyNot(stream, request);
    if (why_not.empty()) {
      is_behind = Begin(stream, request, news);
    } else {
      SendRefusal(stream, why_not, news);
    }
  }
  Announce(news);
  if (is_behind) options_.wake();
}

absl::string_view Hub::WhyNot(const Stream& stream, const WatchCreateRequest& request) const {
  if (WatchedRange(request.key(), request.range_end()).IsEmpty()) return errors::kEmptyWatchRange;
  if (request.watch_id() != 0 && stream.watches.count(request.watch_id()) > 0) {
    return errors::kDuplicateWatchId;
  }
  if (counts_.watches >= options_.max_watches) return errors::kTooManyRequests.text;
  return "";
}

// The answer is queued under the lock under which the watch becomes visible to Notify(): before its
// events.
bool Hub::Begin(Stream& stream, const WatchCreateRequest& request, News& news) {
  const int64_t id = request.watch_id() == 0 ? stream.ChooseId() : request.watch_id();
  const int64_t first = request.start_revision() == 0 ? revision_ + 1 : request.start_revision();
  auto watch = std::make_shared<Watch>(&stream, id, request, first);
  stream.watches[id] = watch;
  ++counts_.watches;

  WatchOutput created{Head(id, revision_), {}};
  created.head.set_created(true);
  Send(stream, std::move(created), news);
  const bool is_behind = first <= revision_;
  states_.Move(*watch, is_behind ? Watch::State::kUnsynced : Watch::State::kSynced);
  return is_behind;
}

void Hub::Refuse(Stream& stream, absl::string_view reason) {
  News news;
  {
    absl::MutexLock lock(&mutex_);
    SendRefusal(stream, reason, news);
  }
  Announce(news);
}

void Hub::SendRefusal(Stream& stream, absl::string_view reason, News& news) {
  WatchOutput refusal{Head(kNoWatch, revision_), {}};
  refusal.head.set_created(true);
  refusal.head.set_canceled(true);
  refusal.head.set_cancel_reason(std::string(reason));
  Send(stream, std::move(refusal), news);
}

void Hub::Cancel(Stream& stream, int64_t watch_id) {
  News news;
  {
    absl::MutexLock lock(&mutex_);
    auto found = stream.watches.find(watch_id);
    if (found == stream.watches.end()) return;
    states_.Move(*found->second, Watch::State::kNone);
    stream.watches.erase(found);
    --counts_.watches;
    WatchOutput canceled{Head(watch_id, revision_), {}};
    canceled.head.set_canceled(true);
    Send(stream, std::move(canceled), news);
    MaybeAnswerProgress(stream, news);
  }
  Announce(news);
}

void Hub::RequestProgress(Stream& stream) {
  News news;
  {
    absl::MutexLock lock(&mutex_);
    stream.progress_requested = true;
    MaybeAnswerProgress(stream, news);
  }
  Announce(news);
}

void Hub::Resume(Stream& stream) {
  {
    absl::MutexLock lock(&mutex_);
    if (stream.slow.empty()) return;
    while (!stream.slow.empty()) {
      states_.Move(**stream.slow.begin(), Watch::State::kUnsynced);
    }
  }
  options_.wake();
}

}  // namespace raftexample
