// The window of appends to one follower that are not answered yet: a sliding window, bounded in
// messages and in bytes (thesis §10.2.1 on pipelining).
#ifndef RAFT_RAFT_TRACKER_INFLIGHTS_H_
#define RAFT_RAFT_TRACKER_INFLIGHTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "raft/types.h"

namespace raft::tracker {

// A ring that grows on demand up to its limit, so that idle followers cost nothing.
class Inflights {
 public:
  // max_bytes 0 means no limit in bytes.
  Inflights(uint32_t max_messages, uint64_t max_bytes)
      : max_messages_(max_messages), max_bytes_(max_bytes) {}

  // Notes a message whose last entry is `last`. Requires !Full(); `last` is above all noted before.
  void Add(Index last, uint64_t bytes);
  // The follower has everything up to `acked`: forgets the messages that end there or before.
  void FreeUpTo(Index acked);
  void Reset();  // Forgets all, and gives memory back.

  // Whether one more message must wait. The message that passes the byte limit is still sent.
  bool Full() const { return count_ >= max_messages_ || (max_bytes_ != 0 && bytes_ >= max_bytes_); }
  uint32_t count() const { return count_; }
  uint64_t bytes() const { return bytes_; }
  bool empty() const { return count_ == 0; }

 private:
  struct Flight {
    Index last;
    uint64_t bytes;
  };

  // Where the flight stands that has `i` others before it. Requires i <= count().
  size_t SlotOf(size_t i) const {
    const size_t slot = start_ + i;
    return slot < ring_.size() ? slot : slot - ring_.size();
  }
  void Grow();

  std::vector<Flight> ring_;
  uint32_t start_ = 0;
  uint32_t count_ = 0;
  uint32_t max_messages_;
  uint64_t max_bytes_;
  uint64_t bytes_ = 0;
};

}  // namespace raft::tracker

#endif  // RAFT_RAFT_TRACKER_INFLIGHTS_H_
