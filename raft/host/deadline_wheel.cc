#include "raft/host/deadline_wheel.h"

#include <algorithm>

namespace raft {

void DeadlineWheel::Schedule(Item item, Time due) {
  if (item >= links_.size()) {
    if (due == kNever) return;
    links_.resize(item + 1);
  }
  Remove(item);
  if (due == kNever) return;
  Link& link = links_[item];
  link.due = std::max(due, now_ + 1);
  Item& first = ListAt(link.due);
  link.next = first;
  if (first != kNoItem) links_[first].previous = item;
  first = item;
}

void DeadlineWheel::Tick(std::vector<Item>& due) {
  ++now_;
  for (Item item = ListAt(now_); item != kNoItem;) {
    const Item next = links_[item].next;
    if (links_[item].due == now_) {
      Remove(item);
      due.push_back(item);
    }
    item = next;
  }
}

void DeadlineWheel::Remove(Item item) {
  Link& link = links_[item];
  if (link.due == kNever) return;
  if (link.previous == kNoItem) {
    ListAt(link.due) = link.next;
  } else {
    links_[link.previous].next = link.next;
  }
  if (link.next != kNoItem) links_[link.next].previous = link.previous;
  link = Link();
}

}  // namespace raft
