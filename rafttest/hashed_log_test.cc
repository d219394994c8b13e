#include "rafttest/hashed_log.h"

#include "gtest/gtest.h"

namespace rafttest {
namespace {

using raftpb::EntryType;

HashedLog LogOf(std::initializer_list<raftpb::Entry> entries) {
  HashedLog log;
  log.Append(entries);
  return log;
}

TEST(HashedLog, EqualLogsHaveEqualHashes) {
  EXPECT_EQ(LogOf({{.term = 1, .index = 1}, {.term = 2, .index = 2}}).At(2),
            LogOf({{.term = 1, .index = 1}, {.term = 2, .index = 2}}).At(2));
}

// Payload, type and term of the entry, and all that is before it.
TEST(HashedLog, WhateverDiffersShows) {
  const raftpb::Entry second = {.term = 2, .index = 2};
  const HashedLog log = LogOf({{.term = 1, .index = 1}, second});
  for (const raftpb::Entry& first : std::initializer_list<raftpb::Entry>{
           {.term = 2, .index = 1},
           {.term = 1, .index = 1, .data = absl::Cord("x")},
           {.term = 1, .index = 1, .type = EntryType::kConfChange}}) {
    EXPECT_NE(LogOf({first, second}).At(2).hash, log.At(2).hash);
  }
}

TEST(HashedLog, BytesArePartOfItHoweverTheyAreHeld) {
  EXPECT_NE(HashBytes(0, "12345678"), HashBytes(0, "12345678z"));
  EXPECT_NE(HashBytes(0, "a"), HashBytes(0, absl::string_view("a\0", 2)));
  absl::Cord pieces("12345");
  pieces.Append(absl::Cord(std::string(10000, 'x')));
  const std::string flat(pieces);
  EXPECT_EQ(HashEntry(0, {.data = pieces}), HashEntry(0, {.data = absl::Cord(flat)}));
}

TEST(HashedLog, AppendingReplacesTheTail) {
  HashedLog log =
      LogOf({{.term = 1, .index = 1}, {.term = 1, .index = 2}, {.term = 1, .index = 3}});
  log.Append({{.term = 2, .index = 2}});
  EXPECT_EQ(log.last(), 2);
  EXPECT_EQ(log.At(2), LogOf({{.term = 1, .index = 1}, {.term = 2, .index = 2}}).At(2));
}

TEST(HashedLog, CompactingKeepsWhatFollows) {
  HashedLog log =
      LogOf({{.term = 1, .index = 1}, {.term = 1, .index = 2}, {.term = 1, .index = 3}});
  const HashedLog::Position third = log.At(3);
  log.Compact(2);
  EXPECT_EQ(log.first(), 3);
  EXPECT_EQ(log.last(), 3);
  EXPECT_FALSE(log.Has(1));
  EXPECT_TRUE(log.Has(2));
  EXPECT_EQ(log.At(3), third);
}

TEST(HashedLog, ExtendsLikeAppending) {
  const HashedLog whole = LogOf({{.term = 1, .index = 1}, {.term = 1, .index = 2}});
  HashedLog log = LogOf({{.term = 1, .index = 1}});
  log.Extend(whole, 2);
  EXPECT_EQ(log.At(2), whole.At(2));
}

TEST(HashedLog, GoesOnBehindASnapshot) {
  const HashedLog whole = LogOf({{.term = 1, .index = 1}, {.term = 1, .index = 2}});
  HashedLog log;
  log.Restore(1, whole.At(1));
  log.Append({{.term = 1, .index = 2}});
  EXPECT_EQ(log.At(2), whole.At(2));
}

}  // namespace
}  // namespace rafttest
