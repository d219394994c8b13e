// Names for requests, unique among all members and all their lives.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_REQUEST_IDS_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_REQUEST_IDS_H_

#include <atomic>
#include <cstdint>

namespace raftexample {

// 16 bits of the member, 40 of the time at the start in milliseconds (it wraps in 34 years), 8 for
// counting; the count goes on into the time, which it does not overtake below 256,000 requests a
// second. So no life repeats a number of the one before, though nothing is stored.
class RequestIds {
 public:
  RequestIds(uint64_t member, uint64_t start_ms)
      : next_((member & 0xffff) << 48 | ((start_ms & ((uint64_t{1} << 40) - 1)) << 8)) {}

  uint64_t Next() { return next_.fetch_add(1, std::memory_order_relaxed) + 1; }  // Never 0.

 private:
  std::atomic<uint64_t> next_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_REQUEST_IDS_H_
