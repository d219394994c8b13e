#include "raft/log/raft_log.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "raft/errors.h"
#include "storage/memory_storage.h"

namespace raft::log {
namespace {

using raftpb::EntryList;

class Lines : public Logger {
 public:
  bool Enabled(LogLevel) const override { return true; }
  void Log(LogLevel, absl::string_view line) override { lines_.emplace_back(line); }
  std::vector<std::string> Take() { return std::exchange(lines_, {}); }

 private:
  std::vector<std::string> lines_;
};

// Ten bytes of EncodedSize each, as long as terms and indexes are below 128.
EntryList Entries(Index from, std::vector<Term> terms) {
  EntryList entries;
  for (Term term : terms) {
    entries.PushBack({.term = term, .index = from++, .data = absl::Cord("four")});
  }
  return entries;
}

raftpb::SnapshotPtr SnapshotAt(Index index, Term term) {
  raftpb::Snapshot snapshot;
  snapshot.metadata.index = index;
  snapshot.metadata.term = term;
  return std::make_shared<const raftpb::Snapshot>(snapshot);
}

std::vector<Index> IndexesOf(const absl::StatusOr<EntryList>& entries) {
  std::vector<Index> indexes;
  for (const raftpb::Entry& entry : *entries) indexes.push_back(entry.index);
  return indexes;
}

class RaftLogTest : public ::testing::Test {
 protected:
  // A log whose first entries are stored, and whose others are not.
  RaftLog Log(std::vector<Term> stored, std::vector<Term> others, uint64_t max_applying = 1000) {
    EXPECT_TRUE(storage_.Append(Entries(1, std::move(stored))).ok());
    RaftLog log(&storage_, &lines_, max_applying);
    for (const raftpb::Entry& entry : Entries(log.LastIndex() + 1, std::move(others))) {
      log.PushBack(entry);
    }
    return log;
  }

