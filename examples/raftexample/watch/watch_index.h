// Who watches a key.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_INDEX_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_INDEX_H_

#include <algorithm>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "examples/raftexample/mvcc/key_range.h"
#include "examples/raftexample/watch/interval_tree.h"

namespace raftexample {

// Items by what they watch: single keys, which are most, in a hash map; ranges in an interval tree.
template <typename T>
class WatchIndex {
 public:
  void Add(const KeyRange& range, T item) {
    ++size_;
    if (range.IsSingle()) {
      singles_[range.key].push_back(item);
    } else {
      ranges_.Add(range, item);
    }
  }
  // The item must have been added with this range.
  void Remove(const KeyRange& range, const T& item) {
    --size_;
    if (!range.IsSingle()) return ranges_.Remove(range, item);
    auto found = singles_.find(range.key);
    std::vector<T>& items = found->second;
    items.erase(std::find(items.begin(), items.end(), item));
    if (items.empty()) singles_.erase(found);
  }
  void Visit(absl::string_view key, absl::FunctionRef<void(const T& item)> visit) const {
    if (auto found = singles_.find(key); found != singles_.end()) {
      for (const T& item : found->second) visit(item);
    }
    ranges_.Visit(key, visit);
  }
  void VisitAll(absl::FunctionRef<void(const T& item)> visit) const {
    for (const auto& [key, items] : singles_) {
      for (const T& item : items) visit(item);
    }
    ranges_.VisitAll(visit);
  }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  absl::flat_hash_map<std::string, std::vector<T>> singles_;
  IntervalTree<T> ranges_;
  size_t size_ = 0;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_WATCH_INDEX_H_
