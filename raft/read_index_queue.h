// Linearizable reads that wait for the leader to prove that it still leads (§6.4).
#ifndef RAFT_RAFT_READ_INDEX_QUEUE_H_
#define RAFT_RAFT_READ_INDEX_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/types/optional.h"
#include "raft/quorum/joint.h"
#include "raft/types.h"
#include "raftpb/message.h"

namespace raft {

// Numbers the reads that a leader took since it took office. Heartbeats carry the number of the
// newest read; a follower that returns it confirms that read and all before it, because its
// heartbeat was sent after they arrived. The numbers are the leader's own and never the user's
// contexts, which a client may repeat (etcd issue 20418).
class ReadIndexQueue {
 public:
  struct Read {
    raftpb::Message request;
    Index index = 0;  // The commit index when the read arrived: what it must at least see.
  };

  // Takes a read; `self` confirms it at once.
  void Push(raftpb::Message request, Index commit, NodeId self);

  // Reads taken and not yet released.
  size_t size() const { return waiting_.size(); }
  bool empty() const { return waiting_.empty(); }

  // The number of the newest read as heartbeats carry it (8 bytes, little endian); empty if no
  // read is waiting.
  absl::Cord HeartbeatContext() const;

  // The number in a heartbeat response. Nothing if it is not one that this leader sent.
  absl::optional<uint64_t> ParseContext(const absl::Cord& context) const;

  // `from` confirms all reads up to a number. Older confirmations that arrive late change nothing.
  void Confirm(NodeId from, uint64_t number);

  // Removes and returns, oldest first, the reads that a quorum has confirmed.
  std::vector<Read> Release(const quorum::Joint& voters);

 private:
  uint64_t taken_ = 0;        // Reads since taking office; the number of the newest.
  std::deque<Read> waiting_;  // Numbers taken_-size+1 .. taken_.
  std::vector<std::pair<NodeId, uint64_t>> confirmed_;  // The highest number of each server.
};

}  // namespace raft

#endif  // RAFT_RAFT_READ_INDEX_QUEUE_H_
