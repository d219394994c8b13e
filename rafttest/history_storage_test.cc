#include "rafttest/history_storage.h"

#include <gtest/gtest.h>

#include <memory>

#include "raft/errors.h"

namespace rafttest {
namespace {

raftpb::SnapshotPtr SnapshotAt(raftpb::Index index) {
  auto snapshot = std::make_shared<raftpb::Snapshot>();
  snapshot->metadata = {.conf_state = {.voters = {1}}, .index = index, .term = 1};
  snapshot->data = absl::Cord("start;");
  return snapshot;
}

// A storage whose log has entries 4, 5 and 6 after a snapshot at 3, the first two of them applied:
// 5 has added server 2.
HistoryStorage Sample() {
  HistoryStorage storage(SnapshotAt(3));
  EXPECT_TRUE(
      storage.Append({{.term = 1, .index = 4}, {.term = 1, .index = 5}, {.term = 1, .index = 6}})
          .ok());
  storage.Applied({1, 4}, {.voters = {1}}, absl::Cord("four;"));
  storage.Applied({1, 5}, {.voters = {1, 2}}, absl::Cord("five;"));
  return storage;
}

TEST(HistoryStorage, OffersTheNewestStateMachine) {
  HistoryStorage storage = Sample();
  const raftpb::SnapshotPtr snapshot = storage.Snapshot().value();
  EXPECT_EQ(snapshot->metadata.index, 5);
  EXPECT_EQ(snapshot->metadata.conf_state.voters.size(), 2);
  EXPECT_EQ(snapshot->data, "start;four;five;");
  // And not what the storage itself was given, even if that is newer.
  ASSERT_TRUE(storage.ApplySnapshot(SnapshotAt(9)).ok());
  EXPECT_EQ(storage.Snapshot().value(), snapshot);
}

TEST(HistoryStorage, MayHaveNoSnapshotToGive) {
  HistoryStorage storage = Sample();
  storage.set_snapshot_unavailable(true);
  EXPECT_TRUE(raft::IsSnapshotTemporarilyUnavailable(storage.Snapshot().status()));
  storage.set_snapshot_unavailable(false);
  EXPECT_TRUE(storage.Snapshot().ok());
}

TEST(HistoryStorage, ACrashGoesBackToWhereTheLogStarts) {
  struct {
    const char* name;
    raftpb::Index compacted;
    size_t voters;
  } cases[] = {{"not compacted", 3, 1}, {"before the change", 4, 1}, {"after the change", 5, 2}};
  for (const auto& c : cases) {
    HistoryStorage storage = Sample();
    if (c.compacted > 3) {
      ASSERT_TRUE(storage.Compact(c.compacted).ok());
    }
    ASSERT_TRUE(storage.Crash().ok()) << c.name;
    EXPECT_EQ(storage.newest()->metadata.index, c.compacted) << c.name;
    EXPECT_EQ(storage.Initial()->conf_state.voters.size(), c.voters) << c.name;
  }
}

TEST(HistoryStorage, ACrashFindsTheSnapshotThatWasReceived) {
  HistoryStorage storage = Sample();
  ASSERT_TRUE(storage.ApplySnapshot(SnapshotAt(9)).ok());
  ASSERT_TRUE(storage.Crash().ok());
  EXPECT_EQ(storage.newest()->metadata.index, 9);
}

TEST(HistoryStorage, ABrokenDiskForgetsOnlyTheEndOfTheLog) {
  HistoryStorage storage = Sample();
  ASSERT_TRUE(storage.Compact(4).ok());
  storage.SetHardState({.term = 1, .vote = 1, .commit = 6});
  storage.LoseEntriesFrom(6);
  EXPECT_EQ(storage.FirstIndex(), 5);
  EXPECT_EQ(storage.LastIndex(), 5);
  EXPECT_EQ(storage.TermAt(4).value(), 1);
  EXPECT_EQ(storage.hard_state().commit, 6);
  EXPECT_EQ(storage.newest()->metadata.index, 5);
  storage.LoseEntriesFrom(5);
  EXPECT_EQ(storage.LastIndex(), 4);
}

TEST(HistoryStorage, WithoutASnapshotAtTheStartACrashChangesNothing) {
  HistoryStorage storage = Sample();
  ASSERT_TRUE(storage.Compact(6).ok());  // Compacted beyond what was applied.
  EXPECT_EQ(storage.Crash().message(),
            absl::string_view("cannot restart: no state machine snapshot at the first index"));
  EXPECT_EQ(storage.newest()->metadata.index, 5);
}

}  // namespace
}  // namespace rafttest