  using Text = std::vector<std::string>;
  storage::MemoryStorage storage_;
  Lines lines_;
};

// --- Looking -------------------------------------------------------------------------------------

TEST_F(RaftLogTest, AnUnknownTermIsNotTermZero) {  // etcd/raft issue 31
  RaftLog log = Log({1, 1, 2}, {2});
  ASSERT_TRUE(storage_.Compact(2).ok());
  EXPECT_TRUE(IsCompacted(log.TermAt(1).status()));
  EXPECT_TRUE(raft::IsUnavailable(log.TermAt(5).status()));
  EXPECT_EQ(*log.TermAt(2), 1u) << "the snapshot position stays known";
  EXPECT_EQ(log.TermOrZero(1), 0u);
  EXPECT_FALSE(log.Matches({0, 1}));
  EXPECT_FALSE(log.Matches({0, 5}));
  EXPECT_TRUE(log.Matches({1, 2}));
}

TEST_F(RaftLogTest, TheEntryBeforeTheFirstIsOfTermZero) {
  RaftLog log = Log({}, {});
  EXPECT_TRUE(log.Matches({0, 0}));
  EXPECT_EQ(log.LastId(), (EntryId{0, 0}));
  EXPECT_EQ(log.FindMeeting(7, 7).index, 0u);
  EXPECT_EQ(log.FindMeeting(7, 7).term, 0u);
}

TEST_F(RaftLogTest, LogsMeetWhereTermsAreOldEnough) {  // §3.5, the optimisation at its end
  RaftLog log = Log({1, 1, 3, 3}, {3, 5, 5});
  const struct {
    const char* name;
    Index index;
    Term term;
    Index meeting;
    Term term_there;
  } cases[] = {
      {"at once", 7, 5, 7, 5},
      {"a newer term", 7, 9, 7, 5},
      {"beyond the end", 100, 5, 7, 5},
      {"back over one term", 7, 4, 5, 3},
      {"back over two terms", 7, 2, 2, 1},
      {"between two terms", 4, 4, 4, 3},
      {"nowhere", 7, 0, 0, 0},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(log.FindMeeting(c.index, c.term).index, c.meeting) << c.name;
    EXPECT_EQ(log.FindMeeting(c.index, c.term).term, c.term_there) << c.name;
  }
  ASSERT_TRUE(storage_.Compact(4).ok());
  EXPECT_EQ(log.FindMeeting(7, 2).index, 3u) << "what is gone may be anything";
  EXPECT_EQ(log.FindMeeting(2, 0).index, 2u);
  EXPECT_EQ(log.FindMeeting(7, 2).term, absl::nullopt);
}

TEST_F(RaftLogTest, ALimitEndsABatchBeforeTheFirstUnstableEntryThatExceedsIt) {
  RaftLog log = Log({1, 1}, {1, 1});
  EXPECT_EQ(IndexesOf(log.EntriesFrom(1, 0)), (std::vector<Index>{1})) << "at least one";
  EXPECT_EQ(IndexesOf(log.EntriesFrom(3, 0)), (std::vector<Index>{3}));
  EXPECT_EQ(IndexesOf(log.EntriesFrom(1, 20)), (std::vector<Index>{1, 2}));
  EXPECT_EQ(IndexesOf(log.EntriesFrom(1, 29)), (std::vector<Index>{1, 2}));
  EXPECT_EQ(IndexesOf(log.EntriesFrom(1, 30)), (std::vector<Index>{1, 2, 3}));
  EXPECT_EQ(IndexesOf(log.EntriesFrom(1, kNoLimit)), (std::vector<Index>{1, 2, 3, 4}));
  EXPECT_TRUE(log.EntriesFrom(5, kNoLimit)->empty());
  EXPECT_TRUE(raft::IsUnavailable(log.Slice({4, 6}, kNoLimit).status()));
  ASSERT_TRUE(storage_.Compact(1).ok());
  EXPECT_TRUE(IsCompacted(log.EntriesFrom(1, kNoLimit).status()));
}

// --- Appending -----------------------------------------------------------------------------------

TEST_F(RaftLogTest, WhatIsThereStays) {  // §3.5: only a conflict removes entries
  RaftLog log = Log({1, 1}, {1, 1});
  EXPECT_EQ(*log.AppendAfter({1, 1}, Entries(2, {1})), 2u);
  EXPECT_EQ(*log.AppendAfter({1, 2}, {}), 2u);
  EXPECT_EQ(log.LastIndex(), 4u);
  EXPECT_EQ(*log.AppendAfter({1, 3}, Entries(4, {1, 2})), 5u);
  EXPECT_EQ(log.LastId(), (EntryId{2, 5}));
  EXPECT_EQ(lines_.Take(), Text{});
}

TEST_F(RaftLogTest, AConflictReplacesTheRest) {
  RaftLog log = Log({1, 1}, {1, 2, 2});
  EXPECT_EQ(*log.AppendAfter({1, 3}, Entries(4, {3})), 4u);
  EXPECT_EQ(log.LastId(), (EntryId{3, 4}));
  EXPECT_EQ(lines_.Take(),
            (Text{"found conflict at index 4 [existing term: 2, conflicting term: 3]",
                  "truncate the unstable entries before index 4"}));
  EXPECT_EQ(*log.AppendAfter({1, 1}, Entries(2, {4, 4})), 3u);
  EXPECT_EQ(log.LastId(), (EntryId{4, 3}));
  EXPECT_EQ(*log.TermAt(2), 4u) << "storage still has another";
  EXPECT_EQ(lines_.Take(),
            (Text{"found conflict at index 2 [existing term: 1, conflicting term: 4]",
                  "replace the unstable entries from index 2"}));
}

TEST_F(RaftLogTest, NothingReplacesACommittedEntry) {  // §3.6.3
  RaftLog log = Log({1, 1}, {1, 1});
  log.CommitTo(3);
  const std::string before = log.Describe();
  const absl::StatusOr<Index> refused = log.AppendAfter({1, 2}, Entries(3, {2}));
  EXPECT_TRUE(IsPromiseBroken(refused.status())) << refused.status();
  EXPECT_EQ(log.Describe(), before);
  EXPECT_EQ(log.LastId(), (EntryId{1, 4}));
  EXPECT_TRUE(log.AppendAfter({1, 3}, Entries(4, {2})).ok());
}

TEST_F(RaftLogTest, ASnapshotReplacesAll) {
  RaftLog log = Log({1, 1}, {1});
  log.CommitTo(2);
  log.Restore(SnapshotAt(8, 3));
  EXPECT_EQ(lines_.Take(), Text{"log [committed=2, applied=0, applying=0, unstable.offset=3,"
                                " unstable.offsetInProgress=3, len(unstable.Entries)=1]"
                                " starts to restore snapshot [index: 8, term: 3]"});
  EXPECT_EQ(log.FirstIndex(), 9u);
  EXPECT_EQ(log.LastId(), (EntryId{3, 8}));
  EXPECT_EQ(log.committed(), 8u);
  EXPECT_EQ((*log.Snapshot())->metadata.index, 8u) << "the newest one is what a follower gets";
  EXPECT_TRUE(IsCompacted(log.TermAt(2).status())) << "whatever storage still has";
  EXPECT_TRUE(log.HasNextUnstable());
  EXPECT_FALSE(log.HasNextCommitted(/*allow_unstable=*/true)) << "the state comes first";
  log.AcceptUnstable();
  EXPECT_FALSE(log.HasNextUnstable());
  EXPECT_TRUE(log.HasUnstableSnapshot());

  log.PushBack({.term = 3, .index = 9});
  log.CommitTo(9);
  EXPECT_FALSE(log.HasNextCommitted(true));
  ASSERT_TRUE(storage_.ApplySnapshot(SnapshotAt(8, 3)).ok());
  log.StableSnapshotTo(8);
  log.AppliedTo(8, 0);
  EXPECT_EQ(IndexesOf(log.NextCommitted(true)), (std::vector<Index>{9}));
}

// --- Commit --------------------------------------------------------------------------------------

TEST_F(RaftLogTest, CommitNeverMovesBack) {
  RaftLog log = Log({1, 1}, {2});
  EXPECT_FALSE(log.MaybeCommit({2, 2})) << "of another term (§3.6.2)";
  EXPECT_FALSE(log.MaybeCommit({2, 4})) << "not there";
  EXPECT_FALSE(log.MaybeCommit({0, 4})) << "an unknown term is not term 0";
  EXPECT_TRUE(log.MaybeCommit({2, 3}));
  EXPECT_FALSE(log.MaybeCommit({2, 3}));
  log.CommitTo(1);
  EXPECT_EQ(log.committed(), 3u);
}

// --- Applying ------------------------------------------------------------------------------------

TEST_F(RaftLogTest, OnlyStoredEntriesAreAppliedUnlessTheCallerStoresThemFirst) {
  RaftLog log = Log({1, 1}, {1, 1});
  log.CommitTo(3);
  EXPECT_EQ(IndexesOf(log.NextCommitted(false)), (std::vector<Index>{1, 2}));
  EXPECT_EQ(IndexesOf(log.NextCommitted(true)), (std::vector<Index>{1, 2, 3}));
  log.StartAppliedAt(2);
  EXPECT_FALSE(log.HasNextCommitted(false));
  EXPECT_EQ(IndexesOf(log.NextCommitted(true)), (std::vector<Index>{3}));
}

TEST_F(RaftLogTest, HandsOutNoMoreThanTheLimit) {
  RaftLog log = Log({1, 1, 1, 1, 1, 1}, {}, /*max_applying=*/25);
  log.CommitTo(6);
  EntryList batch = *log.NextCommitted(false);
  ASSERT_EQ(IndexesOf(batch), (std::vector<Index>{1, 2}));
  log.AcceptApplying(batch.back().index, batch.EncodedSize(), false);
  EXPECT_EQ(log.applying(), 2u);
  EXPECT_FALSE(log.HasNextCommitted(false)) << "the last batch was cut short: wait for room";
  log.AppliedTo(1, 10);
  batch = *log.NextCommitted(false);
  ASSERT_EQ(IndexesOf(batch), (std::vector<Index>{3})) << "fifteen bytes are free";
  log.AcceptApplying(batch.back().index, batch.EncodedSize(), false);
  log.AppliedTo(3, 20);
  EXPECT_EQ(IndexesOf(log.NextCommitted(false)), (std::vector<Index>{4, 5}));
}

TEST_F(RaftLogTest, AnOlderConfirmationChangesNothingButTheRoom) {
  RaftLog log = Log({1, 1, 1, 1}, {}, /*max_applying=*/20);
  log.CommitTo(4);
  const EntryList batch = *log.NextCommitted(false);
  log.AcceptApplying(batch.back().index, batch.EncodedSize(), false);
  log.AppliedTo(2, 10);
  log.AppliedTo(1, 10);
  EXPECT_EQ(log.applied(), 2u);
  EXPECT_EQ(IndexesOf(log.NextCommitted(false)), (std::vector<Index>{3, 4}));
}

TEST_F(RaftLogTest, KnowsUnappliedConfChanges) {
  EntryList entries = Entries(1, {1, 1, 1});
  entries.PushBack({.term = 1, .index = 4, .type = raftpb::EntryType::kConfChange});
  ASSERT_TRUE(storage_.Append(entries).ok());
  RaftLog log(&storage_, nullptr, kNoLimit);
  log.PushBack({.term = 1, .index = 5});
  log.PushBack({.term = 1, .index = 6, .type = raftpb::EntryType::kConfChangeV2});
  EXPECT_FALSE(log.HasConfChangeIn({1, 4}));
  EXPECT_TRUE(log.HasConfChangeIn({1, 5})) << "from an earlier life";
  EXPECT_FALSE(log.HasConfChangeIn({5, 6}));
  EXPECT_TRUE(log.HasConfChangeIn({5, 7}));
}

using RaftLogDeathTest = RaftLogTest;

TEST_F(RaftLogDeathTest, RefusesWhatOnlyAFaultyCallerAsks) {
  RaftLog log = Log({1, 1}, {1});
  EXPECT_DEATH(log.CommitTo(4), "commit 4 is past the last entry 3");
  EXPECT_DEATH(log.AppliedTo(1, 0), "1 is applied, but the commit index is 0");
  EXPECT_DEATH(log.StartAppliedAt(1), "the state machine is at 1");
  EXPECT_DEATH(log.AcceptApplying(1, 10, true), "1 was handed out");
  log.CommitTo(2);
  EXPECT_DEATH(log.Restore(SnapshotAt(1, 1)), "snapshot 1 is older than the commit index 2");
  EXPECT_DEATH(RaftLog(&storage_, nullptr, 0), "nothing could be applied");
}

}  // namespace
}  // namespace raft::log
