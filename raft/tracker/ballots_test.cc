#include "raft/tracker/ballots.h"

#include "gtest/gtest.h"
#include "raft/quorum/majority.h"
#include "raft/tracker/config.h"

namespace raft::tracker {
namespace {

using quorum::Majority;
using quorum::VoteResult;

const Config kThree{.voters = {.incoming = Majority({1, 2, 3}), .outgoing = {}}};

TEST(BallotsTest, TheFirstAnswerCounts) {
  Ballots ballots;
  ballots.Record(1, true);
  ballots.Record(2, false);
  ballots.Record(2, true);
  const Ballots::Count count = ballots.Tally(kThree);
  EXPECT_EQ(count.granted, 1u);
  EXPECT_EQ(count.rejected, 1u);
  EXPECT_EQ(count.result, VoteResult::kPending);
}

TEST(BallotsTest, OnlyVotersHaveASay) {
  Config config = kThree;
  config.learners.Insert(4);
  Ballots ballots;
  ballots.Record(1, true);
  ballots.Record(4, true);   // A learner.
  ballots.Record(5, false);  // Gone, or never there.
  const Ballots::Count count = ballots.Tally(config);
  EXPECT_EQ(count.granted, 1u);
  EXPECT_EQ(count.rejected, 0u);
  EXPECT_EQ(count.result, VoteResult::kPending);
}

TEST(BallotsTest, BothHalvesElect) {
  Config config = kThree;
  config.voters.outgoing = Majority({1, 4, 5});
  Ballots ballots;
  ballots.Record(1, true);
  ballots.Record(2, true);
  EXPECT_EQ(ballots.Tally(config).result, VoteResult::kPending);
  ballots.Record(4, false);
  EXPECT_EQ(ballots.Tally(config).result, VoteResult::kPending);
  ballots.Record(5, false);
  EXPECT_EQ(ballots.Tally(config).result, VoteResult::kLost);
  EXPECT_EQ(ballots.Tally(config).granted, 2u);
  EXPECT_EQ(ballots.Tally(config).rejected, 2u);
}

TEST(BallotsTest, AnElectionStartsWithoutVotes) {
  const Ballots ballots;
  EXPECT_EQ(ballots.Tally(kThree).result, VoteResult::kPending);
  EXPECT_EQ(ballots.Tally(kThree).granted, 0u);
}

}  // namespace
}  // namespace raft::tracker
