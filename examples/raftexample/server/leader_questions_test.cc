#include "examples/raftexample/server/leader_questions.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "examples/raftexample/proto/errors.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

using raftpb::NodeId;

const absl::Time kEarly = absl::FromUnixSeconds(10);
const absl::Time kDeadline = absl::FromUnixSeconds(20);

class LeaderQuestionsTest : public testing::Test {
 protected:
  void Put() {
    questions_.Put<int>(
        kDeadline,
        [this](NodeId leader, LeaderQuestions::Done<int> done) {
          asked_.push_back(leader);
          done(answer_);
        },
        [this](absl::StatusOr<int> answer) { told_.push_back(answer); });
  }

  NodeId leader_ = raftpb::kNone;
  absl::StatusOr<int> answer_ = 7;
  std::vector<NodeId> asked_;
  std::vector<absl::StatusOr<int>> told_;
  LeaderQuestions questions_{[this] { return leader_; }};
};

TEST_F(LeaderQuestionsTest, ALeaderIsAskedAtOnce) {
  leader_ = 3;
  Put();
  EXPECT_EQ(asked_, std::vector<NodeId>{3});
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(*told_[0], 7);
}

TEST_F(LeaderQuestionsTest, WithoutALeaderTheyWaitForOne) {
  Put();
  questions_.Repeat(kEarly);
  EXPECT_TRUE(asked_.empty());
  leader_ = 2;
  questions_.Repeat(kEarly);
  EXPECT_EQ(asked_, std::vector<NodeId>{2});
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(LeaderQuestionsTest, WhoeverNoLongerLeadsIsNotTheLast) {
  leader_ = 3;
  answer_ = errors::kNotLeader.status();
  Put();
  answer_ = absl::UnavailableError("connection refused");
  questions_.Repeat(kEarly);
  EXPECT_TRUE(told_.empty());
  leader_ = 1;
  answer_ = 8;
  questions_.Repeat(kEarly);
  EXPECT_EQ(asked_, (std::vector<NodeId>{3, 3, 1}));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(*told_[0], 8);
}

TEST_F(LeaderQuestionsTest, AnErrorOfTheLeaderIsAnAnswer) {
  leader_ = 3;
  answer_ = errors::kLeaseNotFound.status();
  Put();
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_TRUE(errors::kLeaseNotFound.Is(told_[0].status()));
}

TEST_F(LeaderQuestionsTest, GiveUpAtTheDeadline) {
  Put();
  questions_.Repeat(kDeadline);
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_TRUE(errors::kNoLeader.Is(told_[0].status()));
  questions_.Repeat(kDeadline);
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(LeaderQuestionsTest, NobodyWaitsAfterTheEnd) {
  Put();
  questions_.Close(errors::kStopped);
  Put();
  ASSERT_EQ(told_.size(), 2u);
  EXPECT_TRUE(errors::kStopped.Is(told_[0].status()));
  EXPECT_TRUE(errors::kStopped.Is(told_[1].status()));
}

}  // namespace
}  // namespace raftexample
