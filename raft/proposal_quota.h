// How much a leader may have proposed without its being applied yet.
#ifndef RAFT_RAFT_PROPOSAL_QUOTA_H_
#define RAFT_RAFT_PROPOSAL_QUOTA_H_

#include <algorithm>
#include <cstdint>

namespace raft {

// Bounds the payload bytes that a leader took and that are not applied, so that a leader cut off
// from its quorum refuses proposals instead of growing without end. Entries without payload are
// free: a new leader's first entry and membership changes that need none always pass. Only what was
// proposed under this leader is counted; returning more than was taken leaves zero.
class ProposalQuota {
 public:
  // max_bytes 0 or kNoLimit: no bound.
  explicit ProposalQuota(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // One proposal always passes when nothing is taken, however large it is.
  bool TryTake(uint64_t bytes) {
    if (max_bytes_ != 0 && taken_ > 0 && bytes > 0 && taken_ + bytes > max_bytes_) return false;
    taken_ += bytes;
    return true;
  }
  void Return(uint64_t bytes) { taken_ -= std::min(bytes, taken_); }

  uint64_t taken() const { return taken_; }

 private:
  uint64_t max_bytes_;
  uint64_t taken_ = 0;
};

}  // namespace raft

#endif  // RAFT_RAFT_PROPOSAL_QUOTA_H_
