// What a leader has to tell whom with its next Ready.
#ifndef RAFT_RAFT_NEWS_H_
#define RAFT_RAFT_NEWS_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "raft/types.h"

namespace raft {

// Proposals, acknowledgements, commits and reads only mark a peer; one append and at most one
// heartbeat per peer leave when the next Ready is taken, whatever happened in between.
class News {
 public:
  enum class Kind : uint8_t {
    kEntries,   // An append, if there are entries that the peer was not sent.
    kAnything,  // An append even without entries: it brings the commit index, or probes.
  };
  using Peers = absl::InlinedVector<std::pair<NodeId, Kind>, 2>;

  void Mark(NodeId peer, Kind kind) {
    auto at = std::lower_bound(peers_.begin(), peers_.end(), peer,
                               [](const auto& marked, NodeId id) { return marked.first < id; });
    if (at == peers_.end() || at->first != peer) {
      peers_.insert(at, {peer, kind});
    } else {
      at->second = std::max(at->second, kind);
    }
  }
  void MarkHeartbeat() { heartbeat_ = true; }

  bool empty() const { return peers_.empty() && !heartbeat_; }

  // Whether a round of heartbeats is due; clears the mark.
  bool TakeHeartbeat() { return std::exchange(heartbeat_, false); }
  // The marked peers in ascending order; clears the marks.
  Peers TakePeers() { return std::exchange(peers_, {}); }

 private:
  Peers peers_;
  bool heartbeat_ = false;
};

}  // namespace raft

#endif  // RAFT_RAFT_NEWS_H_
