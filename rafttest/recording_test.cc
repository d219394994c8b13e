#include "rafttest/recording.h"

#include "gtest/gtest.h"

namespace rafttest {
namespace {

TEST(Recording, AServerIsNotedWhenItChanges) {
  Recording recording;
  const ServerView down;
  const ServerView leads = {
      .condition = ServerView::Condition::kRuns, .role = raft::Role::kLeader, .term = 2, .last = 5};
  recording.Server(1, 2, down);
  recording.Server(2, 2, down);
  recording.Server(3, 2, leads);
  ASSERT_EQ(recording.changes().size(), 2);
  EXPECT_EQ(recording.changes()[1].time, 3);
  EXPECT_EQ(recording.changes()[1].view, leads);
  EXPECT_EQ(recording.servers(), 2);
}

TEST(Recording, EachCopyOfAMessageFliesAndALostOneDoesNotArrive) {
  Recording recording;
  const raftpb::Message m = {.type = raftpb::MessageType::kHeartbeat, .to = 3, .from = 2};
  recording.Message(10, m, {1, 5});
  recording.Message(20, m, {});
  ASSERT_EQ(recording.flights().size(), 3);
  EXPECT_EQ(recording.flights()[0].arrives, 11);
  EXPECT_EQ(recording.flights()[1].arrives, 15);
  EXPECT_FALSE(recording.flights()[2].arrives.has_value());
  EXPECT_EQ(recording.flights()[2].from, 2);
  EXPECT_EQ(recording.flights()[2].to, 3);
}

TEST(Recording, OnlyTheLatestMessagesAreKept) {
  Recording recording(/*max_flights=*/2);
  for (SimTime now = 1; now <= 5; ++now) recording.Message(now, {}, {});
  ASSERT_EQ(recording.flights().size(), 2);
  EXPECT_EQ(recording.flights().front().sent, 4);
  EXPECT_EQ(recording.flights_forgotten(), 3);
}

}  // namespace
}  // namespace rafttest
