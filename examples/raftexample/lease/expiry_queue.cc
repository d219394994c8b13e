#include "examples/raftexample/lease/expiry_queue.h"

namespace raftexample {

void ExpiryQueue::Set(int64_t id, Time due) {
  const auto [at, is_new] = position_.try_emplace(id, heap_.size());
  const size_t position = at->second;
  if (is_new) heap_.emplace_back();
  // The hole moves to where the item belongs: up, or else down.
  SiftUp(position, {due, id});
  const size_t settled = position_[id];
  if (settled == position) SiftDown(settled, heap_[settled]);
}

void ExpiryQueue::Remove(int64_t id) {
  auto found = position_.find(id);
  if (found == position_.end()) return;
  const size_t hole = found->second;
  position_.erase(found);
  const Item last = heap_.back();
  heap_.pop_back();
  if (hole < heap_.size()) {
    SiftUp(hole, last);
    if (position_[last.id] == hole) SiftDown(hole, last);
  }
}

void ExpiryQueue::Clear() {
  heap_.clear();
  position_.clear();
}

absl::optional<int64_t> ExpiryQueue::Due(Time now) const {
  if (heap_.empty() || heap_.front().due > now) return absl::nullopt;
  return heap_.front().id;
}

void ExpiryQueue::Place(size_t position, Item item) {
  heap_[position] = item;
  position_[item.id] = position;
}

void ExpiryQueue::SiftUp(size_t position, Item item) {
  while (position > 0) {
    const size_t parent = (position - 1) / 2;
    if (!(item < heap_[parent])) break;
    Place(position, heap_[parent]);
    position = parent;
  }
  Place(position, item);
}

void ExpiryQueue::SiftDown(size_t position, Item item) {
  while (true) {
    size_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
    if (!(heap_[child] < item)) break;
    Place(position, heap_[child]);
    position = child;
  }
  Place(position, item);
}

}  // namespace raftexample
