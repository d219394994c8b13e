// What may leave at once and what waits for the disk are kept apart, in sending order, and of the
// acknowledgements that wait for the same write only the furthest is kept, where that says the
// same.
#include "raft/outbox.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace raft {
namespace {

using raftpb::Message;
using raftpb::MessageType;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Message Ack(raftpb::NodeId to, raftpb::Index index, raftpb::Term term = 1) {
  return {.type = MessageType::kAppResp, .to = to, .from = 1, .term = term, .index = index};
}

Message Refusal(raftpb::NodeId to, raftpb::Index index) {
  Message m = Ack(to, index);
  m.reject = true;
  return m;
}

Message Vote(raftpb::NodeId to) { return {.type = MessageType::kVoteResp, .to = to, .term = 1}; }

TEST(Outbox, KeepsTheOrderOfEachQueue) {
  Outbox outbox(/*merge_acks=*/false);
  EXPECT_TRUE(outbox.empty());
  const Message a = {.type = MessageType::kApp, .to = 2};
  const Message b = {.type = MessageType::kHeartbeat, .to = 3};
  outbox.Push(Message(a));
  outbox.PushAfterWrite(Ack(2, 1));
  outbox.Push(Message(b));
  outbox.PushAfterWrite(Ack(2, 2));
  EXPECT_FALSE(outbox.empty());
  EXPECT_THAT(outbox.now(), ElementsAre(a, b));
  EXPECT_THAT(outbox.after_write(), ElementsAre(Ack(2, 1), Ack(2, 2)));
}

TEST(Outbox, IsEmptyOnlyIfBothQueuesAre) {
  Outbox outbox(/*merge_acks=*/true);
  outbox.PushAfterWrite(Ack(2, 1));
  EXPECT_FALSE(outbox.empty());
  outbox.after_write().clear();
  EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, OfSeveralAcknowledgementsTheFurthestIsSent) {
  Outbox outbox(/*merge_acks=*/true);
  for (raftpb::Index index : {1, 2, 5, 4}) outbox.PushAfterWrite(Ack(2, index));
  EXPECT_THAT(outbox.after_write(), ElementsAre(Ack(2, 5)));
}

TEST(Outbox, EachServerGetsItsOwn) {
  Outbox outbox(/*merge_acks=*/true);
  outbox.PushAfterWrite(Ack(2, 1));
  outbox.PushAfterWrite(Ack(3, 7));
  outbox.PushAfterWrite(Ack(2, 2));
  EXPECT_THAT(outbox.after_write(), ElementsAre(Ack(2, 2), Ack(3, 7)));
}

// In another term the index may name another entry.
TEST(Outbox, AcknowledgementsOfDifferentTermsStayApart) {
  Outbox outbox(/*merge_acks=*/true);
  outbox.PushAfterWrite(Ack(2, 5, 1));
  outbox.PushAfterWrite(Ack(2, 3, 2));
  EXPECT_THAT(outbox.after_write(), ElementsAre(Ack(2, 5, 1), Ack(2, 3, 2)));
}

TEST(Outbox, AnAcknowledgementOvertakesNeitherARefusalNorAVote) {
  Outbox outbox(/*merge_acks=*/true);
  outbox.PushAfterWrite(Ack(2, 1));
  outbox.PushAfterWrite(Refusal(2, 9));
  outbox.PushAfterWrite(Ack(2, 2));
  outbox.PushAfterWrite(Ack(2, 3));
  outbox.PushAfterWrite(Vote(2));
  outbox.PushAfterWrite(Ack(2, 4));
  EXPECT_THAT(outbox.after_write(),
              ElementsAre(Ack(2, 1), Refusal(2, 9), Ack(2, 3), Vote(2), Ack(2, 4)));
}

TEST(Outbox, RefusalsAreNeverMerged) {
  Outbox outbox(/*merge_acks=*/true);
  outbox.PushAfterWrite(Refusal(2, 9));
  outbox.PushAfterWrite(Refusal(2, 9));
  EXPECT_EQ(outbox.after_write().size(), 2);
  EXPECT_THAT(outbox.now(), IsEmpty());
}

}  // namespace
}  // namespace raft
