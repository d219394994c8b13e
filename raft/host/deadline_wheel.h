// Which of very many things are due at this tick, without looking at the others.
#ifndef RAFT_RAFT_HOST_DEADLINE_WHEEL_H_
#define RAFT_RAFT_HOST_DEADLINE_WHEEL_H_

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

namespace raft {

// A hashed wheel (Varghese, Lauck 1987): one list for each of the next kSlots ticks. Scheduling and
// cancelling take constant time. A tick costs time in the number of items that are due at it, and
// of those that are due a whole number of turns later, which are passed over.
//
// Items are numbered by the caller, from 0 and densely: each costs 16 bytes, also while it is not
// scheduled. Same calls, same order of items.
class DeadlineWheel {
 public:
  using Item = uint32_t;
  using Time = uint64_t;  // In ticks.

  static constexpr Time kNever = std::numeric_limits<Time>::max();

  DeadlineWheel() { slots_.fill(kNoItem); }

  Time now() const { return now_; }

  // `item` will be due at `due`, and no longer when it was before. A time that has come already
  // means the next tick; kNever takes it off the wheel.
  void Schedule(Item item, Time due);
  Time due(Item item) const { return item < links_.size() ? links_[item].due : kNever; }

  // One tick passes. Adds what is due at it to `due`, the last scheduled first, and takes it off
  // the wheel.
  void Tick(std::vector<Item>& due);

 private:
  static constexpr uint32_t kSlots = 1024;
  static constexpr Item kNoItem = std::numeric_limits<Item>::max();

  struct Link {
    Item next = kNoItem;
    Item previous = kNoItem;  // kNoItem: the first of its list.
    Time due = kNever;
  };

  Item& ListAt(Time due) { return slots_[due % kSlots]; }
  void Remove(Item item);

  std::array<Item, kSlots> slots_;  // The first item of each list.
  std::vector<Link> links_;
  Time now_ = 0;
};

}  // namespace raft

#endif  // RAFT_RAFT_HOST_DEADLINE_WHEEL_H_
