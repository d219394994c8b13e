#include "examples/raftexample/rpc/unread_answers.h"

#include <gtest/gtest.h>

namespace raftexample::rpc {
namespace {

TEST(UnreadAnswers, WhoLeavesTooMuchGetsNoMoreUntilItReads) {
  UnreadAnswers unread;
  EXPECT_FALSE(unread.HasTooMany("a"));
  unread.Add("a", UnreadAnswers::kMost);
  EXPECT_FALSE(unread.HasTooMany("a"));
  unread.Add("a", UnreadAnswers::kCounted);
  EXPECT_TRUE(unread.HasTooMany("a"));
  EXPECT_FALSE(unread.HasTooMany("b"));
  unread.Remove("a", UnreadAnswers::kMost);
  EXPECT_FALSE(unread.HasTooMany("a"));
  unread.Remove("a", UnreadAnswers::kCounted);
  EXPECT_FALSE(unread.HasTooMany("a"));
}

}  // namespace
}  // namespace raftexample::rpc
