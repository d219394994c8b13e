#include "storage/group_commit_writer.h"

#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "storage/errors.h"
#include "storage/faulty_file_system.h"
#include "storage/testing.h"

namespace storage {
namespace {

LogOptions Options() {
  LogOptions options;
  options.identity = {7, 1};
  options.segment_bytes = 1 << 20;
  return options;
}

LogBatch OneEntry(GroupId group, raft::Index index) {
  LogBatch batch;
  batch.Append(group, MakeEntries(1, index, 1));
  return batch;
}

class GroupCommitWriterTest : public testing::Test {
 protected:
  GroupCommitWriterTest() : log_(*LogStore::Create(fs_, "log", Options())) {}

  // Holds the next batch in its sync until the notification.
  void HoldNextSync(absl::Notification& reached, absl::Notification& go_on) {
    fs_.SetFaultHook([&reached, &go_on](const DiskOperation& operation) {
      if (operation.kind == DiskOperation::Kind::kSync && !reached.HasBeenNotified()) {
        reached.Notify();
        go_on.WaitForNotification();
      }
      return DiskFault();
    });
  }

  FaultyFileSystem fs_;
  std::unique_ptr<LogStore> log_;
};

TEST_F(GroupCommitWriterTest, WhatWaitsSharesOneSync) {
  absl::Notification reached;
  absl::Notification go_on;
  HoldNextSync(reached, go_on);
  std::vector<raft::Index> order;  // Touched by the writer's thread only, and after Flush.
  const uint64_t syncs_before = log_->stats().syncs;
  {
    GroupCommitWriter writer(*log_, {});
    const auto submit = [&](raft::Index index) {
      writer.Submit(OneEntry(1, index), [&order, index](const absl::Status& status) {
        EXPECT_EQ(status, absl::OkStatus());
        order.push_back(index);
      });
    };
    submit(1);
    reached.WaitForNotification();
    for (raft::Index index = 2; index <= 100; ++index) submit(index);
    EXPECT_EQ(log_->LastIndex(1), 0u) << "visible before it was durable";
    go_on.Notify();
    writer.Flush();
    ASSERT_EQ(order.size(), 100u);
    for (raft::Index index = 1; index <= 100; ++index) EXPECT_EQ(order[index - 1], index);
    EXPECT_EQ(log_->stats().syncs - syncs_before, 2u);
  }
  EXPECT_EQ(log_->LastIndex(1), 100u);
}

TEST_F(GroupCommitWriterTest, CallsBackAfterTheSyncThatCoversIt) {
  GroupCommitWriter writer(*log_, {});
  for (raft::Index index = 1; index <= 20; ++index) {
    writer.Submit(OneEntry(1, index), [this, index](const absl::Status&) {
      std::vector<FaultyFileSystem::Fate> fates(fs_.Unsynced().size());
      for (auto& fate : fates) fate.kind = FaultyFileSystem::Fate::Kind::kLost;
      const auto after = fs_.CrashImage(fates);
      const auto log = LogStore::Open(*after, "log", Options());
      ASSERT_TRUE(log.ok()) << log.status();
      EXPECT_GE((*log)->LastIndex(1), index);
    });
  }
  writer.Flush();
}

TEST_F(GroupCommitWriterTest, UnsyncedWorkKeepsItsPlaceAndCostsNoSync) {
  const uint64_t syncs_before = log_->stats().syncs;
  GroupCommitWriter writer(*log_, {});
  std::vector<int> order;
  writer.Submit(OneEntry(1, 1), [&order](const absl::Status&) { order.push_back(1); });
  writer.Flush();
  LogBatch commit;
  commit.SetHardState(1, {1, 1, 1});
  writer.SubmitUnsynced(std::move(commit), [&order](const absl::Status& status) {
    EXPECT_EQ(status, absl::OkStatus());
    order.push_back(2);
  });
  writer.Flush();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_EQ(log_->stats().syncs - syncs_before, 1u);
  EXPECT_EQ(log_->Find(1)->hard_state.commit, 1u);
}

TEST_F(GroupCommitWriterTest, AnErrorIsFinalForEverythingBehindIt) {
  absl::Notification reached;
  absl::Notification go_on;
  fs_.SetFaultHook([&](const DiskOperation& operation) {
    DiskFault fault;
    if (operation.kind == DiskOperation::Kind::kSync && !reached.HasBeenNotified()) {
      reached.Notify();
      go_on.WaitForNotification();
      fault.kind = DiskFault::Kind::kSyncDropsPages;
    }
    return fault;
  });
  GroupCommitWriter writer(*log_, {});
  size_t failed = 0;
  const auto count = [&failed](const absl::Status& status) { failed += IsSyncFailed(status); };
  writer.Submit(OneEntry(1, 1), count);
  reached.WaitForNotification();
  for (raft::Index index = 2; index <= 5; ++index) writer.Submit(OneEntry(1, index), count);
  go_on.Notify();
  writer.Flush();
  writer.Submit(OneEntry(1, 6), count);
  writer.Flush();
  EXPECT_EQ(failed, 6u);
  EXPECT_TRUE(IsSyncFailed(writer.status()));
  EXPECT_EQ(log_->LastIndex(1), 0u);
}

TEST_F(GroupCommitWriterTest, OfWhatWaitsOnlyTheInvalidIsRefused) {
  absl::Notification reached;
  absl::Notification go_on;
  HoldNextSync(reached, go_on);
  GroupCommitWriter writer(*log_, {});
  std::vector<absl::Status> told;
  const auto submit = [&](LogBatch batch) {
    writer.Submit(std::move(batch), [&told](const absl::Status& s) { told.push_back(s); });
  };
  submit(OneEntry(1, 1));
  reached.WaitForNotification();
  submit(OneEntry(1, 2));
  LogBatch gap = OneEntry(2, 1);  // Half of it would do; all of it is refused.
  gap.Append(1, MakeEntries(1, 9, 1));
  submit(std::move(gap));
  submit(OneEntry(3, 1));
  go_on.Notify();
  writer.Flush();
  submit(OneEntry(1, 3));
  writer.Flush();

  ASSERT_EQ(told.size(), 5u);
  for (size_t i : {0, 1, 3, 4}) EXPECT_EQ(told[i], absl::OkStatus()) << i;
  EXPECT_TRUE(absl::IsInvalidArgument(told[2])) << told[2];
  EXPECT_EQ(writer.status(), absl::OkStatus());
  EXPECT_EQ(log_->LastIndex(1), 3u);
  EXPECT_EQ(log_->LastIndex(2), 0u);
  EXPECT_EQ(log_->LastIndex(3), 1u);
}

TEST_F(GroupCommitWriterTest, AnInvalidCommitThatNeedsNoSyncIsRefusedAlone) {
  GroupCommitWriter writer(*log_, {});
  absl::Status told;
  LogBatch commit;
  commit.SetHardState(1, {1, 1, 7});  // Of a log that is empty.
  writer.SubmitUnsynced(std::move(commit), [&told](const absl::Status& s) { told = s; });
  writer.Flush();
  EXPECT_TRUE(absl::IsInvalidArgument(told)) << told;
  EXPECT_EQ(writer.status(), absl::OkStatus());
  EXPECT_FALSE(log_->Find(1).has_value());
}

TEST_F(GroupCommitWriterTest, ManyThreadsManyGroups) {
  constexpr GroupId kThreads = 8;
  constexpr raft::Index kEntries = 200;
  GroupCommitWriter writer(*log_, {1 << 20, 2000});  // A short queue: Submit has to wait.
  std::vector<std::thread> threads;
  std::vector<raft::Index> last(kThreads);
  for (GroupId group = 0; group < kThreads; ++group) {
    threads.emplace_back([&writer, &last, group] {
      for (raft::Index index = 1; index <= kEntries; ++index) {
        writer.Submit(OneEntry(group, index), [&last, group, index](const absl::Status& status) {
          EXPECT_EQ(status, absl::OkStatus());
          EXPECT_EQ(last[group] + 1, index);
          last[group] = index;
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  writer.Flush();
  for (GroupId group = 0; group < kThreads; ++group) {
    EXPECT_EQ(last[group], kEntries);
    EXPECT_EQ(log_->LastIndex(group), kEntries);
  }
}

}  // namespace
}  // namespace storage
