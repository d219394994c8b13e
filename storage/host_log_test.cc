// A host of many groups on real files.
#include "storage/host_log.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "raft/config.h"
#include "raft/host/host.h"
#include "raft/raw_node.h"
#include "raft/ready.h"
#include "storage/disk_storage.h"
#include "storage/posix_file_system.h"

namespace storage {
namespace {

constexpr raft::GroupId kGroups = 50;

// As in docs/many-groups.md.
class Disk : public raft::HostStorage {
 public:
  explicit Disk(HostLog& log) : log_(log) {}
  absl::Status Add(raft::GroupId group, const raft::Ready& ready) override {
    return log_.Add(group, ready.hard_state, ready.snapshot, ready.entries);
  }
  absl::Status Write(bool must_sync) override { return log_.Write(must_sync); }

 private:
  HostLog& log_;
};

class HostLogTest : public testing::Test, public raft::HostEmbedder {
 protected:
  HostLogTest() {
    directory_ = absl::StrCat(testing::TempDir(), "/",
                              testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory_);
  }

  // A host of groups with one voter each, which need nobody to commit.
  void Open() {
    host_.reset();
    groups_.clear();
    log_.reset();
    LogOptions options;
    options.identity = {7, 1};
    options.segment_bytes = 1 << 20;
    auto log = LogStore::Open(PosixFileSystem(), directory_ + "/log", options);
    if (!log.ok()) log = LogStore::Create(PosixFileSystem(), directory_ + "/log", options);
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    auto snapshots = SnapshotStore::Open(PosixFileSystem(), directory_ + "/snapshots", {});
    ASSERT_TRUE(snapshots.ok()) << snapshots.status();
    snapshots_ = *std::move(snapshots);
    host_log_ = std::make_unique<HostLog>(*log_, *snapshots_);
    disk_ = std::make_unique<Disk>(*host_log_);
    host_ = std::make_unique<raft::Host>(raft::HostOptions{.id = 1}, *disk_, *this);
    for (raft::GroupId group = 1; group <= kGroups; ++group) {
      DiskStorageOptions of_group;
      of_group.group = group;
      of_group.conf_state = raftpb::ConfState{.voters = {1}};
      auto storage = DiskStorage::Open(*log_, *snapshots_, of_group);
      ASSERT_TRUE(storage.ok()) << storage.status();
      groups_[group] = *std::move(storage);
      raft::Config config;
      config.id = 1;
      config.storage = groups_[group].get();
      auto node = raft::RawNode::Create(config);
      ASSERT_TRUE(node.ok()) << node.status();
      ASSERT_TRUE(host_->Add(group, *std::move(node)).ok());
    }
  }

  void Elect() {
    for (raft::GroupId group = 1; group <= kGroups; ++group) {
      ASSERT_TRUE(host_->Touch(group)->Campaign().ok());
    }
    ASSERT_TRUE(host_->Work().ok());
  }

  void Send(raft::HostMessage&) override {}
  void Apply(raft::GroupId group, const raft::Ready& ready) override {
    for (const raftpb::Entry& entry : ready.committed_entries) {
      applied_[group] += std::string(entry.data);
    }
  }
  void OnFailure(raft::GroupId, const absl::Status& why) override { FAIL() << why; }

  std::string directory_;
  std::unique_ptr<LogStore> log_;
  std::unique_ptr<SnapshotStore> snapshots_;
  std::unique_ptr<HostLog> host_log_;
  std::unique_ptr<Disk> disk_;
  std::map<raft::GroupId, std::unique_ptr<DiskStorage>> groups_;
  std::map<raft::GroupId, std::string> applied_;
  std::unique_ptr<raft::Host> host_;
};

TEST_F(HostLogTest, AllGroupsOfARoundShareOneSync) {
  Open();
  Elect();
  const uint64_t syncs = log_->stats().syncs;
  for (raft::GroupId group = 1; group <= kGroups; ++group) {
    ASSERT_TRUE(host_->Propose(group, absl::Cord("x")).ok());
  }
  ASSERT_TRUE(host_->Work().ok());
  EXPECT_EQ(log_->stats().syncs - syncs, 1);
  EXPECT_EQ(applied_.size(), kGroups);
}

TEST_F(HostLogTest, WhatWasAppliedIsThereAfterACrash) {
  Open();
  Elect();
  for (raft::GroupId group = 1; group <= kGroups; ++group) {
    ASSERT_TRUE(host_->Propose(group, absl::Cord(absl::StrCat("of ", group))).ok());
  }
  ASSERT_TRUE(host_->Work().ok());
  Open();  // What was staged is lost: the commit indexes. The groups commit again.
  applied_.clear();
  Elect();
  for (raft::GroupId group = 1; group <= kGroups; ++group) {
    EXPECT_EQ(applied_[group], absl::StrCat("of ", group));
  }
}

}  // namespace
}  // namespace storage
