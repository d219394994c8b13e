#include "raft/outbox.h"

#include <algorithm>

namespace raft {

using raftpb::Message;
using raftpb::MessageType;

namespace {

bool IsAck(const Message& m) { return m.type == MessageType::kAppResp && !m.reject; }

}  // namespace

void Outbox::PushAfterWrite(Message&& message) {
  if (IsAck(message) && MergeAck(message.to, message.term, message.index)) return;
  after_write_.push_back(std::move(message));
}

void Outbox::WithdrawAcks() {
  if (!merge_acks_) return;
  after_write_.erase(std::remove_if(after_write_.begin(), after_write_.end(), IsAck),
                     after_write_.end());
}

// Within a term the leader's log only grows (§3.5), so having more of it implies having less. Only
// the last message to the server may be merged with: an acknowledgement must not overtake a
// refusal.
bool Outbox::MergeIntoWaiting(NodeId to, Term term, Index index) {
  for (auto earlier = after_write_.rbegin(); earlier != after_write_.rend(); ++earlier) {
    if (earlier->to != to) continue;
    if (!IsAck(*earlier) || earlier->term != term) return false;
    if (earlier->index < index) earlier->index = index;
    return true;
  }
  return false;
}

}  // namespace raft
