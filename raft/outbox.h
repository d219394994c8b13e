// What leaves a server, and when.
#ifndef RAFT_RAFT_OUTBOX_H_
#define RAFT_RAFT_OUTBOX_H_

#include <utility>
#include <vector>

#include "raft/types.h"
#include "raftpb/message.h"

namespace raft {

// Two queues in sending order. What promises nothing unstored goes to the first; what does
// (acknowledgements and votes) goes to the second, and leaves when the writes of the same Ready
// are durable (docs/ready-loop.md). The second also holds the messages to this server itself: a
// leader's acknowledgement of its own entries, a candidate's own vote.
class Outbox {
 public:
  // With `merge_acks`, of the acknowledgements to one server that wait for the same write only the
  // furthest is kept: a follower answers once for each Ready.
  explicit Outbox(bool merge_acks) : merge_acks_(merge_acks) {}

  void Push(raftpb::Message&& message) { now_.push_back(std::move(message)); }
  // An empty message at the end of a queue, for the caller to fill.
  raftpb::Message& Add() { return now_.emplace_back(); }
  raftpb::Message& AddAfterWrite() { return after_write_.emplace_back(); }
  void PushAfterWrite(raftpb::Message&& message);

  // Whether an acknowledgement that waits already can say this, too; now it does.
  bool MergeAck(NodeId to, Term term, Index index) {
    return merge_acks_ && !after_write_.empty() && MergeIntoWaiting(to, term, index);
  }

  // A later term has begun: acknowledgements that still wait are of no use to the leaders they are
  // for, and what they promise may be overwritten before it is ever stored. Only with merge_acks.
  void WithdrawAcks();

  void ReleaseMemory() {  // That is kept for messages to come.
    now_.shrink_to_fit();
    after_write_.shrink_to_fit();
  }

  bool empty() const { return now_.empty() && after_write_.empty(); }
  std::vector<raftpb::Message>& now() { return now_; }
  std::vector<raftpb::Message>& after_write() { return after_write_; }
  const std::vector<raftpb::Message>& now() const { return now_; }
  const std::vector<raftpb::Message>& after_write() const { return after_write_; }

 private:
  bool MergeIntoWaiting(NodeId to, Term term, Index index);

  std::vector<raftpb::Message> now_;
  std::vector<raftpb::Message> after_write_;
  bool merge_acks_;
};

}  // namespace raft

#endif  // RAFT_RAFT_OUTBOX_H_
