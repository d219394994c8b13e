#include "raft/outbox.h"

#include <algorithm>

namespace raft {

using raftpb::Message;
using raftpb::MessageType;

namespace {

bool IsAck(const Message& m) { return m.type == MessageType::kAppResp && !m.reject; }

}  // namespace

void Outbox::PushAfterWrite(Message message) {
  if (merge_acks_ && IsAck(message) && Merged(message)) return;
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
bool Outbox::Merged(const Message& ack) {
  for (auto earlier = after_write_.rbegin(); earlier != after_write_.rend(); ++earlier) {
    if (earlier->to != ack.to) continue;
    if (!IsAck(*earlier) || earlier->term != ack.term) return false;
    if (earlier->index < ack.index) earlier->index = ack.index;
    return true;
  }
  return false;
}

}  // namespace raft
