#include "examples/raftexample/watch/missed_changes.h"

#include <algorithm>

#include "absl/status/status.h"
#include "examples/raftexample/mvcc/record.h"
#include "examples/raftexample/watch/event_maker.h"
#include "examples/raftexample/watch/watch_index.h"

namespace raftexample {

absl::optional<int64_t> GatherMissed(const Store& store,
                                     absl::Span<const std::shared_ptr<Watch>> watches,
                                     size_t max_bytes) {
  WatchIndex<Watch*> index;
  int64_t first = watches.front()->next;
  for (const std::shared_ptr<Watch>& watch : watches) {
    index.Add(watch->range(), watch.get());
    first = std::min(first, watch->next);
  }
  int64_t through = store.revision();
  int64_t reading = first;
  size_t bytes = 0;
  const absl::Status s = store.Changes(std::max<int64_t>(first, 1), [&](const Change& change) {
    if (change.at.main > through) return false;
    if (change.at.main > reading && bytes >= max_bytes) {
      through = reading;
      return false;
    }
    reading = change.at.main;
    bytes += change.stored.size();
    const absl::optional<Record> record = DecodeRecord(change.stored);
    if (!record) return true;  // The store has complained about it.
    EventMaker events(store, change, *record);
    index.Visit(record->key, [&](Watch* watch) { watch->MaybeGather(events); });
    return true;
  });
  if (s.ok()) return through;
  for (const std::shared_ptr<Watch>& watch : watches) watch->events.clear();
  return absl::nullopt;
}

}  // namespace raftexample
