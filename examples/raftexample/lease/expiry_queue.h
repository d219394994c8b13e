// Which of many things is due first.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_LEASE_EXPIRY_QUEUE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_LEASE_EXPIRY_QUEUE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/optional.h"

namespace raftexample {

// A binary min-heap of IDs by time, that knows where each is: an ID is in it once, and setting its
// time again moves it. At equal times the smaller ID comes first.
class ExpiryQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void Set(int64_t id, Time due);
  void Remove(int64_t id);  // Missing is fine.
  void Clear();

  // The ID that is due first, if it is due by now.
  absl::optional<int64_t> Due(Time now) const;
  size_t size() const { return heap_.size(); }

 private:
  struct Item {
    Time due;
    int64_t id;
    friend bool operator<(const Item& a, const Item& b) {
      return a.due != b.due ? a.due < b.due : a.id < b.id;
    }
  };
  void Place(size_t position, Item item);
  void SiftUp(size_t position, Item item);
  void SiftDown(size_t position, Item item);

  std::vector<Item> heap_;
  absl::flat_hash_map<int64_t, size_t> position_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_LEASE_EXPIRY_QUEUE_H_
