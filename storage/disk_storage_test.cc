#include "storage/disk_storage.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "raft/errors.h"
#include "storage/errors.h"
#include "storage/posix_file_system.h"
#include "storage/testing.h"

namespace storage {
namespace {

// A server with real files, opened again and again.
class DiskStorageTest : public testing::Test {
 protected:
  DiskStorageTest() {
    directory_ = absl::StrCat(testing::TempDir(), "/",
                              testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory_);
    log_options_.identity = {7, 1};
    log_options_.segment_bytes = 1 << 16;
  }

  absl::Status Reopen() {
    storage_.reset();
    absl::StatusOr<std::unique_ptr<DiskStorage>> storage =
        DiskStorage::OpenDirectory(PosixFileSystem(), directory_, log_options_, options_);
    if (storage.ok()) storage_ = *std::move(storage);
    return storage.status();
  }

  absl::Status Append(raft::Term term, raft::Index first, size_t count, size_t bytes = 10) {
    SaveRequest request;
    request.entries = MakeEntries(term, first, count, bytes);
    return storage_->Save(request);
  }

  absl::Status SetHardState(const raftpb::HardState& hard_state, bool must_sync = true) {
    SaveRequest request;
    request.hard_state = hard_state;
    request.must_sync = must_sync;
    return storage_->Save(request);
  }

