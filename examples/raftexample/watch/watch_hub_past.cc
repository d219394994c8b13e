// Room: the past. Brings those who are behind to the present, or ends them where a compaction has
// taken what they need.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "examples/raftexample/watch/missed_changes.h"
#include "examples/raftexample/watch/watch_hub_impl.h"

namespace raftexample {
namespace {

// What clients are told was compacted when nothing was. A watch may ask for it, too.
constexpr int64_t kNeverCompacted = -1;

// When a watch is nearer to the present than this, the rest is read while no change can happen:
// otherwise a busy store would stay ahead of it for ever.
constexpr int64_t kLastStep = 500;

}  // namespace

bool Hub::SyncSome() {
  absl::MutexLock sync_lock(&sync_mutex_);
  News news;
  const Watches chosen = ChooseUnsynced(news);
  const bool has_more = !chosen.empty() && CatchUp(chosen, news);
  Announce(news);
  return has_more;
}

Hub::Watches Hub::ChooseUnsynced(News& news) {
  absl::MutexLock lock(&mutex_);
  int64_t compacted = store_->compacted();
  if (compacted == 0) compacted = kNeverCompacted;
  std::vector<Watch*> ended;
  Watches chosen;
  for (Watch* watch : states_.unsynced()) {
    if (chosen.size() == options_.sync_watches) break;
    if (watch->next < compacted) {
      ended.push_back(watch);
    } else {
      chosen.push_back(watch->shared_from_this());
    }
  }
  for (Watch* watch : ended) EndCompacted(*watch, compacted, news);
  return chosen;
}

// The stream keeps the watch: its ID is taken until the client cancels it.
void Hub::EndCompacted(Watch& watch, int64_t compacted, News& news) {
  states_.Move(watch, Watch::State::kNone);
  WatchOutput canceled{Head(watch.id, 0), {}};
  canceled.head.set_canceled(true);
  canceled.head.set_compact_revision(compacted);
  Send(*watch.stream, std::move(canceled), news);
  MaybeAnswerProgress(*watch.stream, news);
}

bool Hub::CatchUp(const Watches& watches, News& news) {
  const absl::optional<int64_t> through = GatherMissed(*store_, watches, options_.sync_bytes);
  absl::MutexLock lock(&mutex_);
  if (through.has_value()) DeliverGathered(watches, *through, news);
  // Those who nearly made it: nothing can happen while the rest is read.
  Watches close;
  for (const std::shared_ptr<Watch>& watch : watches) {
    if (watch->state == Watch::State::kUnsynced && revision_ - watch->next < kLastStep) {
      close.push_back(watch);
    }
  }
  if (!close.empty()) {
    const absl::optional<int64_t> end = GatherMissed(*store_, close, SIZE_MAX);
    if (end.has_value()) DeliverGathered(close, *end, news);
  }
  return !states_.unsynced().empty();
}

void Hub::DeliverGathered(const Watches& watches, int64_t through, News& news) {
  for (const std::shared_ptr<Watch>& watch : watches) {
    if (watch->state != Watch::State::kUnsynced) {  // Gone in the meantime.
      watch->events.clear();
      continue;
    }
    if (!Deliver(*watch, through, news)) {
      states_.Move(*watch, Watch::State::kSlow);
      continue;
    }
    const int64_t next = std::max(watch->next, through + 1);
    states_.Move(*watch, next > revision_ ? Watch::State::kSynced : Watch::State::kUnsynced, next);
    MaybeAnswerProgress(*watch->stream, news);
  }
}

}  // namespace raftexample
