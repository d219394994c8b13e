#include "examples/raftexample/server/wait_table.h"

#include <utility>

namespace raftexample {

void WaitTable::Add(uint64_t id, absl::Time deadline, Done done) {
  absl::Status closed;
  {
    absl::MutexLock lock(&mutex_);
    closed = closed_;
    if (closed.ok()) waiters_.emplace(id, Waiter{deadline, std::move(done)});
  }
  if (!closed.ok()) done(closed);
}

absl::optional<WaitTable::Done> WaitTable::Take(uint64_t id) {
  absl::MutexLock lock(&mutex_);
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return absl::nullopt;
  absl::optional<Done> done = std::move(found->second.done);
  waiters_.erase(found);
  return done;
}

void WaitTable::End(uint64_t id, absl::StatusOr<ApplyResult> result) {
  if (absl::optional<Done> done = Take(id)) (*done)(std::move(result));
}

size_t WaitTable::Expire(absl::Time now, const absl::Status& why) {
  std::vector<Done> expired;
  {
    absl::MutexLock lock(&mutex_);
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
      const auto current = waiter++;
      if (current->second.deadline > now) continue;
      expired.push_back(std::move(current->second.done));
      waiters_.erase(current);
    }
  }
  for (Done& done : expired) done(why);
  return expired.size();
}

void WaitTable::Close(const absl::Status& why) {
  absl::flat_hash_map<uint64_t, Waiter> waiters;
  {
    absl::MutexLock lock(&mutex_);
    closed_ = why;
    waiters.swap(waiters_);
  }
  for (auto& [id, waiter] : waiters) waiter.done(why);
}

size_t WaitTable::size() const {
  absl::MutexLock lock(&mutex_);
  return waiters_.size();
}

}  // namespace raftexample
