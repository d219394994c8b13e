// How large the store may grow.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_APPLY_QUOTA_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_APPLY_QUOTA_H_

#include <cstddef>
#include <cstdint>

#include "examples/raftexample/backend/backend.h"
#include "examples/raftexample/proto/internal.pb.h"

namespace raftexample {

// Sizes differ from member to member, so a quota must not decide what an entry of the log does: it
// is asked before proposing, where refusing is free, and after applying, where what it finds is a
// reason to propose the NOSPACE alarm. The alarm is what every member then obeys.
class Quota {
 public:
  // 0 is the default of 2 GiB; negative is no quota.
  Quota(const Backend* backend, int64_t bytes);

  // Bytes that the command may add to the store: of a transaction, those of its dearer branch,
  // transactions inside included.
  static size_t Cost(const internal::Command& command);
  // Whether so many bytes more are within the quota.
  bool Allows(size_t cost) const;
  // As Status reports it; 0 when there is none.
  int64_t bytes() const { return limit_ < 0 ? 0 : limit_; }

 private:
  const Backend* const backend_;
  const int64_t limit_;  // Negative: none.
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_APPLY_QUOTA_H_
