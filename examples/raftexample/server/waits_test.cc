// WaitTable and AppliedWaits: each waiter is told exactly once.
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "examples/raftexample/server/applied_waits.h"
#include "examples/raftexample/server/wait_table.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

const absl::Time kEarly = absl::FromUnixSeconds(10);
const absl::Time kLate = absl::FromUnixSeconds(20);
const absl::Status kWhy = absl::UnavailableError("why");

class WaitTableTest : public testing::Test {
 protected:
  WaitTable::Done Done() {
    return [this](absl::StatusOr<ApplyResult> result) {
      told_.push_back(result.ok() ? absl::OkStatus() : result.status());
    };
  }
  WaitTable table_;
  std::vector<absl::Status> told_;
};

TEST_F(WaitTableTest, TakenOnce) {
  table_.Add(1, kLate, Done());
  EXPECT_FALSE(table_.Take(2).has_value());
  auto done = table_.Take(1);
  ASSERT_TRUE(done.has_value());
  (*done)(ApplyResult());
  EXPECT_FALSE(table_.Take(1).has_value());
  table_.End(1, kWhy);
  EXPECT_EQ(told_, std::vector<absl::Status>{absl::OkStatus()});
}

TEST_F(WaitTableTest, DeadlinesEndThoseWhoAreLate) {
  table_.Add(1, kEarly, Done());
  table_.Add(2, kLate, Done());
  table_.Expire(kEarly, kWhy);
  EXPECT_EQ(told_, std::vector<absl::Status>{kWhy});
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(WaitTableTest, NobodyWaitsAtAClosedTable) {
  table_.Add(1, kLate, Done());
  table_.Close(kWhy);
  table_.Add(2, kLate, Done());
  EXPECT_EQ(told_, (std::vector<absl::Status>{kWhy, kWhy}));
  EXPECT_EQ(table_.size(), 0u);
}

class AppliedWaitsTest : public testing::Test {
 protected:
  AppliedWaits::Done Done() {
    return [this](const absl::Status& status) { told_.push_back(status); };
  }
  AppliedWaits waits_{5};
  std::vector<absl::Status> told_;
};

TEST_F(AppliedWaitsTest, WhatIsAppliedNeedsNoWaiting) {
  waits_.Wait(5, kLate, Done());
  EXPECT_EQ(told_, std::vector<absl::Status>{absl::OkStatus()});
}

TEST_F(AppliedWaitsTest, ToldWhenTheirIndexIsReached) {
  waits_.Wait(8, kLate, Done());
  waits_.Wait(6, kLate, Done());
  waits_.Advance(7);
  EXPECT_EQ(told_.size(), 1u);
  waits_.Advance(8);
  EXPECT_EQ(told_, (std::vector<absl::Status>{absl::OkStatus(), absl::OkStatus()}));
}

TEST_F(AppliedWaitsTest, EndByDeadlineOrClosing) {
  waits_.Wait(8, kEarly, Done());
  waits_.Wait(9, kLate, Done());
  waits_.Expire(kEarly, kWhy);
  EXPECT_EQ(told_.size(), 1u);
  waits_.Close(kWhy);
  waits_.Wait(5, kLate, Done());
  EXPECT_EQ(told_, (std::vector<absl::Status>{kWhy, kWhy, kWhy}));
}

}  // namespace
}  // namespace raftexample
