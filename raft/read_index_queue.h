// Linearizable reads that wait for the leader to prove that it still leads (§6.4).
#ifndef RAFT_RAFT_READ_INDEX_QUEUE_H_
#define RAFT_RAFT_READ_INDEX_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/types/optional.h"
#include "raft/quorum/joint.h"
#include "raft/types.h"

namespace raft {

// A read, as whoever asked for it knows it.
struct ReadRequest {
  NodeId from = kNone;  // The server whose application wants to know; kNone is this one, too.
  absl::Cord context;   // By which it knows the answer.

  // With leases: once a quorum has confirmed it, the leader needs no round before this tick; and
  // whether that is all it is for.
  uint64_t lease_until = 0;
  bool only_renews = false;
};

// Numbers the reads that a leader took since it took office. Heartbeats carry the number of the
// newest read; a follower that returns it confirms that read and all before it, because its
// heartbeat was sent after they arrived. The numbers are the leader's own and never the user's
// contexts, which a client may repeat (etcd issue 20418).
class ReadIndexQueue {
 public:
  // Takes a read, which must at least see what is committed now; `self` confirms it at once.
  void Push(ReadRequest&& request, Index commit, NodeId self);

  // Reads taken and not yet released.
  size_t size() const { return waiting_.size() - released_; }
  bool empty() const { return size() == 0; }

  // The number of the newest read as heartbeats carry it (8 bytes, little endian); empty if no
  // read is waiting.
  absl::Cord HeartbeatContext() const;

  // The number in a heartbeat response. Nothing if it is not one that this leader sent.
  absl::optional<uint64_t> ParseContext(const absl::Cord& context) const;

  // `from` confirms all reads up to a number. Older confirmations that arrive late change nothing.
  void Confirm(NodeId from, uint64_t number);

  // Removes the reads that a quorum has confirmed, and calls visit(ReadRequest&&, commit) for each,
  // oldest first. It must not come back here.
  template <typename Visit>
  void Release(const quorum::Joint& voters, Visit visit) {
    for (size_t count = CountConfirmed(voters); count > 0; --count) {
      Read& read = waiting_[released_++];
      visit(std::move(read.request), read.commit);
    }
    ForgetReleased();
  }

 private:
  struct Read {
    ReadRequest request;
    Index commit = 0;
  };

  size_t CountConfirmed(const quorum::Joint& voters) const;
  void ForgetReleased();

  uint64_t taken_ = 0;         // Reads since taking office; the number of the newest.
  std::vector<Read> waiting_;  // Numbers taken_-size()+1 .. taken_, behind
  size_t released_ = 0;        // those that were released.
  std::vector<std::pair<NodeId, uint64_t>> confirmed_;  // The highest number of each server.
};

}  // namespace raft

#endif  // RAFT_RAFT_READ_INDEX_QUEUE_H_
