// The numbers and roles that all of raft/ speaks of.
#ifndef RAFT_RAFT_TYPES_H_
#define RAFT_RAFT_TYPES_H_

#include <cstdint>
#include <limits>

#include "raftpb/ids.h"

namespace raft {

using raftpb::EntryId;
using raftpb::Index;
using raftpb::kLocalAppendThread;
using raftpb::kLocalApplyThread;
using raftpb::kNone;
using raftpb::NodeId;
using raftpb::Term;

inline constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

// Terms and indexes of messages do not pass these, so that adding to them cannot wrap. A server at
// the last term campaigns no more.
inline constexpr Term kMaxTerm = std::numeric_limits<Term>::max() - 1;
inline constexpr Index kMaxIndex = Index{1} << 63;

// The entries begin, begin+1, .., end-1.
struct IndexRange {
  Index begin = 0;
  Index end = 0;

  bool empty() const { return begin >= end; }
  friend bool operator==(const IndexRange&, const IndexRange&) = default;
};

// Thesis Figure 3.3, and the pre-candidate of §9.6.
enum class Role : uint8_t { kFollower, kCandidate, kLeader, kPreCandidate };

}  // namespace raft

#endif  // RAFT_RAFT_TYPES_H_
