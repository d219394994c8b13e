// The numbers every Raft server agrees on the meaning of. A leaf: nothing is included here.
#ifndef RAFT_RAFTPB_IDS_H_
#define RAFT_RAFTPB_IDS_H_

#include <compare>
#include <cstdint>
#include <limits>

namespace raftpb {

using Term = uint64_t;    // Logical time; each term has at most one leader (thesis §3.3).
using Index = uint64_t;   // Position in the log. The first entry has index 1; 0 is "before it".
using NodeId = uint64_t;  // Names a server for ever: an id is never given to another server.

inline constexpr NodeId kNone = 0;  // No server: no leader, no vote, no target.

// The addresses of a server's own storage threads (asynchronous storage writes). They never
// travel: a message from the network that claims them is refused.
inline constexpr NodeId kLocalAppendThread = std::numeric_limits<NodeId>::max();
inline constexpr NodeId kLocalApplyThread = std::numeric_limits<NodeId>::max() - 1;

// Names a log position: the term of the leader that made the entry, and where it stands. Two logs
// with the same EntryId at a position are equal up to it (Log Matching, §3.5). The order is that
// of §3.6.1: the later term wins, then the longer log.
struct EntryId {
  Term term = 0;
  Index index = 0;

  friend auto operator<=>(const EntryId&, const EntryId&) = default;
  friend bool operator==(const EntryId&, const EntryId&) = default;

  // Whether a log that ends here may lead a server whose log ends at `voter` (§3.6.1).
  bool AsUpToDateAs(const EntryId& voter) const { return *this >= voter; }
};

}  // namespace raftpb

#endif  // RAFT_RAFTPB_IDS_H_
