#include "examples/raftexample/backend/pending.h"

#include <algorithm>
#include <utility>

namespace raftexample {

const Pending::Change& Pending::Append(std::string key, std::string value) {
  bytes_.fetch_add(sizeof(Change) + value.size(), std::memory_order_relaxed);
  absl::MutexLock lock(&mutex_);
  changes_.push_back({std::move(key), std::move(value)});
  return changes_.back();
}

void Pending::Add(Write write) {
  bytes_.fetch_add(sizeof(Write) + write.key.size() + (write.value ? write.value->size() : 0),
                   std::memory_order_relaxed);
  writes_.push_back(std::move(write));
}

size_t Pending::change_count() const {
  absl::ReaderMutexLock lock(&mutex_);
  return changes_.size();
}

size_t Pending::LowerBound(absl::string_view key, size_t count) const {
  auto at = std::lower_bound(changes_.begin(), changes_.begin() + count, key,
                             [](const Change& c, absl::string_view k) { return c.key < k; });
  return at - changes_.begin();
}

const Pending::Change* Pending::Find(absl::string_view key, size_t count) const {
  absl::ReaderMutexLock lock(&mutex_);
  const size_t at = LowerBound(key, count);
  return at == count ? nullptr : &changes_[at];
}

std::vector<const Pending::Change*> Pending::FindSome(absl::string_view key, size_t count,
                                                      size_t max) const {
  std::vector<const Change*> found;
  absl::ReaderMutexLock lock(&mutex_);
  const size_t begin = LowerBound(key, count);
  const size_t end = std::min(count, begin + max);
  found.reserve(end - begin);
  for (size_t i = begin; i < end; ++i) found.push_back(&changes_[i]);
  return found;
}

bool Pending::empty() const {
  return change_count() == 0 && writes_.empty() && !applied_ && !conf_state_;
}

}  // namespace raftexample
