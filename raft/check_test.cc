#include "raft/check.h"

#include "gtest/gtest.h"

namespace raft {
namespace {

TEST(CheckDeathTest, SaysWhereWhatAndWhy) {
  const int n = 0;
  EXPECT_DEATH(RAFT_CHECK(n > 0) << "n is " << n,
               "check_test.cc:[0-9]+: check failed: n > 0: n is 0");
}

TEST(CheckTest, ExplainsNothingThatHolds) {
  int asked = 0;
  const auto explanation = [&asked] { return ++asked; };
  RAFT_CHECK(true) << explanation();
  EXPECT_EQ(asked, 0);
}

TEST(CheckTest, IsOneStatement) {
  bool reached = false;
  if (reached)
    RAFT_CHECK(true) << "never";
  else
    reached = true;
  EXPECT_TRUE(reached);
}

}  // namespace
}  // namespace raft
