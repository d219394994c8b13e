// Room: the present. Each transaction, told at once to those who have everything before it.
#include <algorithm>
#include <utility>

#include "examples/raftexample/mvcc/record.h"
#include "examples/raftexample/watch/event_maker.h"
#include "examples/raftexample/watch/watch_hub_impl.h"
#include "raft/check.h"

namespace raftexample {

void Hub::Notify(int64_t revision, absl::Span<const Change> changes) {
  News news;
  {
    absl::MutexLock lock(&mutex_);
    revision_ = revision;
    if (states_.synced().empty()) return;
    for (Watch* watch : GatherNow(changes)) {
      if (Deliver(*watch, revision, news)) continue;
      states_.Move(*watch, Watch::State::kSlow, revision);
    }
  }
  Announce(news);
}

std::vector<Watch*> Hub::GatherNow(absl::Span<const Change> changes) {
  std::vector<Watch*> touched;
  for (const Change& change : changes) {
    const absl::optional<Record> record = DecodeRecord(change.stored);
    RAFT_CHECK(record.has_value()) << "a change that was never encoded";
    EventMaker events(*store_, change, *record);
    states_.synced().Visit(record->key, [&](Watch* watch) {
      if (watch->MaybeGather(events) && watch->events.size() == 1) touched.push_back(watch);
    });
  }
  return touched;
}

void Hub::NotifyProgress() {
  News news;
  {
    absl::MutexLock lock(&mutex_);
    for (Watch* watch : states_.wanting_progress()) {
      const bool heard = std::exchange(watch->heard, false);
      // What is still queued will tell more.
      if (heard || watch->state != Watch::State::kSynced || !watch->stream->outbox->IsEmpty()) {
        continue;
      }
      Send(*watch->stream, {Head(watch->id, revision_), {}}, news);
    }
  }
  Announce(news);
}

void Hub::Reset() {
  {
    absl::MutexLock lock(&mutex_);
    std::vector<Watch*> all;
    states_.synced().VisitAll([&](Watch* watch) { all.push_back(watch); });
    for (Watch* watch : all) {
      // What is synced has everything up to the last Notify().
      const int64_t next = std::max(watch->next, revision_ + 1);
      states_.Move(*watch, Watch::State::kUnsynced, next);
    }
    revision_ = std::max(revision_, store_->revision());
  }
  options_.wake();
}

}  // namespace raftexample
