#include "raft/log/conf_change_index.h"

#include "gtest/gtest.h"

namespace raft::log {
namespace {

raftpb::Entry Change(Index index) {
  return {.term = 1, .index = index, .type = raftpb::EntryType::kConfChangeV2};
}

TEST(ConfChangeIndexTest, FollowsTheLog) {
  ConfChangeIndex changes(/*complete_from=*/5);
  changes.Note({.term = 1, .index = 5});
  changes.Note(Change(6));
  changes.Note({.term = 1, .index = 7, .type = raftpb::EntryType::kConfChange});
  EXPECT_FALSE(changes.AnyIn({5, 6}));
  EXPECT_TRUE(changes.AnyIn({5, 7}));
  EXPECT_TRUE(changes.AnyIn({7, 8}));
  EXPECT_FALSE(changes.AnyIn({8, 100}));
  changes.TruncateFrom(7);
  EXPECT_FALSE(changes.AnyIn({7, 100}));
  EXPECT_TRUE(changes.AnyIn({5, 100}));
  changes.ForgetUpTo(6);
  EXPECT_FALSE(changes.AnyIn({0, 100}));
  EXPECT_EQ(changes.complete_from(), 7u);
}

TEST(ConfChangeIndexTest, KnowsWhatReplacesStoredEntries) {
  ConfChangeIndex changes(/*complete_from=*/5);
  changes.TruncateFrom(3);
  changes.Note(Change(3));
  EXPECT_EQ(changes.complete_from(), 3u);
  EXPECT_TRUE(changes.AnyIn({3, 4}));
  changes.ForgetUpTo(1);
  EXPECT_EQ(changes.complete_from(), 3u) << "entry 2 was never seen";
}

}  // namespace
}  // namespace raft::log
