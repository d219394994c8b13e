#include "storage/memory_storage.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "raft/errors.h"
#include "raftpb/entry.h"

namespace storage {
namespace {

raftpb::Entry MakeEntry(raft::Term term, raft::Index index, absl::string_view data = "") {
  raftpb::Entry entry;
  entry.term = term;
  entry.index = index;
  entry.data = absl::Cord(data);
  return entry;
}

raftpb::SnapshotPtr MakeSnapshot(raft::Term term, raft::Index index) {
  auto snapshot = std::make_shared<raftpb::Snapshot>();
  snapshot->metadata.term = term;
  snapshot->metadata.index = index;
  snapshot->metadata.conf_state.voters = {1, 2, 3};
  return snapshot;
}

// Entries 4/4, 5/5 and 6/6 behind a snapshot at 3/3.
MemoryStorage SmallLog() {
  MemoryStorage storage(MakeSnapshot(3, 3));
  EXPECT_TRUE(
      storage.Append({MakeEntry(4, 4, "four"), MakeEntry(5, 5, "five"), MakeEntry(6, 6, "six")})
          .ok());
  return storage;
}

TEST(MemoryStorage, IsEmptyAtFirst) {
  const MemoryStorage storage;
  EXPECT_EQ(storage.FirstIndex(), 1u);
  EXPECT_EQ(storage.LastIndex(), 0u);
  EXPECT_EQ(*storage.TermAt(0), 0u);
  EXPECT_TRUE(raft::IsUnavailable(storage.TermAt(1).status()));
  EXPECT_TRUE(storage.Initial()->hard_state.empty());
  EXPECT_TRUE(storage.Initial()->conf_state.empty());
  EXPECT_TRUE(raft::IsSnapshotTemporarilyUnavailable(storage.Snapshot().status()));
}

TEST(MemoryStorage, KnowsTermsFromTheCompactedPositionOn) {
  const MemoryStorage storage = SmallLog();
  EXPECT_TRUE(raft::IsCompacted(storage.TermAt(2).status()));
  for (raft::Index i = 3; i <= 6; ++i) EXPECT_EQ(*storage.TermAt(i), i);
  EXPECT_TRUE(raft::IsUnavailable(storage.TermAt(7).status()));
}

TEST(MemoryStorage, GivesEntriesUpToALimitButAtLeastOne) {
  const MemoryStorage storage = SmallLog();
  const uint64_t two = EncodedSize(MakeEntry(4, 4, "four")) + EncodedSize(MakeEntry(5, 5, "five"));
  struct {
    const char* name;
    raft::IndexRange wanted;
    uint64_t max_bytes;
    size_t count;  // 0: an error.
  } const cases[] = {
      {"compacted", {3, 5}, raft::kNoLimit, 0},
      {"all", {4, 7}, raft::kNoLimit, 3},
      {"beyond the end", {4, 8}, raft::kNoLimit, 0},
      {"none fits", {4, 7}, 0, 1},
      {"exactly two", {4, 7}, two, 2},
      {"not quite two", {4, 7}, two - 1, 1},
      {"one more byte", {4, 7}, two + 1, 2},
      {"the last", {6, 7}, 1, 1},
  };
  for (const auto& c : cases) {
    const auto entries = storage.Entries(c.wanted, c.max_bytes);
    ASSERT_EQ(entries.ok(), c.count > 0) << c.name;
    if (!entries.ok()) continue;
    EXPECT_EQ(entries->size(), c.count) << c.name;
    EXPECT_EQ(entries->front().index, c.wanted.begin) << c.name;
  }
}

TEST(MemoryStorage, SharesPayloadsWithWhoeverAppended) {
  MemoryStorage storage;
  const std::string payload(1 << 20, 'x');
  bool released = false;
  {
    raftpb::EntryList entries = {MakeEntry(1, 1)};
    raftpb::Entry big = MakeEntry(1, 2);
    big.data = absl::MakeCordFromExternal(payload, [&released] { released = true; });
    entries.PushBack(big);
    ASSERT_TRUE(storage.Append(entries).ok());
  }
  EXPECT_FALSE(released);
  EXPECT_EQ(storage.Entries({2, 3}, 0)->front().data.TryFlat()->data(), payload.data());
  ASSERT_TRUE(storage.Compact(2).ok());
  EXPECT_TRUE(released);
}

TEST(MemoryStorage, AppendReplacesFromTheFirstNewIndexOn) {
  struct {
    const char* name;
    raftpb::EntryList appended;
    std::string log;
  } const cases[] = {
      {"all compacted", {MakeEntry(1, 1), MakeEntry(2, 2)}, "4/4 5/5 6/6"},
      {"same", {MakeEntry(4, 4), MakeEntry(5, 5), MakeEntry(6, 6)}, "4/4 5/5 6/6"},
      {"other terms", {MakeEntry(7, 4), MakeEntry(8, 5)}, "7/4 8/5"},
      {"partly compacted", {MakeEntry(2, 2), MakeEntry(3, 3), MakeEntry(9, 4)}, "9/4"},
      {"the middle", {MakeEntry(7, 5)}, "4/4 7/5"},
      {"the end", {MakeEntry(7, 7)}, "4/4 5/5 6/6 7/7"},
  };
  for (const auto& c : cases) {
    MemoryStorage storage = SmallLog();
    ASSERT_TRUE(storage.Append(c.appended).ok()) << c.name;
    std::string log;
    uint64_t bytes = 0;
    const auto entries = *storage.Entries({4, storage.LastIndex() + 1}, raft::kNoLimit);
    for (const raftpb::Entry& entry : entries) {
      absl::StrAppend(&log, log.empty() ? "" : " ", entry.term, "/", entry.index);
      bytes += EncodedSize(entry);
    }
    EXPECT_EQ(log, c.log) << c.name;
    EXPECT_EQ(storage.bytes(), bytes) << c.name;
  }
}

TEST(MemoryStorageDeathTest, AppendLeavesNoGap) {
  MemoryStorage storage = SmallLog();
  EXPECT_DEATH((void)storage.Append({MakeEntry(8, 8)}), "a gap");
}

TEST(MemoryStorage, CompactsKeepingTheTermInFront) {
  MemoryStorage storage = SmallLog();
  EXPECT_TRUE(raft::IsCompacted(storage.Compact(3)));
  ASSERT_TRUE(storage.Compact(5).ok());
  EXPECT_EQ(storage.FirstIndex(), 6u);
  EXPECT_EQ(*storage.TermAt(5), 5u);
  EXPECT_TRUE(raft::IsCompacted(storage.TermAt(4).status()));
  EXPECT_EQ(storage.bytes(), EncodedSize(MakeEntry(6, 6, "six")));
  EXPECT_TRUE(raft::IsCompacted(storage.Compact(4)));
  ASSERT_TRUE(storage.Compact(6).ok());
  EXPECT_EQ(storage.LastIndex(), 6u);
  EXPECT_EQ(storage.bytes(), 0u);
  EXPECT_DEATH((void)storage.Compact(7), "ends at 6");
}

TEST(MemoryStorage, TakesNewerSnapshotsOnly) {
  MemoryStorage storage = SmallLog();
  EXPECT_TRUE(raft::IsSnapshotOutOfDate(storage.ApplySnapshot(MakeSnapshot(3, 3))));
  ASSERT_TRUE(storage.ApplySnapshot(MakeSnapshot(5, 9)).ok());
  EXPECT_EQ(storage.FirstIndex(), 10u);
  EXPECT_EQ(storage.LastIndex(), 9u);
  EXPECT_EQ(*storage.TermAt(9), 5u);
  EXPECT_EQ(storage.bytes(), 0u);
}

TEST(MemoryStorage, ASnapshotOfTheStateMachineLeavesTheLogAlone) {
  MemoryStorage storage = SmallLog();
  raftpb::ConfState conf_state;
  conf_state.voters = {1, 2};
  ASSERT_TRUE(storage.CreateSnapshot(5, conf_state, absl::Cord("state")).ok());
  EXPECT_EQ(storage.FirstIndex(), 4u);
  EXPECT_EQ((*storage.Snapshot())->metadata.id(), (raft::EntryId{5, 5}));
  EXPECT_EQ((*storage.Snapshot())->data, "state");
  EXPECT_EQ(storage.Initial()->conf_state.voters, (std::vector<raft::NodeId>{1, 2}));
  EXPECT_TRUE(raft::IsSnapshotOutOfDate(storage.CreateSnapshot(4, {}, {}).status()));
}

TEST(MemoryStorage, ASnapshotOlderThanTheLogIsOfNoUse) {
  MemoryStorage storage = SmallLog();
  ASSERT_TRUE(storage.Compact(5).ok());
  EXPECT_TRUE(raft::IsSnapshotTemporarilyUnavailable(storage.Snapshot().status()));
}

TEST(MemoryStorage, HoldsNoMoreThanItsLimit) {
  MemoryStorage storage = SmallLog();
  storage.set_max_bytes(storage.bytes());
  EXPECT_EQ(storage.Append({MakeEntry(7, 7)}).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(storage.LastIndex(), 6u);
  EXPECT_TRUE(storage.Append({MakeEntry(7, 6, "new")}).ok());  // Replaces as many bytes.
  EXPECT_EQ(storage.LastIndex(), 6u);
  ASSERT_TRUE(storage.Compact(4).ok());
  EXPECT_TRUE(storage.Append({MakeEntry(7, 7)}).ok());
}

}  // namespace
}  // namespace storage
