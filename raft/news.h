// What a leader has to tell whom with its next Ready.
#ifndef RAFT_RAFT_NEWS_H_
#define RAFT_RAFT_NEWS_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "raft/types.h"

namespace raft {

// Proposals, acknowledgements, commits and reads only mark a peer; when the next Ready is taken one
// append (or as many as its entries take) and at most one heartbeat per peer leave, whatever
// happened in between.
class News {
 public:
  enum class Kind : uint8_t {
    kNothing,
    kEntries,   // An append, if there are entries that the peer was not sent.
    kAnything,  // An append even without entries: it brings the commit index, or probes.
  };

  void Mark(NodeId peer, Kind kind) {
    any_marked_ = true;
    for (auto& [marked, so_far] : peers_) {
      if (marked != peer) continue;
      so_far = std::max(so_far, kind);
      return;
    }
    Insert(peer, kind);
  }
  // Says that everybody is marked with the stronger mark, so that nobody has to do it again before
  // the marks are taken, or somebody joins.
  void NoteAllMarked() { all_marked_ = true; }
  bool all_marked() const { return all_marked_; }
  void SomebodyJoins() { all_marked_ = false; }

  void MarkHeartbeat() { heartbeat_ = true; }

  bool empty() const { return !any_marked_ && !heartbeat_; }

  // Whether a round of heartbeats is due; clears the mark.
  bool TakeHeartbeat() { return std::exchange(heartbeat_, false); }
  // Calls visit(peer, kind) for the marked peers in ascending order; clears the marks.
  template <typename Visit>
  void TakePeers(Visit visit) {
    if (!std::exchange(any_marked_, false)) return;
    all_marked_ = false;
    for (auto& [peer, kind] : peers_) {
      const Kind marked = std::exchange(kind, Kind::kNothing);
      if (marked != Kind::kNothing) visit(peer, marked);
    }
  }

 private:
  void Insert(NodeId peer, Kind kind) {
    const auto is_behind = [peer](const auto& marked) { return marked.first > peer; };
    peers_.insert(std::find_if(peers_.begin(), peers_.end(), is_behind), {peer, kind});
  }

  // Ascending: everybody who was ever marked, most of them again and again.
  absl::InlinedVector<std::pair<NodeId, Kind>, 2> peers_;
  bool any_marked_ = false;
  bool all_marked_ = false;
  bool heartbeat_ = false;
};

}  // namespace raft

#endif  // RAFT_RAFT_NEWS_H_
