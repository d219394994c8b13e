// What a user may read and write: the union of the permissions of the user's roles.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_PERMISSION_SET_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_PERMISSION_SET_H_

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "examples/raftexample/mvcc/key_range.h"
#include "examples/raftexample/proto/auth.pb.h"

namespace raftexample {

// Keys as a sorted list of intervals that neither touch nor overlap: adjacent permissions become
// one, so a range is covered if one interval covers it.
class KeySet {
 public:
  void Add(const KeyRange& range);
  // Whether every key that the range means is in the set. An empty range is covered by nothing: to
  // ask for nothing needs no permission, and nobody does so by mistake.
  bool Covers(const KeyRange& range) const;

 private:
  // [begin, end); without an end it goes on for ever. A single key k is [k, k + zero byte): the
  // smallest key after k is the end.
  struct Interval {
    std::string begin;
    absl::optional<std::string> end;
  };
  std::vector<Interval> intervals_;
};

class PermissionSet {
 public:
  void Add(const authpb::Permission& permission);
  bool MayRead(const KeyRange& range) const { return readable_.Covers(range); }
  bool MayWrite(const KeyRange& range) const { return writable_.Covers(range); }

 private:
  KeySet readable_, writable_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_AUTH_PERMISSION_SET_H_
