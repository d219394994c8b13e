// A leader that cannot commit refuses proposals instead of growing without end; but never the first
// one, and never what has no payload.
#include "raft/proposal_quota.h"

#include <limits>

#include "gtest/gtest.h"
#include "raft/types.h"

namespace raft {
namespace {

TEST(ProposalQuota, RefusesWhatWouldExceedIt) {
  ProposalQuota quota(100);
  EXPECT_TRUE(quota.TryTake(60));
  EXPECT_TRUE(quota.TryTake(40)) << "exactly full";
  EXPECT_FALSE(quota.TryTake(1));
  EXPECT_EQ(quota.taken(), 100) << "a refusal takes nothing";
}

TEST(ProposalQuota, OneProposalAlwaysPasses) {
  ProposalQuota quota(100);
  EXPECT_TRUE(quota.TryTake(1000));
  EXPECT_FALSE(quota.TryTake(1));
  quota.Return(1000);
  EXPECT_TRUE(quota.TryTake(101));
}

TEST(ProposalQuota, WithoutPayloadThereIsNoLimit) {
  ProposalQuota quota(100);
  EXPECT_TRUE(quota.TryTake(100));
  EXPECT_TRUE(quota.TryTake(0));
  EXPECT_EQ(quota.taken(), 100);
}

TEST(ProposalQuota, WhatIsAppliedMakesRoom) {
  ProposalQuota quota(100);
  EXPECT_TRUE(quota.TryTake(60));
  EXPECT_TRUE(quota.TryTake(40));
  quota.Return(60);
  EXPECT_EQ(quota.taken(), 40);
  EXPECT_FALSE(quota.TryTake(61));
  EXPECT_TRUE(quota.TryTake(60));
}

// Entries of earlier leaders are applied, too; they were never taken.
TEST(ProposalQuota, ReturningMoreThanWasTakenLeavesNothing) {
  ProposalQuota quota(100);
  EXPECT_TRUE(quota.TryTake(10));
  quota.Return(1000);
  EXPECT_EQ(quota.taken(), 0);
}

TEST(ProposalQuota, ZeroAndTheHighestNumberMeanNoLimit) {
  for (uint64_t limit : {uint64_t{0}, kNoLimit}) {
    ProposalQuota quota(limit);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(quota.TryTake(uint64_t{1} << 40));
    EXPECT_EQ(quota.taken(), uint64_t{100} << 40);
  }
}

}  // namespace
}  // namespace raft
