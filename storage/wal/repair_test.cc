#include "storage/wal/repair.h"

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/errors.h"
#include "storage/faulty_file_system.h"
#include "storage/log_store.h"
#include "storage/testing.h"

namespace storage::wal {
namespace {

LogOptions Options() {
  LogOptions options;
  options.identity = {7, 1};
  options.segment_bytes = 4096;
  return options;
}

class RepairTest : public testing::Test {
 protected:
  RepairTest() {
    auto log = *LogStore::Create(fs_, "log", Options());
    for (raft::Index index = 1; index <= 30; ++index) {
      LogBatch batch;
      batch.Append(5, MakeEntries(1, index, 1, 400));
      batch.SetHardState(5, {1, 1, index});
      EXPECT_EQ(log->Write(batch), absl::OkStatus());
    }
    EXPECT_EQ(log->Close(), absl::OkStatus());
    EXPECT_GE(log->stats().segments, 4u);
  }

  absl::Status Open() {
    log_.reset();
    auto log = LogStore::Open(fs_, "log", Options());
    if (log.ok()) log_ = *std::move(log);
    return log.status();
  }

  FaultyFileSystem fs_;
  std::unique_ptr<LogStore> log_;
};

TEST_F(RepairTest, LeavesASoundLogAlone) {
  const uint64_t before = fs_.Fingerprint();
  const auto report = Repair(fs_, "log", true);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->needed);
  EXPECT_EQ(fs_.Fingerprint(), before);
}

TEST_F(RepairTest, SaysFirstAndDoesOnlyWhenAsked) {
  ASSERT_TRUE(fs_.Rot("log/0000000000000002.wal", 1100, 1));
  ASSERT_TRUE(IsCorruption(Open()));
  const uint64_t before = fs_.Fingerprint();
  const auto report = Repair(fs_, "log", false);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->needed);
  EXPECT_FALSE(report->actions.empty());
  EXPECT_EQ(fs_.Fingerprint(), before);
}

// Every segment, damaged in its head, its middle, or gone: what was before it is served again, and
// every byte that was there is there still, under some name.
TEST_F(RepairTest, KeepsWhatIsBeforeTheDamageAndEveryOldByte) {
  const auto original = fs_.Contents();
  for (const auto& [path, contents] : original) {
    for (uint64_t offset : {uint64_t{0}, uint64_t{600}, uint64_t{1200}}) {
      if (offset >= contents.size()) continue;
      SCOPED_TRACE(absl::StrCat(path, " ", offset));
      for (const auto& [name, bytes] : fs_.Contents()) fs_.Drop(name);
      for (const auto& [name, bytes] : original) fs_.Put(name, bytes);
      ASSERT_TRUE(fs_.Rot(path, offset, 0x10));
      const auto damaged = fs_.Contents();
      if (Open().ok()) continue;
      const auto report = Repair(fs_, "log", true);
      if (!report.ok()) {  // Nothing before the damage.
        EXPECT_TRUE(absl::EndsWith(path, "0000000000000001.wal") && offset == 0) << report.status();
        continue;
      }
      ASSERT_EQ(Open(), absl::OkStatus());
      const raft::Index last = log_->LastIndex(5);
      EXPECT_LT(last, 30u);
      if (!absl::EndsWith(path, "0000000000000001.wal")) {
        EXPECT_GT(last, 2u);
        EXPECT_EQ(*log_->Entries(5, {1, last + 1}, raft::kNoLimit), [last] {
          raftpb::EntryList all;
          for (raft::Index index = 1; index <= last; ++index) {
            all.Append(MakeEntries(1, index, 1, 400));
          }
          return all;
        }());
      }
      const auto after = fs_.Contents();
      for (const auto& [name, bytes] : damaged) {
        if (absl::EndsWith(name, "LOCK")) continue;
        bool kept = false;
        for (const auto& [other, other_bytes] : after) kept |= other_bytes == bytes;
        EXPECT_TRUE(kept) << name;
      }
      LogBatch batch;
      batch.Append(5, MakeEntries(2, last + 1, 1));
      EXPECT_EQ(log_->Write(batch), absl::OkStatus());
      ASSERT_EQ(Open(), absl::OkStatus());
      EXPECT_EQ(log_->LastIndex(5), last + 1);
    }
  }
}

}  // namespace
}  // namespace storage::wal
