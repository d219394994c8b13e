// Selection among few values, for the question that a leader asks on every acknowledgement.
#ifndef RAFT_RAFT_QUORUM_SMALLEST_H_
#define RAFT_RAFT_QUORUM_SMALLEST_H_

#include <cstddef>

#include "raft/types.h"

namespace raft::quorum {

// The one of n values that has k others before it in ascending order. Reorders them.
//
// Each pass carries the smallest of what is left to the front. With k and n known to the compiler
// this becomes straight code over registers. Who acknowledged last is anybody's guess, hence no
// branch may depend on the values: the hint says that a prediction would be right half the time.
template <size_t k, size_t n>
Index Smallest(Index (&values)[n]) {
  static_assert(k < n);
#pragma GCC unroll 8
  for (size_t pass = 0; pass <= k; ++pass) {
#pragma GCC unroll 8
    for (size_t i = n - 1; i > pass; --i) {
      const Index a = values[i - 1];
      const Index b = values[i];
      const bool swap = __builtin_expect_with_probability(b < a, 1, 0.5);
      values[i - 1] = swap ? b : a;
      values[i] = swap ? a : b;
    }
  }
  return values[k];
}

}  // namespace raft::quorum

#endif  // RAFT_RAFT_QUORUM_SMALLEST_H_
