// That every run of a very small cluster is right, and that the search sees what is wrong.
#include "rafttest/exhaustive.h"

#include "gtest/gtest.h"

namespace rafttest {
namespace {

constexpr auto kSilent = [](uint64_t, uint64_t) {};

TEST(Exhaustive, OneTermWithACrashAtAnyTime) {
  const ExhaustiveResult result =
      SearchExhaustively({.terms = 1, .entries = 2, .proposals = 1, .crashes = 1}, kSilent);
  EXPECT_TRUE(result.complete);
  EXPECT_FALSE(result.violation.has_value()) << Describe(result);
  EXPECT_GT(result.crashed, 5000);
  EXPECT_GT(result.by_committed[1], 1000);
}

TEST(Exhaustive, TwoTermsOnDisksThatAreFast) {
  const ExhaustiveResult result = SearchExhaustively(
      {.terms = 2, .entries = 2, .proposals = 1, .crashes = 0, .servers = {.slow_disk = false}},
      kSilent);
  EXPECT_TRUE(result.complete);
  EXPECT_FALSE(result.violation.has_value()) << Describe(result);
  EXPECT_GT(result.two_leaders, 100);
  EXPECT_GT(result.rewritten, 100);
  EXPECT_GT(result.by_committed[2], 100);
}

// While it writes a server may take messages in any order, and answers in that order; which way it
// came to a state must not show. The search ends the process if it does.
TEST(Exhaustive, TwoTermsOnDisksThatAreSlow) {
  const ExhaustiveResult result = SearchExhaustively(
      {.terms = 2, .entries = 1, .proposals = 0, .crashes = 1, .most_states = 50000}, kSilent);
  EXPECT_FALSE(result.violation.has_value()) << Describe(result);
  EXPECT_GT(result.crashed, 1000);
}

// What the search finds within a scope that is otherwise right.
std::string WhatFires(Sabotage sabotage) {
  const ExhaustiveResult result =
      SearchExhaustively({.terms = 2,
                          .entries = 1,
                          .most_states = 200000,
                          .servers = {.slow_disk = true, .sabotage = sabotage}},
                         kSilent);
  return result.violation ? result.violation->invariant : "";
}

TEST(Exhaustive, FindsWhatIsWrong) {
  EXPECT_EQ(WhatFires(Sabotage::kForgetsVote), "S2");
  EXPECT_EQ(WhatFires(Sabotage::kSendsTooEarly), "S3");
  EXPECT_EQ(WhatFires(Sabotage::kForgetsLog), "S10");
}

TEST(Exhaustive, IsTheSameEachTime) {
  const SmallScope scope = {.terms = 1, .entries = 1, .proposals = 0, .crashes = 1};
  EXPECT_EQ(Describe(SearchExhaustively(scope, kSilent)),
            Describe(SearchExhaustively(scope, kSilent)));
}

}  // namespace
}  // namespace rafttest