  std::string directory_;
  LogOptions log_options_;
  DiskStorageOptions options_;
  std::unique_ptr<DiskStorage> storage_;
};

TEST_F(DiskStorageTest, IsFoundedOnceAndComesBack) {
  ASSERT_EQ(Reopen(), absl::OkStatus());
  EXPECT_EQ(storage_->FirstIndex(), 1u);
  EXPECT_EQ(storage_->LastIndex(), 0u);
  EXPECT_EQ(*storage_->TermAt(0), 0u);
  EXPECT_TRUE(raft::IsSnapshotTemporarilyUnavailable(storage_->Snapshot().status()));
  ASSERT_EQ(Append(1, 1, 3), absl::OkStatus());
  ASSERT_EQ(SetHardState({2, 1, 2}), absl::OkStatus());
  ASSERT_EQ(Append(2, 3, 5), absl::OkStatus());

  ASSERT_EQ(Reopen(), absl::OkStatus());
  EXPECT_FALSE(storage_->report().clean);
  EXPECT_EQ(storage_->Initial()->hard_state, (raftpb::HardState{2, 1, 2}));
  EXPECT_EQ(storage_->LastIndex(), 7u);
  raftpb::EntryList expected = MakeEntries(1, 1, 2);
  expected.Append(MakeEntries(2, 3, 5));
  EXPECT_EQ(*storage_->Entries({1, 8}, raft::kNoLimit), expected);
  EXPECT_EQ(*storage_->TermAt(2), 1u);
  EXPECT_EQ(*storage_->TermAt(3), 2u);
  EXPECT_TRUE(raft::IsUnavailable(storage_->TermAt(8).status()));
}

TEST_F(DiskStorageTest, ClosingSaysSo) {
  ASSERT_EQ(Reopen(), absl::OkStatus());
  ASSERT_EQ(Append(1, 1, 3), absl::OkStatus());
  ASSERT_EQ(SetHardState({1, 1, 3}, false), absl::OkStatus());
  ASSERT_EQ(storage_->Close(), absl::OkStatus());
  EXPECT_FALSE(Append(1, 4, 1).ok());
  ASSERT_EQ(Reopen(), absl::OkStatus());
  EXPECT_TRUE(storage_->report().clean);
  EXPECT_EQ(storage_->Initial()->hard_state.commit, 3u);
}

TEST_F(DiskStorageTest, ExcludesASecondOne) {
  ASSERT_EQ(Reopen(), absl::OkStatus());
  const auto second =
      DiskStorage::OpenDirectory(PosixFileSystem(), directory_, log_options_, options_);
  EXPECT_TRUE(IsLocked(second.status())) << second.status();
}

TEST_F(DiskStorageTest, RefusesAnotherServersDirectory) {
  ASSERT_EQ(Reopen(), absl::OkStatus());
  log_options_.identity.node_id = 2;
  const absl::Status status = Reopen();
  EXPECT_TRUE(IsForeign(status)) << status;
}

TEST_F(DiskStorageTest, SnapshotsReplaceTheLogOrLeaveIt) {
  ASSERT_EQ(Reopen(), absl::OkStatus());
  ASSERT_EQ(Append(1, 1, 10), absl::OkStatus());
  ASSERT_EQ(SetHardState({1, 1, 8}), absl::OkStatus());
  raftpb::ConfState conf_state;
  conf_state.voters = {1, 2, 3};
  ASSERT_EQ(storage_->SaveSnapshot(6, conf_state, absl::Cord("six")), absl::OkStatus());
  EXPECT_TRUE(raft::IsSnapshotOutOfDate(storage_->SaveSnapshot(6, conf_state, absl::Cord("6"))));
  ASSERT_EQ(storage_->Compact(9), absl::OkStatus());  // At most to the snapshot.
  EXPECT_EQ(storage_->FirstIndex(), 7u);
  EXPECT_EQ(*storage_->TermAt(6), 1u);
  EXPECT_TRUE(raft::IsCompacted(storage_->Entries({6, 8}, 100).status()));

  ASSERT_EQ(Reopen(), absl::OkStatus());
  EXPECT_EQ((*storage_->Snapshot())->data, "six");
  EXPECT_EQ(storage_->Initial()->conf_state, conf_state);

  auto received = std::make_shared<raftpb::Snapshot>();
  received->metadata = {conf_state, 20, 4};
  received->data = absl::Cord(std::string(3 << 20, 'x'));
  SaveRequest request;
  request.snapshot = received;
  request.entries = MakeEntries(4, 21, 2);
  request.hard_state = raftpb::HardState{4, 0, 20};
  ASSERT_EQ(storage_->Save(request), absl::OkStatus());
  ASSERT_EQ(Reopen(), absl::OkStatus());
  EXPECT_EQ(storage_->FirstIndex(), 21u);
  EXPECT_EQ(storage_->LastIndex(), 22u);
  EXPECT_EQ(*storage_->TermAt(20), 4u);
  EXPECT_EQ(**storage_->Snapshot(), *received);
}

// The state machine may have been written differently before: not even a beginning can be kept.
// Two take a snapshot at the same time: the application one of what it has applied, and the core a
// leader's, which is newer.
TEST_F(DiskStorageTest, AMarkOlderThanTheLogOrItsSnapshotIsNone) {
  ASSERT_EQ(Reopen(), absl::OkStatus());
  ASSERT_EQ(Append(1, 1, 30), absl::OkStatus());
  ASSERT_EQ(SetHardState({1, 1, 30}), absl::OkStatus());
  raftpb::Snapshot from_leader;
  from_leader.metadata = {{.voters = {1, 2, 3}}, 1000, 2};
  SaveRequest request;
  request.snapshot = std::make_shared<const raftpb::Snapshot>(from_leader);
  ASSERT_EQ(storage_->Save(request), absl::OkStatus());
  LogBatch late;
  late.MarkSnapshot(options_.group, {{.voters = {1}}, 20, 1});
  ASSERT_EQ(storage_->log().Write(late), absl::OkStatus());
  EXPECT_EQ(storage_->log().Find(options_.group)->snapshot->index, 1000u);
  ASSERT_EQ(Reopen(), absl::OkStatus());
  EXPECT_EQ((*storage_->Snapshot())->metadata, from_leader.metadata);

  // Nor does one that the log would still have the entries for; not even in the same batch.
  ASSERT_EQ(Append(2, 1001, 20), absl::OkStatus());
  ASSERT_EQ(SetHardState({2, 1, 1020}), absl::OkStatus());
  const raftpb::SnapshotMetadata newer = {{.voters = {1, 2, 3}}, 1010, 2};
  ASSERT_EQ(storage_->snapshots().Save(options_.group, {.metadata = newer}), absl::OkStatus());
  LogBatch both;
  both.MarkSnapshot(options_.group, newer);
  both.MarkSnapshot(options_.group, {{.voters = {1}}, 1005, 2});
  ASSERT_EQ(storage_->log().Write(both), absl::OkStatus());
  ASSERT_EQ(Reopen(), absl::OkStatus());
  EXPECT_EQ((*storage_->Snapshot())->metadata.index, 1010u);
}

TEST_F(DiskStorageTest, AnInterruptedSnapshotIsNoBeginningOfAnother) {
  ASSERT_EQ(Reopen(), absl::OkStatus());
  ASSERT_EQ(Append(1, 1, 10), absl::OkStatus());
  ASSERT_EQ(SetHardState({1, 1, 8}), absl::OkStatus());
  raftpb::SnapshotMetadata metadata;
  metadata.index = 6;
  metadata.term = 1;
  {
    auto writer = storage_->snapshots().Write(options_.group, metadata);
    ASSERT_EQ(writer.status(), absl::OkStatus());
    ASSERT_EQ((*writer)->Append(absl::Cord(std::string(3 << 20, 'a'))), absl::OkStatus());
  }
  EXPECT_GT((*storage_->snapshots().Write(options_.group, metadata))->offset(), 0u);
  const absl::Cord data(std::string((2 << 20) + 7, 'b'));
  ASSERT_EQ(storage_->SaveSnapshot(6, {}, data), absl::OkStatus());
  EXPECT_TRUE((*storage_->Snapshot())->data == data) << "not what was saved";
}

TEST_F(DiskStorageTest, HoldsTheStateMachineAgainstTheLog) {
  ASSERT_EQ(Reopen(), absl::OkStatus());
  ASSERT_EQ(Append(3, 1, 5), absl::OkStatus());
  ASSERT_EQ(SetHardState({3, 1, 2}), absl::OkStatus());
  struct {
    const char* name;
    raft::EntryId applied;
    bool opens;
    raft::Index commit;
  } const cases[] = {
      {"nothing applied", {0, 0}, true, 2},
      {"behind the commit index", {3, 1}, true, 2},
      {"of another term", {2, 1}, false, 0},
      {"ahead of the commit index, unproven", {0, 4}, false, 0},
      {"ahead of the log", {3, 6}, false, 0},
      {"ahead of the commit index, which is raised", {3, 4}, true, 4},
  };
  for (const auto& c : cases) {
    options_.applied = c.applied;
    const absl::Status status = Reopen();
    ASSERT_EQ(status.ok(), c.opens) << c.name << ": " << status;
    if (!c.opens) {
      EXPECT_TRUE(IsInconsistent(status)) << c.name;
    } else {
      EXPECT_EQ(storage_->Initial()->hard_state.commit, c.commit) << c.name;
    }
  }
}

TEST_F(DiskStorageTest, ReadsOldEntriesBackFromItsFiles) {
  log_options_.cache_bytes_per_group = 4000;
  ASSERT_EQ(Reopen(), absl::OkStatus());
  raftpb::EntryList expected;
  for (raft::Index first = 1; first <= 2000; first += 10) {
    ASSERT_EQ(Append(1 + first / 100, first, 10, first % 3000), absl::OkStatus());
    expected.Append(MakeEntries(1 + first / 100, first, 10, first % 3000));
  }
  EXPECT_LE(storage_->log().stats().cached_bytes, 4000u);
  EXPECT_GT(storage_->log().stats().segments, 10u);
  const auto compare = [&] {
    EXPECT_EQ(*storage_->Entries({1, 2001}, raft::kNoLimit), expected);
    for (raft::Index begin = 1; begin <= 2000; begin += 37) {
      for (uint64_t limit : {0, 1000, 100000}) {
        const auto some = *storage_->Entries({begin, 2001}, limit);
        uint64_t bytes = EncodedSize(expected[begin - 1]);
        size_t count = 1;
        while (begin - 1 + count < 2000) {
          bytes += EncodedSize(expected[begin - 1 + count]);
          if (bytes > limit) break;
          ++count;
        }
        ASSERT_EQ(some.size(), count) << begin << " " << limit;
        ASSERT_EQ(some, expected.Slice(begin - 1, begin - 1 + count));
      }
    }
  };
  compare();
  ASSERT_EQ(Reopen(), absl::OkStatus());
  compare();
}

}  // namespace
}  // namespace storage
