// Which ranges hold a key.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_INTERVAL_TREE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_INTERVAL_TREE_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "examples/raftexample/mvcc/key_range.h"

namespace raftexample {

// Items by range, found by key: a search tree of the ranges by where they begin, in which every
// node knows how far its subtree reaches, balanced as a treap. Finding the k ranges that hold a key
// among n takes O(log n + k). Equal ranges share a node.
template <typename T>
class IntervalTree {
 public:
  // The range is not a single key and not empty. Its strings are copied.
  void Add(const KeyRange& range, T item) { Add(root_, Bounds(range), std::move(item)); }
  // One item equal to this; missing is fine.
  void Remove(const KeyRange& range, const T& item) { Remove(root_, Bounds(range), item); }
  void Visit(absl::string_view key, absl::FunctionRef<void(const T& item)> visit) const {
    Visit(root_.get(), key, visit);
  }
  void VisitAll(absl::FunctionRef<void(const T& item)> visit) const {
    VisitAll(root_.get(), visit);
  }

 private:
  struct End {
    bool unbounded;
    std::string at;
    friend auto operator<=>(const End&, const End&) = default;
    bool IsAfter(absl::string_view key) const { return unbounded || key < at; }
  };
  struct Bounds {
    explicit Bounds(const KeyRange& range)
        : begin(range.key),
          end{range.IsUnbounded(), range.IsUnbounded() ? "" : std::string(range.range_end)} {}
    std::string begin;
    End end;
    friend auto operator<=>(const Bounds&, const Bounds&) = default;
  };
  struct Node {
    explicit Node(Bounds b, uint64_t p) : bounds(std::move(b)), reach(bounds.end), priority(p) {}
    Bounds bounds;
    End reach;          // The last end in the subtree.
    uint64_t priority;  // Not less than those of the children.
    std::vector<T> items;
    std::unique_ptr<Node> left, right;

    void Update() {
      reach = bounds.end;
      for (const Node* child : {left.get(), right.get()}) {
        if (child != nullptr) reach = std::max(reach, child->reach);
      }
    }
  };
  using Tree = std::unique_ptr<Node>;

  // Weyl's sequence through a mixer: balanced like chance, the same every time.
  uint64_t NextPriority() {
    uint64_t x = weyl_ += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  static void RotateRight(Tree& top) {
    Tree left = std::move(top->left);
    top->left = std::move(left->right);
    top->Update();
    left->right = std::move(top);
    top = std::move(left);
    top->Update();
  }
  static void RotateLeft(Tree& top) {
    Tree right = std::move(top->right);
    top->right = std::move(right->left);
    top->Update();
    right->left = std::move(top);
    top = std::move(right);
    top->Update();
  }

  void Add(Tree& top, Bounds bounds, T item) {
    if (top == nullptr) {
      top = std::make_unique<Node>(std::move(bounds), NextPriority());
      top->items.push_back(std::move(item));
      return;
    }
    if (bounds == top->bounds) {
      top->items.push_back(std::move(item));
      return;
    }
    if (bounds < top->bounds) {
      Add(top->left, std::move(bounds), std::move(item));
      top->Update();
      if (top->left->priority > top->priority) RotateRight(top);
    } else {
      Add(top->right, std::move(bounds), std::move(item));
      top->Update();
      if (top->right->priority > top->priority) RotateLeft(top);
    }
  }

  void Remove(Tree& top, const Bounds& bounds, const T& item) {
    if (top == nullptr) return;
    if (bounds != top->bounds) {
      Remove(bounds < top->bounds ? top->left : top->right, bounds, item);
      top->Update();
      return;
    }
    auto found = std::find(top->items.begin(), top->items.end(), item);
    if (found != top->items.end()) top->items.erase(found);
    if (top->items.empty()) Drop(top);
  }

  // Lets the node sink to where it can go.
  void Drop(Tree& top) {
    if (top->left == nullptr || top->right == nullptr) {
      Tree child = std::move(top->left != nullptr ? top->left : top->right);
      top = std::move(child);
      return;
    }
    if (top->left->priority > top->right->priority) {
      RotateRight(top);
      Drop(top->right);
    } else {
      RotateLeft(top);
      Drop(top->left);
    }
    top->Update();
  }

  static void Visit(const Node* top, absl::string_view key,
                    absl::FunctionRef<void(const T& item)> visit) {
    while (top != nullptr && top->reach.IsAfter(key)) {
      Visit(top->left.get(), key, visit);
      if (key < top->bounds.begin) return;  // So does everything to the right.
      if (top->bounds.end.IsAfter(key)) {
        for (const T& item : top->items) visit(item);
      }
      top = top->right.get();
    }
  }

  static void VisitAll(const Node* top, absl::FunctionRef<void(const T& item)> visit) {
    if (top == nullptr) return;
    VisitAll(top->left.get(), visit);
    for (const T& item : top->items) visit(item);
    VisitAll(top->right.get(), visit);
  }

  Tree root_;
  uint64_t weyl_ = 0;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_INTERVAL_TREE_H_
