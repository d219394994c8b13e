// Which keys a request means, as every request of the API writes it.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_KEY_RANGE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_KEY_RANGE_H_

#include "absl/strings/string_view.h"

namespace raftexample {

// A view of `key` and `range_end` of a request; keys are compared byte by byte:
//
//   range_end          means
//   ""                 the one key
//   one zero byte      every key from `key` on
//   anything else      [key, range_end); nothing, if that is not after key
//
// The two strings are kept as they were written and never turned into other ones: a single key that
// is once taken for something wider is how permissions leak.
struct KeyRange {
  absl::string_view key;
  absl::string_view range_end;

  bool IsSingle() const { return range_end.empty(); }
  bool IsUnbounded() const { return range_end == absl::string_view("\0", 1); }
  bool IsEmpty() const { return !IsSingle() && !IsUnbounded() && range_end <= key; }

  // Whether `k`, which is not before `key`, lies before the end.
  bool EndsAfter(absl::string_view k) const {
    return IsSingle() ? k == key : IsUnbounded() || k < range_end;
  }
  bool Contains(absl::string_view k) const { return k >= key && EndsAfter(k); }
};

// In a request to watch, no key means the smallest there can be.
inline KeyRange WatchedRange(absl::string_view key, absl::string_view range_end) {
  return {key.empty() ? absl::string_view("\0", 1) : key, range_end};
}

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_KEY_RANGE_H_
