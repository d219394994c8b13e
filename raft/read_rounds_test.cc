#include "raft/read_rounds.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace raft {
namespace {

// What each read was told, in order.
class ReadRoundsTest : public testing::Test {
 protected:
  ReadRounds::Read Read(int64_t deadline = 1000) {
    return {absl::FromUnixSeconds(deadline),
            [this](absl::StatusOr<Index> index) { told_.push_back(std::move(index)); }};
  }

  const uint64_t life_ = 7;
  ReadRounds rounds_{life_, /*max_in_flight=*/1, /*retry_ticks=*/3};
  std::vector<absl::StatusOr<Index>> told_;
};

TEST_F(ReadRoundsTest, AllThatWaitShareOneRound) {
  for (int i = 0; i < 64; ++i) rounds_.Add(Read());
  const absl::Cord question = rounds_.Start();
  EXPECT_FALSE(rounds_.CanStart());
  EXPECT_EQ(rounds_.Answer({.index = 5, .context = question}), 64u);
  ASSERT_EQ(told_.size(), 64u);
  for (const auto& index : told_) EXPECT_EQ(*index, 5u);
  EXPECT_EQ(rounds_.started(), 1u);
  EXPECT_TRUE(rounds_.empty());
}

TEST_F(ReadRoundsTest, ReadsThatComeLaterAreNotAnsweredByAnEarlierQuestion) {
  rounds_.Add(Read());
  const absl::Cord first = rounds_.Start();
  rounds_.Add(Read());
  EXPECT_FALSE(rounds_.CanStart()) << "one round at a time";
  rounds_.Answer({.index = 5, .context = first});
  EXPECT_EQ(told_.size(), 1u);
  ASSERT_TRUE(rounds_.CanStart());
  rounds_.Answer({.index = 6, .context = rounds_.Start()});
  ASSERT_EQ(told_.size(), 2u);
  EXPECT_EQ(*told_[1], 6u);
}

TEST_F(ReadRoundsTest, ALaterAnswerIsGoodForEarlierReads) {
  ReadRounds rounds(life_, /*max_in_flight=*/2, /*retry_ticks=*/3);
  rounds.Add(Read());
  rounds.Start();
  rounds.Add(Read());
  EXPECT_EQ(rounds.Answer({.index = 9, .context = rounds.Start()}), 2u);
  EXPECT_TRUE(rounds.empty());
}

TEST_F(ReadRoundsTest, AnAnswerToARepeatedQuestionComesTooLate) {
  rounds_.Add(Read());
  const absl::Cord lost = rounds_.Start();
  rounds_.Tick(2);
  EXPECT_FALSE(rounds_.CanStart());
  rounds_.Tick(1);
  ASSERT_TRUE(rounds_.CanStart());
  const absl::Cord repeated = rounds_.Start();
  EXPECT_EQ(rounds_.Answer({.index = 4, .context = lost}), 0u);
  EXPECT_EQ(rounds_.Answer({.index = 5, .context = repeated}), 1u);
}

// A question of this number was asked before the restart, too, and its answer is still on its way.
TEST_F(ReadRoundsTest, AnswersToAnEarlierLifeAreIgnored) {
  ReadRounds before(/*life=*/6, 1, 3);
  before.Add(Read());
  const absl::Cord old_question = before.Start();
  rounds_.Add(Read());
  rounds_.Start();
  EXPECT_EQ(rounds_.Answer({.index = 1, .context = old_question}), 0u);
  EXPECT_EQ(rounds_.Answer({.index = 1, .context = absl::Cord("x")}), 0u);
  EXPECT_TRUE(told_.empty());
}

TEST_F(ReadRoundsTest, ARefusedRoundStartsAgainWhenSomethingHasChanged) {
  rounds_.Add(Read());
  rounds_.Start();
  rounds_.RefuseNewest();
  EXPECT_FALSE(rounds_.CanStart());
  rounds_.Tick(1);
  EXPECT_TRUE(rounds_.CanStart());
  rounds_.Start();
  rounds_.RefuseNewest();
  rounds_.TakeBackAll();  // A new leader.
  EXPECT_TRUE(rounds_.CanStart());
}

TEST_F(ReadRoundsTest, DeadlinesEndReadsInFlightAndWaiting) {
  rounds_.Add(Read(/*deadline=*/10));
  rounds_.Add(Read(/*deadline=*/20));
  rounds_.Start();
  rounds_.Add(Read(/*deadline=*/10));
  EXPECT_EQ(rounds_.Expire(absl::FromUnixSeconds(10), absl::UnavailableError("late")), 2u);
  ASSERT_EQ(told_.size(), 2u);
  EXPECT_EQ(told_[0].status(), absl::UnavailableError("late"));
  EXPECT_EQ(rounds_.Fail(absl::CancelledError("over")), 1u);
  EXPECT_EQ(told_[2].status(), absl::CancelledError("over"));
  EXPECT_TRUE(rounds_.empty());
}

}  // namespace
}  // namespace raft
