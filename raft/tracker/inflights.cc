#include "raft/tracker/inflights.h"

#include <algorithm>

#include "raft/check.h"

namespace raft::tracker {

void Inflights::Add(Index last, uint64_t bytes) {
  RAFT_CHECK(!Full()) << count_ << " messages and " << bytes_ << " bytes are in flight already";
  if (count_ == ring_.size()) Grow();
  ring_[SlotOf(count_)] = {last, bytes};
  ++count_;
  bytes_ += bytes;
}

void Inflights::FreeUpTo(Index acked) {
  while (count_ > 0 && ring_[start_].last <= acked) {
    bytes_ -= ring_[start_].bytes;
    start_ = SlotOf(1);
    --count_;
  }
}

void Inflights::Reset() {
  ring_ = {};
  start_ = 0;
  count_ = 0;
  bytes_ = 0;
}

void Inflights::Grow() {
  std::rotate(ring_.begin(), ring_.begin() + start_, ring_.end());
  start_ = 0;
  const size_t twice = std::max<size_t>(2 * ring_.size(), 4);
  ring_.resize(std::min<size_t>(twice, max_messages_));
}

}  // namespace raft::tracker
