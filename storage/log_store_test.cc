// What a log takes and what it refuses, and that it gives back what it took: batches of every
// shape, on both file systems, from memory and from the segments.

#include "storage/log_store.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "raft/types.h"
#include "storage/faulty_file_system.h"
#include "storage/posix_file_system.h"
#include "storage/testing.h"

namespace storage {
namespace {

LogOptions Options() {
  LogOptions options;
  options.identity = {7, 1};
  options.segment_bytes = 1 << 20;
  options.max_entry_bytes = 1 << 20;
  return options;
}

std::vector<raft::EntryId> IdsOf(const LogStore& log, GroupId group) {
  std::vector<raft::EntryId> ids;
  const raft::IndexRange all = {log.FirstIndex(group), log.LastIndex(group) + 1};
  const auto entries = log.Entries(group, all, raft::kNoLimit);
  EXPECT_EQ(entries.status(), absl::OkStatus());
  for (const raftpb::Entry& entry : *entries) ids.push_back(entry.id());
  return ids;
}

// --- What is refused -----------------------------------------------------------------------------

struct Refused {
  const char* name;
  const char* why;  // Part of the message.
  std::function<void(LogBatch&)> fill;
};

class RefusedBatchTest : public testing::TestWithParam<Refused> {};

raftpb::EntryList Ids(std::initializer_list<raft::EntryId> ids) {
  raftpb::EntryList entries;
  for (const raft::EntryId& id : ids) entries.PushBack(MakeEntry(id.term, id.index, "x"));
  return entries;
}

// Of a log that has the entries 3 to 6, of terms 2 2 3 3, of which 4 is committed; and nothing of
// group 2.
INSTANTIATE_TEST_SUITE_P(
    , RefusedBatchTest,
    testing::Values(Refused{"IndexZero", "entry index 0",
                            [](LogBatch& b) {
                              b.Append(2, Ids({{1, 0}}));
                            }},
                    Refused{"IndexTooHigh", "entry index 9223372036854775809",
                            [](LogBatch& b) {
                              b.Append(2, Ids({{1, raft::kMaxIndex + 1}}));
                            }},
                    Refused{"TermTooHigh", "of term 18446744073709551615",
                            [](LogBatch& b) {
                              b.Append(2, Ids({{1, 1}, {raft::kMaxTerm + 1, 2}}));
                            }},
                    Refused{"GapInside", "entry 4 of term 1 where 3",
                            [](LogBatch& b) {
                              b.Append(2, Ids({{1, 1}, {1, 2}, {1, 4}}));
                            }},
                    Refused{"IndexTwice", "entry 2 of term 1 where 3",
                            [](LogBatch& b) {
                              b.Append(2, Ids({{1, 1}, {1, 2}, {1, 2}}));
                            }},
                    Refused{"TermFallsInside", "entry 3 of term 1 where 3 of 2",
                            [](LogBatch& b) {
                              b.Append(2, Ids({{1, 1}, {2, 2}, {1, 3}}));
                            }},
                    Refused{"EntryTooLarge", "has 1048577 bytes",
                            [](LogBatch& b) { b.Append(2, MakeEntries(1, 1, 1, (1 << 20) + 1)); }},
                    Refused{"GapBehindTheLog", "entry 8 leaves a gap: the log ends at 6",
                            [](LogBatch& b) {
                              b.Append(1, Ids({{3, 8}}));
                            }},
                    Refused{"GapBehindTheBatch", "entry 9 leaves a gap: the log ends at 7",
                            [](LogBatch& b) {
                              b.Append(1, Ids({{3, 7}}));
                              b.Append(1, Ids({{3, 9}}));
                            }},
                    Refused{"GapOfAnEmptyGroup", "entry 2 leaves a gap: the log ends at 0",
                            [](LogBatch& b) {
                              b.Append(2, Ids({{3, 2}}));
                            }},
                    Refused{"TermFallsBehindTheLog", "entry 7 of term 2 after one of term 3",
                            [](LogBatch& b) {
                              b.Append(1, Ids({{2, 7}}));
                            }},
                    Refused{"TermFallsWhereItReplaces", "entry 5 of term 1 after one of term 2",
                            [](LogBatch& b) {
                              b.Append(1, Ids({{1, 5}}));
                            }},
                    Refused{"TermFallsBehindTheBatch", "entry 8 of term 4 after one of term 5",
                            [](LogBatch& b) {
                              b.Append(1, Ids({{5, 7}}));
                              b.Append(1, Ids({{4, 8}}));
                            }},
                    Refused{"TermFallsBehindWhatTheBatchReplaced",
                            "entry 6 of term 3 after one of term 4",
                            [](LogBatch& b) {
                              b.Append(1, Ids({{4, 5}, {4, 6}, {4, 7}}));
                              b.Append(1, Ids({{3, 6}}));
                            }},
                    Refused{"CommitBeyondTheLog", "commit index 7 of a log that ends at 6",
                            [](LogBatch& b) { b.SetHardState(1, {.term = 3, .commit = 7}); }},
                    Refused{"CommittedEntriesCutOff", "commit index 4 of a log that ends at 3",
                            [](LogBatch& b) {
                              b.Append(1, Ids({{4, 3}}));
                            }},
                    Refused{"SnapshotBeyondTheLog", "commit index 9 of a log that ends at 6",
                            [](LogBatch& b) { b.MarkSnapshot(1, {.index = 9, .term = 3}); }},
                    Refused{"CompactedBeyondTheLog", "compacting to 7 a log that ends at 6",
                            [](LogBatch& b) { b.Compact(1, 7); }},
                    Refused{"AfterForgetting", "entry 7 leaves a gap: the log ends at 0",
                            [](LogBatch& b) {
                              b.Forget(1);
                              b.Append(1, Ids({{3, 7}}));
                            }}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_P(RefusedBatchTest, ChangesNothing) {
  FaultyFileSystem fs;
  auto log = *LogStore::Create(fs, "log", Options());
  LogBatch before;
  before.Append(1, Ids({{1, 1}, {1, 2}, {2, 3}, {2, 4}, {3, 5}, {3, 6}}));
  before.SetHardState(1, {.term = 3, .commit = 4});
  before.Compact(1, 2);
  ASSERT_EQ(log->Write(before), absl::OkStatus());
  const std::vector<raft::EntryId> ids = IdsOf(*log, 1);
  const LogStats stats = log->stats();

  LogBatch batch;
  batch.Append(3, Ids({{1, 1}}));  // Sound, and refused with the rest.
  GetParam().fill(batch);
  const absl::Status refused = log->Write(batch);
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_TRUE(absl::StrContains(refused.message(), GetParam().why)) << refused;
  EXPECT_EQ(IdsOf(*log, 1), ids);
  EXPECT_EQ(log->LastIndex(2), 0u);
  EXPECT_EQ(log->LastIndex(3), 0u);
  EXPECT_EQ(log->stats().bytes_written, stats.bytes_written);

  LogBatch sound;
  sound.Append(1, Ids({{3, 7}}));
  EXPECT_EQ(log->Write(sound), absl::OkStatus()) << "a refusal is not for ever";
}

// --- What is taken -------------------------------------------------------------------------------

TEST(LogStoreTest, ABatchMayReplaceItsOwnEntries) {
  FaultyFileSystem fs;
  auto log = *LogStore::Create(fs, "log", Options());
  LogBatch batch;
  batch.Append(1, Ids({{1, 1}, {2, 2}, {3, 3}}));
  batch.Append(1, Ids({{2, 3}, {2, 4}}));
  batch.Append(1, Ids({{4, 4}}));
  ASSERT_EQ(log->Write(batch), absl::OkStatus());
  const std::vector<raft::EntryId> expected = {{1, 1}, {2, 2}, {2, 3}, {4, 4}};
  EXPECT_EQ(IdsOf(*log, 1), expected);
  ASSERT_EQ(log->Close(), absl::OkStatus());
  log.reset();
  log = *LogStore::Open(fs, "log", Options());
  EXPECT_EQ(IdsOf(*log, 1), expected);
}

// The commit index of a Ready that was on its way while a newer snapshot was marked.
TEST(LogStoreTest, AMarkedSnapshotIsCommittedWhateverComesAfter) {
  FaultyFileSystem fs;
  auto log = *LogStore::Create(fs, "log", Options());
  LogBatch batch;
  batch.Append(1, MakeEntries(1, 1, 6));
  batch.MarkSnapshot(1, {.index = 5, .term = 1});
  ASSERT_EQ(log->Write(batch), absl::OkStatus());
  LogBatch late;
  late.SetHardState(1, {.term = 1, .vote = 2, .commit = 3});
  ASSERT_EQ(log->Write(late), absl::OkStatus());
  EXPECT_EQ(log->Find(1)->hard_state.commit, 5u);
  log.reset();
  const auto again = LogStore::Open(fs, "log", Options());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ((*again)->Find(1)->hard_state.commit, 5u);
}

TEST(LogStoreTest, OfEntriesThatBeginBeforeTheLogTheRestCounts) {
  FaultyFileSystem fs;
  auto log = *LogStore::Create(fs, "log", Options());
  LogBatch batch;
  batch.Append(1, MakeEntries(1, 1, 6, 100));
  batch.SetHardState(1, {.term = 1, .commit = 6});
  batch.Compact(1, 4);
  ASSERT_EQ(log->Write(batch), absl::OkStatus());
  EXPECT_EQ(log->stats().cached_bytes, 200u);

  LogBatch again;
  again.Append(1, MakeEntries(1, 1, 3, 100));  // All of it is compacted.
  again.Append(1, MakeEntries(1, 3, 7, 100));
  ASSERT_EQ(log->Write(again), absl::OkStatus());
  const std::vector<raft::EntryId> expected = {{1, 5}, {1, 6}, {1, 7}, {1, 8}, {1, 9}};
  EXPECT_EQ(IdsOf(*log, 1), expected);
  EXPECT_EQ(log->stats().cached_bytes, 500u);
}

TEST(LogStoreTest, TheNewestEntriesThatFitStayInMemory) {
  FaultyFileSystem fs;
  LogOptions options = Options();
  options.cache_bytes_per_group = 1000;
  auto log = *LogStore::Create(fs, "log", options);
  std::vector<uint64_t> sizes;
  for (int batch = 0; batch < 200; ++batch) {
    const size_t count = 1 + batch % 7;
    const size_t bytes = batch % 11 == 0 ? 0 : (batch * 37) % (batch % 13 == 0 ? 1200 : 300);
    LogBatch entries;
    entries.Append(1, MakeEntries(1, sizes.size() + 1, count, bytes));
    sizes.insert(sizes.end(), count, bytes);
    ASSERT_EQ(log->Write(entries), absl::OkStatus());
    uint64_t expected = 0;
    for (auto size = sizes.rbegin(); size != sizes.rend() && expected + *size <= 1000; ++size) {
      expected += *size;
    }
    EXPECT_EQ(log->stats().cached_bytes, expected) << "after " << sizes.size() << " entries";
  }
}

// --- What comes back -----------------------------------------------------------------------------

// On a real disk some batches go past the page cache and others through it, and what is read back
// comes through it.
class ReadBackTest : public testing::TestWithParam<bool> {
 protected:
  FileSystem& fs() { return GetParam() ? PosixFileSystem() : faulty_; }
  std::string Directory() {
    const std::string path =
        GetParam() ? JoinPath(testing::TempDir(), "read_back_test") : "read_back_test";
    if (GetParam()) std::filesystem::remove_all(path);
    EXPECT_EQ(CreateDirectories(fs(), path), absl::OkStatus());
    return JoinPath(path, "log");
  }

  FaultyFileSystem faulty_;
};

INSTANTIATE_TEST_SUITE_P(, ReadBackTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Posix" : "Faulty"; });

TEST_P(ReadBackTest, BatchesOfEverySize) {
  struct Shape {
    size_t entries;
    size_t bytes;  // Of each.
  };
  const Shape shapes[] = {
      {1, 0},      {1, 1},      {3, 100},    {1, 4095},    {2, 4096}, {64, 4096},  {65, 4096},
      {300, 1000}, {1, 262144}, {1, 262145}, {2, 200000},  {5, 300},  {1, 900000}, {400, 700},
      {1000, 17},  {7, 65536},  {1, 512},    {4, 1 << 18}, {1, 3},    {20, 12345}, {5000, 1000}};
  LogOptions options = Options();
  options.cache_bytes_per_group = 0;  // All is read back.
  const std::string directory = Directory();
  auto log = *LogStore::Create(fs(), directory, options);
  raftpb::EntryList written;
  for (int round = 0; round < 3; ++round) {
    for (const Shape& shape : shapes) {
      const raft::Index first = written.size() + 1;
      const raftpb::EntryList entries = MakeEntries(1, first, shape.entries, shape.bytes);
      LogBatch batch;
      batch.Append(1, entries);
      batch.SetHardState(1, {.term = 1, .commit = first});
      ASSERT_EQ(log->Write(batch), absl::OkStatus());
      written.Append(entries);
      // The pages around it are in the page cache when the next batch comes.
      const raft::Index last = written.size();
      const raft::Index from = first > 10 ? first - 10 : 1;
      const auto read = log->Entries(1, {from, last + 1}, raft::kNoLimit);
      ASSERT_EQ(read.status(), absl::OkStatus());
      ASSERT_TRUE(*read == written.Slice(from - 1, last)) << "entries " << from << " to " << last;
    }
  }
  const raft::IndexRange all = {1, written.size() + 1};
  EXPECT_TRUE(*log->Entries(1, all, raft::kNoLimit) == written);
  log.reset();  // Not closed.
  log = *LogStore::Open(fs(), directory, options);
  EXPECT_TRUE(*log->Entries(1, all, raft::kNoLimit) == written);
}

}  // namespace
}  // namespace storage
