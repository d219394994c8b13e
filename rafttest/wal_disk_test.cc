// That the disk of the simulator survives what it should, and that it notices what it should not
// survive.
#include "rafttest/wal_disk.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace rafttest {
namespace {

using storage::DiskFault;
using storage::DiskOperation;

SimDisk::Batch Entries(raft::Term term, raft::Index first, raft::Index last) {
  SimDisk::Batch batch;
  for (raft::Index index = first; index <= last; ++index) {
    raftpb::Entry entry;
    entry.term = term;
    entry.index = index;
    entry.data = absl::Cord(absl::StrCat("entry ", index));
    batch.entries.PushBack(entry);
  }
  batch.hard_state = raftpb::HardState{.term = term, .vote = 1};
  batch.must_sync = true;
  return batch;
}

class WalDiskTest : public testing::Test {
 protected:
  WalDiskTest() : disk_(1, faults_, Random(5)) {
    EXPECT_EQ(disk_.Open().status(), absl::OkStatus());
  }

  absl::StatusOr<std::vector<SimDisk::Batch>> Crash(std::vector<SimDisk::Batch> under_way = {}) {
    return disk_.Crash(random_, under_way);
  }

  Faults faults_;
  Random random_ = Random(7);
  WalDisk disk_;
};

TEST_F(WalDiskTest, WhatWasWrittenIsThere) {
  ASSERT_EQ(disk_.Write(Entries(1, 1, 3)), absl::OkStatus());
  const auto durable = Crash();
  ASSERT_EQ(durable.status(), absl::OkStatus());
  EXPECT_TRUE(durable->empty());
  ASSERT_EQ(disk_.Open().status(), absl::OkStatus());
  EXPECT_EQ(disk_.storage().LastIndex(), 3u);
}

// Over many crashes a batch under way is sometimes there and sometimes not, and always whole.
TEST_F(WalDiskTest, OfWhatIsBeingWrittenABeginningIsThere) {
  raft::Index last = 0;
  size_t kept[3] = {0, 0, 0};
  for (int i = 0; i < 100; ++i) {
    const auto durable = Crash({Entries(1, last + 1, last + 2), Entries(1, last + 3, last + 4)});
    ASSERT_EQ(durable.status(), absl::OkStatus());
    ++kept[durable->size()];
    last += 2 * durable->size();
    ASSERT_EQ(disk_.Open().status(), absl::OkStatus());
    ASSERT_EQ(disk_.storage().LastIndex(), last);
  }
  EXPECT_GT(kept[0], 5u);
  EXPECT_GT(kept[1], 5u);
  EXPECT_GT(kept[2], 5u);
}

// A log that does not sync (W01), or a device that lies about it, loses what it had acknowledged.
TEST_F(WalDiskTest, ASyncThatDoesNothingIsNoticed) {
  disk_.files().SetFaultHook([](const DiskOperation& operation) {
    const bool sync = operation.kind == DiskOperation::Kind::kSync;
    return DiskFault{.kind = sync ? DiskFault::Kind::kSyncLies : DiskFault::Kind::kNone};
  });
  raft::Index last = 0;
  for (int i = 0; i < 20; ++i, last += 3) {
    ASSERT_EQ(disk_.Write(Entries(1, last + 1, last + 3)), absl::OkStatus());
    if (!Crash().ok()) return;
  }
  FAIL() << "twenty crashes lost nothing";
}

// A disk that was exchanged for an old copy of itself opens without complaint, and has forgotten.
TEST_F(WalDiskTest, AnOldCopyIsNoticed) {
  ASSERT_EQ(disk_.Write(Entries(1, 1, 3)), absl::OkStatus());
  const std::map<std::string, std::string> old = disk_.files().Contents();
  ASSERT_EQ(disk_.Write(Entries(2, 4, 5)), absl::OkStatus());
  for (const auto& [path, contents] : old) {
    if (path.find("server/log/") == 0) disk_.files().Put(path, contents);
  }
  const auto durable = Crash();
  EXPECT_TRUE(absl::IsDataLoss(durable.status())) << durable.status();
}

// Somebody else's bytes under the name of a snapshot.
TEST_F(WalDiskTest, AnotherSnapshotIsNoticed) {
  ASSERT_EQ(disk_.Write(Entries(1, 1, 3)), absl::OkStatus());
  const raftpb::ConfState members{.voters = {1}};
  ASSERT_EQ(disk_.SaveSnapshot({1, 2}, members, absl::Cord("one state")), absl::OkStatus());
  WalDisk other(1, faults_, Random(5));
  ASSERT_EQ(other.Open().status(), absl::OkStatus());
  ASSERT_EQ(other.Write(Entries(1, 1, 3)), absl::OkStatus());
  ASSERT_EQ(other.SaveSnapshot({1, 2}, members, absl::Cord("two states")), absl::OkStatus());
  for (const auto& [path, contents] : other.files().Contents()) {
    if (path.find("server/snapshots/") == 0) disk_.files().Put(path, contents);
  }
  const auto durable = Crash();
  EXPECT_TRUE(absl::IsDataLoss(durable.status())) << durable.status();
}

TEST_F(WalDiskTest, OneDamagedBitIsRefusedOrHarmless) {
  faults_.rot = 1;
  raft::Index last = 0;
  for (int i = 0; i < 200; ++i, last += 2) {
    ASSERT_EQ(disk_.Write(Entries(1, last + 1, last + 2)), absl::OkStatus());
    const auto durable = Crash();
    ASSERT_EQ(durable.status(), absl::OkStatus());
    ASSERT_EQ(disk_.Open().status(), absl::OkStatus());
  }
  EXPECT_GT(disk_.coverage().rot_refused, 5u);
  EXPECT_GT(disk_.coverage().rot_harmless, 5u);
}

}  // namespace
}  // namespace rafttest
