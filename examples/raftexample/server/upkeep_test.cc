#include "examples/raftexample/server/upkeep.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "examples/raftexample/testing/temp_directory.h"
#include "gtest/gtest.h"
#include "storage/posix_file_system.h"

namespace raftexample {
namespace {

constexpr storage::GroupId kGroup = 1;
constexpr raft::Index kKept = 5;  // catch_up_entries.

// How often the log was cut, or that the thread gave up.
class Outcome : public raft::Logger {
 public:
  bool Enabled(raft::LogLevel) const override { return true; }
  void Log(raft::LogLevel, absl::string_view line) override {
    absl::MutexLock lock(&mutex_);
    cuts_ += absl::StrContains(line, "the log is cut");
  }
  void Fail(const absl::Status& why) {
    absl::MutexLock lock(&mutex_);
    failure_ = why;
  }
  absl::Status WaitForCuts(int cuts, absl::Duration patience = absl::Minutes(1)) {
    absl::MutexLock lock(&mutex_);
    const auto ended = [&] {
      mutex_.AssertHeld();
      return cuts_ >= cuts || !failure_.ok();
    };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&ended), patience)) {
      return absl::DeadlineExceededError("nobody cuts the log");
    }
    return failure_;
  }

 private:
  absl::Mutex mutex_;
  int cuts_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

// A member without a Raft: what is stored is applied, and flushed.
class UpkeepTest : public testing::Test {
 protected:
  UpkeepTest() {
    auto state =
        StateMachine::Open({.backend = {.directory = directory_ / "store", .sync = false}});
    EXPECT_TRUE(state.ok()) << state.status();
    state_ = *std::move(state);
    storage::LogOptions log;
    log.identity = {1, 1};
    auto opened = storage::DiskStorage::OpenDirectory(storage::PosixFileSystem(),
                                                      directory_ / "log", log, {.group = kGroup});
    EXPECT_TRUE(opened.ok()) << opened.status();
    storage_ = *std::move(opened);
  }

  void Store(raft::Index upto) {
    storage::SaveRequest request;
    for (raft::Index i = storage_->LastIndex() + 1; i <= upto; ++i) {
      request.entries.PushBack({.term = 1, .index = i});
    }
    request.hard_state = {1, 1, upto};
    ASSERT_EQ(storage_->Save(request), absl::OkStatus());
    while (state_->applied_index() < upto) {
      state_->Apply({1, state_->applied_index() + 1}, absl::Cord());
    }
    ASSERT_TRUE(state_->backend().Seal());
    ASSERT_EQ(state_->backend().Flush(), absl::OkStatus());
  }

  void Start(uint64_t snapshot_count) {
    upkeep_ = nullptr;
    upkeep_ = std::make_unique<Upkeep>(
        state_.get(), storage_.get(),
        Upkeep::Options{
            .snapshot_count = snapshot_count, .catch_up_entries = kKept, .logger = &outcome_},
        [this](const absl::Status& why) { outcome_.Fail(why); });
  }

  raft::Index SnapshotIndex() { return storage_->log().Find(kGroup)->snapshot->index; }

  TempDirectory directory_;
  Outcome outcome_;
  std::unique_ptr<StateMachine> state_;
  std::unique_ptr<storage::DiskStorage> storage_;
  std::unique_ptr<Upkeep> upkeep_;
};

TEST_F(UpkeepTest, CutsTheLogBehindWhatTheStoreHas) {
  Store(20);
  Start(10);
  upkeep_->Wake();
  ASSERT_EQ(outcome_.WaitForCuts(1), absl::OkStatus());
  EXPECT_EQ(SnapshotIndex(), 20u);
  EXPECT_EQ(storage_->FirstIndex(), 20 - kKept + 1);
}

TEST_F(UpkeepTest, ASnapshotOfAnEarlierLifeIsEnough) {
  Store(20);
  Start(10);
  upkeep_->Wake();
  ASSERT_EQ(outcome_.WaitForCuts(1), absl::OkStatus());

  Start(1);  // Started again with another --snapshot-count.
  upkeep_->Wake();
  ASSERT_EQ(outcome_.WaitForCuts(2), absl::OkStatus());
  Store(21);
  upkeep_->Wake();
  ASSERT_EQ(outcome_.WaitForCuts(3), absl::OkStatus());
  EXPECT_EQ(SnapshotIndex(), 21u);
}

TEST_F(UpkeepTest, DoesNotCutALogThatIsBeingReplaced) {
  Start(10);
  upkeep_->Replace([&] {
    Store(20);  // There would be something to cut.
    upkeep_->Wake();
    ASSERT_TRUE(absl::IsDeadlineExceeded(outcome_.WaitForCuts(1, absl::Milliseconds(50))));
    storage::SaveRequest request;
    raftpb::Snapshot snapshot;
    snapshot.metadata = {{.voters = {1}}, 1000, 2};
    request.snapshot = std::make_shared<const raftpb::Snapshot>(snapshot);
    ASSERT_EQ(storage_->Save(request), absl::OkStatus());
    EXPECT_EQ(SnapshotIndex(), 1000u);
    while (state_->applied_index() < 1000) {
      state_->Apply({2, state_->applied_index() + 1}, absl::Cord());
    }
    ASSERT_TRUE(state_->backend().Seal());
    ASSERT_EQ(state_->backend().Flush(), absl::OkStatus());
  });
  upkeep_->Wake();
  ASSERT_EQ(outcome_.WaitForCuts(1), absl::OkStatus());
  EXPECT_EQ(SnapshotIndex(), 1000u);
  EXPECT_EQ(storage_->FirstIndex(), 1001u);
}

}  // namespace
}  // namespace raftexample
