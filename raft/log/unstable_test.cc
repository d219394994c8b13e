#include "raft/log/unstable.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace raft::log {
namespace {

using raftpb::EntryList;

class Lines : public Logger {
 public:
  bool Enabled(LogLevel) const override { return true; }
  void Log(LogLevel level, absl::string_view line) override {
    EXPECT_EQ(level, LogLevel::kInfo);
    lines_.emplace_back(line);
  }
  std::vector<std::string> Take() { return std::exchange(lines_, {}); }

 private:
  std::vector<std::string> lines_;
};

// Entries from an index on, of the given terms.
EntryList Entries(Index from, std::vector<Term> terms) {
  EntryList entries;
  for (Term term : terms) entries.PushBack({.term = term, .index = from++});
  return entries;
}

raftpb::SnapshotPtr SnapshotAt(Index index, Term term) {
  raftpb::Snapshot snapshot;
  snapshot.metadata.index = index;
  snapshot.metadata.term = term;
  return std::make_shared<const raftpb::Snapshot>(snapshot);
}

class UnstableTest : public ::testing::Test {
 protected:
  using Log = std::vector<std::string>;
  Lines lines_;
  Unstable unstable_{5, &lines_};
};

TEST_F(UnstableTest, KnowsWhatItHolds) {
  EXPECT_EQ(unstable_.LastIndex(), absl::nullopt);
  EXPECT_EQ(unstable_.FirstIndex(), absl::nullopt);
  EXPECT_EQ(unstable_.TermAt(5), absl::nullopt);
  unstable_.TruncateAndAppend(Entries(5, {1, 2}));
  EXPECT_EQ(unstable_.LastIndex(), 6u);
  EXPECT_EQ(unstable_.FirstIndex(), absl::nullopt) << "only a snapshot hides what storage has";
  EXPECT_EQ(unstable_.TermAt(4), absl::nullopt);
  EXPECT_EQ(unstable_.TermAt(6), 2u);
  EXPECT_EQ(unstable_.TermAt(7), absl::nullopt);
  EXPECT_EQ(unstable_.Slice({6, 7}), Entries(6, {2}));
}

TEST_F(UnstableTest, ASnapshotReplacesEverything) {
  unstable_.TruncateAndAppend(Entries(5, {1, 1}));
  unstable_.AcceptInProgress();
  unstable_.Restore(SnapshotAt(9, 3));
  EXPECT_EQ(unstable_.FirstIndex(), 10u);
  EXPECT_EQ(unstable_.LastIndex(), 9u);
  EXPECT_EQ(unstable_.TermAt(9), 3u);
  EXPECT_EQ(unstable_.TermAt(5), absl::nullopt);
  EXPECT_EQ(unstable_.offset(), 10u);
  EXPECT_EQ(unstable_.in_progress(), 10u);
  EXPECT_NE(unstable_.NextSnapshot(), nullptr);
  unstable_.AcceptInProgress();
  EXPECT_EQ(unstable_.NextSnapshot(), nullptr) << "handed out once";
  EXPECT_TRUE(unstable_.snapshot_in_progress());
  unstable_.StableSnapshotTo(8);
  EXPECT_NE(unstable_.snapshot(), nullptr) << "that was another";
  unstable_.StableSnapshotTo(9);
  EXPECT_EQ(unstable_.snapshot(), nullptr);
  EXPECT_FALSE(unstable_.snapshot_in_progress());
  EXPECT_EQ(unstable_.offset(), 10u);
}

TEST_F(UnstableTest, ANewSnapshotIsHandedOutThoughAnOlderOneIsOnItsWay) {
  unstable_.Restore(SnapshotAt(9, 3));
  unstable_.AcceptInProgress();
  unstable_.Restore(SnapshotAt(12, 3));
  EXPECT_NE(unstable_.NextSnapshot(), nullptr);
  unstable_.StableSnapshotTo(9);
  EXPECT_NE(unstable_.NextSnapshot(), nullptr);
}

TEST_F(UnstableTest, EntriesAreHandedOutOnce) {
  unstable_.TruncateAndAppend(Entries(5, {1, 1}));
  EXPECT_EQ(unstable_.NextEntries(), Entries(5, {1, 1}));
  unstable_.AcceptInProgress();
  EXPECT_TRUE(unstable_.NextEntries().empty());
  unstable_.PushBack({.term = 1, .index = 7});
  EXPECT_EQ(unstable_.NextEntries(), Entries(7, {1}));
}

TEST_F(UnstableTest, WhatContinuesTheLogReplacesNothing) {
  unstable_.TruncateAndAppend(Entries(5, {1, 1}));
  unstable_.AcceptInProgress();
  unstable_.TruncateAndAppend(Entries(7, {1}));
  EXPECT_EQ(unstable_.entries(), Entries(5, {1, 1, 1}));
  EXPECT_EQ(unstable_.in_progress(), 7u);
  EXPECT_EQ(lines_.Take(), Log{});
}

TEST_F(UnstableTest, WhatReplacesAllOfItIsHandedOutAnew) {
  unstable_.TruncateAndAppend(Entries(5, {1, 1}));
  unstable_.AcceptInProgress();
  unstable_.TruncateAndAppend(Entries(5, {2}));
  EXPECT_EQ(unstable_.entries(), Entries(5, {2}));
  EXPECT_EQ(unstable_.NextEntries(), Entries(5, {2}));
  unstable_.AcceptInProgress();
  unstable_.TruncateAndAppend(Entries(3, {3, 3}));  // Into what storage holds.
  EXPECT_EQ(unstable_.entries(), Entries(3, {3, 3}));
  EXPECT_EQ(unstable_.offset(), 3u);
  EXPECT_EQ(unstable_.in_progress(), 3u);
  EXPECT_EQ(lines_.Take(), (Log{"replace the unstable entries from index 5",
                                "replace the unstable entries from index 3"}));
}

TEST_F(UnstableTest, WhatReplacesTheTailKeepsTheRest) {
  unstable_.TruncateAndAppend(Entries(5, {1, 1, 1}));
  unstable_.AcceptInProgress();
  unstable_.TruncateAndAppend(Entries(7, {2, 2}));
  EXPECT_EQ(unstable_.entries(), Entries(5, {1, 1, 2, 2}));
  EXPECT_EQ(unstable_.in_progress(), 7u) << "the new tail has to be stored again";
  EXPECT_EQ(lines_.Take(), Log{"truncate the unstable entries before index 7"});
}

TEST_F(UnstableTest, ReplacingWhatWasNotHandedOutTakesNothingBack) {
  unstable_.TruncateAndAppend(Entries(5, {1}));
  unstable_.AcceptInProgress();
  unstable_.TruncateAndAppend(Entries(6, {1, 1}));
  unstable_.TruncateAndAppend(Entries(7, {2}));
  EXPECT_EQ(unstable_.in_progress(), 6u);
}

TEST_F(UnstableTest, AnAcknowledgementEndsTheStay) {
  unstable_.TruncateAndAppend(Entries(5, {1, 1, 1}));
  unstable_.AcceptInProgress();
  unstable_.StableTo({1, 6});
  EXPECT_EQ(unstable_.offset(), 7u);
  EXPECT_EQ(unstable_.entries(), Entries(7, {1}));
  EXPECT_EQ(unstable_.in_progress(), 8u);
  unstable_.StableTo({1, 7});
  EXPECT_TRUE(unstable_.entries().empty());
  EXPECT_EQ(lines_.Take(), Log{});
}

// A synchronous caller stores the entries before the core notices that it handed them out.
TEST_F(UnstableTest, WhatIsStableNeedNotBeHandedOut) {
  unstable_.TruncateAndAppend(Entries(5, {1, 1}));
  unstable_.StableTo({1, 5});
  EXPECT_EQ(unstable_.in_progress(), 6u);
  EXPECT_EQ(unstable_.NextEntries(), Entries(6, {1}));
}

TEST_F(UnstableTest, AnAcknowledgementOfOverwrittenEntriesIsIgnored) {  // etcd/raft issue 8
  unstable_.TruncateAndAppend(Entries(5, {1, 1}));
  unstable_.AcceptInProgress();
  unstable_.TruncateAndAppend(Entries(5, {2, 2}));
  lines_.Take();
  unstable_.StableTo({1, 6});
  EXPECT_EQ(unstable_.offset(), 5u);
  EXPECT_EQ(lines_.Take(),
            Log{"entry at (index,term)=(6,1) mismatched with entry at (6,2) in unstable log;"
                " ignoring"});
}

TEST_F(UnstableTest, AnAcknowledgementOfWhatIsGoneIsIgnored) {
  unstable_.TruncateAndAppend(Entries(5, {1, 1}));
  unstable_.StableTo({1, 6});
  unstable_.StableTo({1, 5});
  unstable_.StableTo({1, 9});
  EXPECT_EQ(unstable_.offset(), 7u);
  unstable_.Restore(SnapshotAt(9, 3));
  unstable_.StableTo({3, 9});
  EXPECT_EQ(unstable_.offset(), 10u);
  EXPECT_NE(unstable_.snapshot(), nullptr);
  EXPECT_EQ(lines_.Take(), (Log{"entry at index 5 missing from unstable log; ignoring",
                                "entry at index 9 missing from unstable log; ignoring",
                                "entry at index 9 matched unstable snapshot; ignoring"}));
}

using UnstableDeathTest = UnstableTest;

TEST_F(UnstableDeathTest, HasNoGaps) {
  EXPECT_DEATH(unstable_.TruncateAndAppend(Entries(6, {1})), "a gap between 5 and 6");
  EXPECT_DEATH(unstable_.PushBack({.term = 1, .index = 6}), "6 does not follow 4");
  EXPECT_DEATH(unstable_.Slice({4, 5}), "not within");
}

}  // namespace
}  // namespace raft::log
