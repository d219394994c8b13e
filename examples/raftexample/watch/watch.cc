#include "examples/raftexample/watch/watch.h"

#include <algorithm>

namespace raftexample {

using etcdserverpb::WatchCreateRequest;

namespace {

KeyRange RangeOf(const WatchCreateRequest& request) {
  return WatchedRange(request.key(), request.range_end());
}
bool Filters(const WatchCreateRequest& request, WatchCreateRequest::FilterType what) {
  return std::count(request.filters().begin(), request.filters().end(), what) > 0;
}

}  // namespace

Watch::Watch(Stream* of, int64_t watch_id, const WatchCreateRequest& request, int64_t first)
    : stream(of),
      id(watch_id),
      key(RangeOf(request).key),
      range_end(RangeOf(request).range_end),
      wants_puts(!Filters(request, WatchCreateRequest::NOPUT)),
      wants_deletes(!Filters(request, WatchCreateRequest::NODELETE)),
      wants_previous(request.prev_kv()),
      wants_progress(request.progress_notify()),
      may_split(request.fragment()),
      next(first) {}

bool Watch::MaybeGather(EventMaker& change) {
  if (change.revision() < next) return false;
  if (!(change.deletes() ? wants_deletes : wants_puts)) return false;
  events.push_back(change.For(wants_previous));
  return true;
}

}  // namespace raftexample
