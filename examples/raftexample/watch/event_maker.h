// The events of one change, made at most once with and once without what was before.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_EVENT_MAKER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_EVENT_MAKER_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "examples/raftexample/mvcc/record.h"
#include "examples/raftexample/mvcc/store.h"
#include "examples/raftexample/watch/watch_event.h"

namespace raftexample {

// What it is made from must outlive it.
class EventMaker {
 public:
  EventMaker(const Store& store, const Change& change, const Record& record)
      : store_(store), change_(change), record_(record) {}

  int64_t revision() const { return change_.at.main; }
  bool deletes() const { return record_.deletes; }

  const std::shared_ptr<const WatchEvent>& For(bool wants_previous) {
    std::shared_ptr<const WatchEvent>& event = wants_previous ? with_previous_ : plain_;
    if (event == nullptr) event = Make(wants_previous);
    return event;
  }

 private:
  std::shared_ptr<const WatchEvent> Make(bool with_previous) const {
    absl::optional<mvccpb::KeyValue> previous;
    if (with_previous) {
      // Silently absent where a compaction has removed it.
      absl::StatusOr<mvccpb::KeyValue> kv = store_.Get(record_.key, change_.at.main - 1);
      if (kv.ok()) previous = *std::move(kv);
    }
    return MakeWatchEvent(change_, record_, previous);
  }

  const Store& store_;
  const Change& change_;
  const Record& record_;
  std::shared_ptr<const WatchEvent> plain_, with_previous_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_EVENT_MAKER_H_
