// Majorities: the arithmetic under every decision of Raft.
#ifndef RAFT_RAFT_QUORUM_MAJORITY_H_
#define RAFT_RAFT_QUORUM_MAJORITY_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "raft/quorum/smallest.h"
#include "raft/types.h"

namespace raft::quorum {

// What an empty set of voters has acknowledged: it never holds anything back.
inline constexpr Index kInfinity = std::numeric_limits<Index>::max();

enum class VoteResult : uint8_t {
  kPending,  // Could still go either way.
  kLost,     // A majority of yes is out of reach.
  kWon,      // A majority said yes.
};

// How many of n make a majority.
constexpr size_t MajorityOf(size_t n) { return n / 2 + 1; }

// The largest index that a majority has acknowledged, given one value for each voter. Reorders
// `acked`. kInfinity if there is no voter. No allocation.
Index CommittedIndex(absl::Span<Index> acked);

// The state of a vote of n voters. Of the empty set it is won.
VoteResult Tally(size_t voters, size_t yes, size_t no);

// A set of voters that decides by majority. Ascending, without repetition; small, so that sets of
// up to three live without an allocation.
class Majority {
 public:
  using const_iterator = absl::InlinedVector<NodeId, 3>::const_iterator;

  Majority() = default;
  explicit Majority(absl::Span<const NodeId> ids);  // Any order, repetitions allowed.

  bool contains(NodeId id) const {
    for (const NodeId voter : ids_) {
      if (voter == id) return true;
    }
    return false;
  }
  void Insert(NodeId id);  // Nothing if it is there already.
  void Erase(NodeId id);   // Nothing if it is not there.
  void Clear() { ids_.clear(); }

  size_t size() const { return ids_.size(); }
  bool empty() const { return ids_.empty(); }
  const_iterator begin() const { return ids_.begin(); }
  const_iterator end() const { return ids_.end(); }
  absl::Span<const NodeId> ids() const { return ids_; }

  // The largest index that a majority has acknowledged; kInfinity if there are no voters.
  // `acked(id)` gives that of one voter as an absl::optional<Index>, nothing counts as 0; it is
  // called for each in ascending order.
  template <typename Acked>
  Index CommittedIndex(Acked&& acked) const;
  // `vote` gives what one voter said, nothing if it did not answer yet.
  VoteResult CountVotes(absl::FunctionRef<absl::optional<bool>(NodeId)> vote) const;

  friend bool operator==(const Majority& a, const Majority& b) { return a.ids_ == b.ids_; }

 private:
  template <size_t n, typename Acked>
  Index CommittedIndexOf(Acked& acked) const;
  Index CommittedIndexOfMany(absl::FunctionRef<absl::optional<Index>(NodeId)> acked) const;

  absl::InlinedVector<NodeId, 3> ids_;
};

std::string Describe(const Majority& voters);  // `(1 2 a)`: ids in hexadecimal.

// A picture of who has acknowledged how far, one line for each voter (all of `voters`).
std::string DescribeAcks(const Majority& voters,
                         absl::FunctionRef<absl::optional<Index>(NodeId)> acked);

// --- Templates, for the compiler to see into `acked` and to know how many voters there are ---

template <size_t n, typename Acked>
Index Majority::CommittedIndexOf(Acked& acked) const {
  Index values[n];
  const NodeId* const ids = ids_.data();
#pragma GCC unroll 8
  for (size_t i = 0; i < n; ++i) values[i] = acked(ids[i]).value_or(0);
  return Smallest<n - MajorityOf(n)>(values);
}

template <typename Acked>
Index Majority::CommittedIndex(Acked&& acked) const {
  switch (ids_.size()) {
    case 1: return CommittedIndexOf<1>(acked);
    case 2: return CommittedIndexOf<2>(acked);
    case 3: return CommittedIndexOf<3>(acked);
    case 4: return CommittedIndexOf<4>(acked);
    case 5: return CommittedIndexOf<5>(acked);
    case 6: return CommittedIndexOf<6>(acked);
    case 7: return CommittedIndexOf<7>(acked);
    default: return CommittedIndexOfMany([&acked](NodeId id) { return acked(id); });
  }
}

}  // namespace raft::quorum

#endif  // RAFT_RAFT_QUORUM_MAJORITY_H_
