// Every operation fails, in turn, in every way that an operating system has; then the machine
// crashes or only the process ends; then the log is opened again. What was acknowledged is there,
// an error is told when it happens and is final where it must be, and no attempt does damage.

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/errors.h"
#include "storage/faulty_file_system.h"
#include "storage/log_store.h"
#include "storage/testing.h"

namespace storage {
namespace {

#ifdef NDEBUG
constexpr size_t kStride = 1;
#else
constexpr size_t kStride = 5;
#endif

using FaultKind = DiskFault::Kind;

constexpr GroupId kGroup = 3;

LogOptions Options() {
  LogOptions options;
  options.identity = {7, 1};
  options.segment_bytes = 4096;
  options.cache_bytes_per_group = 100;
  return options;
}

// A life of a log: batch n has the entry n. Stops at the first error.
struct Life {
  raft::Index acknowledged = 0;
  raft::Index tried = 0;
  absl::Status error;  // The first.
  bool tried_again = false;
  absl::Status second_error;  // What one more batch says then.

  void Run(FileSystem& fs, raft::Index batches) {
    absl::StatusOr<std::unique_ptr<LogStore>> log = LogStore::Open(fs, "log", Options());
    if (IsNothingStored(log.status())) log = LogStore::Create(fs, "log", Options());
    error = log.status();
    if (!log.ok()) return;
    acknowledged = tried = (*log)->LastIndex(kGroup);
    while (error.ok() && tried < batches) {
      error = Write(**log, ++tried);
      if (error.ok()) acknowledged = tried;
    }
    if (!error.ok()) {
      tried_again = true;
      second_error = Write(**log, acknowledged + 1);
      if (second_error.ok()) acknowledged = tried = acknowledged + 1;
      return;
    }
    error = (*log)->Close();
  }

  static absl::Status Write(LogStore& log, raft::Index index) {
    LogBatch batch;
    batch.Append(kGroup, MakeEntries(1 + index / 10, index, 1, 100 + index * 37 % 700));
    if (index % 5 == 0) batch.Compact(kGroup, index - 3);
    batch.SetHardState(kGroup, {1 + index / 10, 2, index});
    return log.Write(batch);
  }
};

void ExpectHolds(FileSystem& fs, const Life& life, const std::string& what) {
  const absl::StatusOr<std::unique_ptr<LogStore>> log = LogStore::Open(fs, "log", Options());
  if (IsNothingStored(log.status())) {
    EXPECT_EQ(life.acknowledged, 0u) << what;
    return;
  }
  ASSERT_EQ(log.status(), absl::OkStatus()) << what;
  const raft::Index last = (*log)->LastIndex(kGroup);
  EXPECT_GE(last, life.acknowledged) << what;
  EXPECT_LE(last, std::max(life.tried, life.acknowledged)) << what;
  for (raft::Index index = (*log)->FirstIndex(kGroup); index <= last; ++index) {
    const auto entries = (*log)->Entries(kGroup, {index, index + 1}, 0);
    ASSERT_TRUE(entries.ok()) << what << entries.status();
    EXPECT_EQ(entries->front(), MakeEntries(1 + index / 10, index, 1, 100 + index * 37 % 700)[0])
        << what;
  }
  if (last > 0) {
    EXPECT_EQ((*log)->Find(kGroup)->hard_state.commit, last) << what;
  }
}

struct Fault {
  const char* name;
  FaultKind kind;
  std::set<DiskOperation::Kind> operations;  // Empty: all.
  bool harmless;                             // Nothing fails: it is repeated.
};

const Fault kFaults[] = {
    {"EIO", FaultKind::kIoError, {}, false},
    {"ENOSPC",
     FaultKind::kNoSpace,
     {DiskOperation::Kind::kWrite, DiskOperation::Kind::kAllocate, DiskOperation::Kind::kCreate,
      DiskOperation::Kind::kRename, DiskOperation::Kind::kCreateDirectory},
     false},
    {"EINTR",
     FaultKind::kInterrupted,
     {DiskOperation::Kind::kWrite, DiskOperation::Kind::kRead},
     true},
    {"short", FaultKind::kShort, {DiskOperation::Kind::kWrite, DiskOperation::Kind::kRead}, true},
    {"half and EIO", FaultKind::kPartial, {DiskOperation::Kind::kWrite}, false},
    {"sync drops pages", FaultKind::kSyncDropsPages, {DiskOperation::Kind::kSync}, false},
    {"sync loses pages", FaultKind::kSyncLosesPages, {DiskOperation::Kind::kSync}, false},
};

// Runs a life in which the operation `number` fails. False if there is no such operation any more.
bool FailOne(const Fault& fault, uint64_t number, bool old_log, size_t& failed, size_t& checked) {
  FaultyFileSystem fs;
  if (old_log) {  // Its torn tail is cut in the life that is looked at.
    Life before;
    before.Run(fs, 20);
    std::string newest;
    for (const auto& [path, contents] : fs.Contents()) {
      if (path.find(".wal") != std::string::npos) newest = path;
    }
    const std::string contents = fs.Contents().at(newest);
    const size_t end = (contents.find_last_not_of('\0') / 512 + 1) * 512;
    std::string torn = contents;
    torn.replace(end + 512, 5, "noise");
    fs.Put(newest, torn);
  }
  bool reached = false;
  uint64_t position = 0;
  std::string where;
  fs.SetFaultHook([&](const DiskOperation& operation) {
    DiskFault result;
    if (!fault.operations.empty() && fault.operations.count(operation.kind) == 0) return result;
    if (position++ != number) return result;
    reached = true;
    where = absl::StrCat(fault.name, " of ", Describe(operation), old_log ? ", opening" : "");
    result.kind = fault.kind;
    result.keep = operation.size / 2 + 1;
    return result;
  });
  Life life;
  if (old_log) life.acknowledged = life.tried = 20;
  life.Run(fs, 30);
  fs.SetFaultHook(nullptr);
  if (!reached) return false;
  failed += !life.error.ok();
  if (fault.harmless) {
    EXPECT_EQ(life.error, absl::OkStatus()) << where;
  }
  if (life.tried_again) {
    EXPECT_EQ(life.second_error.ok(), IsNoSpace(life.error))
        << where << ": after " << life.error << " came " << life.second_error;
  }
  // The process ends and the machine goes on, or stops soon after: both must hold.
  fs.KillProcess();
  ExpectHolds(fs, life, absl::StrCat(where, ", process ended"));
  Life second = life;
  second.error = absl::OkStatus();
  {
    const absl::StatusOr<std::unique_ptr<LogStore>> log = LogStore::Open(fs, "log", Options());
    if (log.ok()) second.acknowledged = second.tried = (*log)->LastIndex(kGroup);
  }
  std::vector<FaultyFileSystem::Fate> fates(fs.Unsynced().size());
  for (auto& fate : fates) fate.kind = FaultyFileSystem::Fate::Kind::kLost;
  const std::unique_ptr<FaultyFileSystem> after = fs.CrashImage(fates);
  ExpectHolds(*after, second, absl::StrCat(where, ", machine stopped"));
  ++checked;
  return true;
}

TEST(FaultReturn, EachOperationFailsOnce) {
  for (const Fault& fault : kFaults) {
    size_t failed = 0;
    size_t checked = 0;
    for (bool old_log : {false, true}) {
      for (uint64_t number = 0; FailOne(fault, number, old_log, failed, checked);
           number += kStride) {
        if (HasFailure()) return;
      }
    }
    std::printf("%s: %zu operations, %zu errors told\n", fault.name, checked, failed);
    EXPECT_EQ(failed == 0, fault.harmless) << fault.name;
  }
}

// The log refuses a batch before anything of it is written, works as before, and takes the batch
// once there is space.
TEST(FaultReturn, AFullDiskIsNoDamage) {
  FaultyFileSystem fs;
  fs.set_capacity(8192 + 3 * 4096 + 100);
  auto log = *LogStore::Create(fs, "log", Options());
  raft::Index index = 1;
  absl::Status status;
  while ((status = Life::Write(*log, index)).ok()) ++index;
  EXPECT_TRUE(IsNoSpace(status)) << status;
  EXPECT_GT(index, 10u);
  EXPECT_EQ(log->LastIndex(kGroup), index - 1);
  EXPECT_EQ(log->status(), absl::OkStatus());
  EXPECT_TRUE(IsNoSpace(Life::Write(*log, index)));
  EXPECT_TRUE(log->Entries(kGroup, {log->FirstIndex(kGroup), index}, raft::kNoLimit).ok());

  log.reset();  // Opening needs no space.
  log = *LogStore::Open(fs, "log", Options());
  EXPECT_EQ(log->LastIndex(kGroup), index - 1);
  EXPECT_TRUE(IsNoSpace(Life::Write(*log, index)));
  fs.set_capacity(1 << 20);
  EXPECT_EQ(Life::Write(*log, index), absl::OkStatus());
  EXPECT_EQ(log->LastIndex(kGroup), index);
}

// A sync that failed is not asked again, and nothing is written after it.
TEST(FaultReturn, AFailedSyncIsFinal) {
  FaultyFileSystem fs;
  auto log = *LogStore::Create(fs, "log", Options());
  ASSERT_EQ(Life::Write(*log, 1), absl::OkStatus());
  bool failed = false;
  size_t after = 0;
  fs.SetFaultHook([&](const DiskOperation& operation) {
    DiskFault fault;
    if (failed) ++after;
    if (operation.kind == DiskOperation::Kind::kSync && !failed) {
      failed = true;
      fault.kind = FaultKind::kSyncDropsPages;
    }
    return fault;
  });
  EXPECT_TRUE(IsSyncFailed(Life::Write(*log, 2)));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(IsSyncFailed(Life::Write(*log, 2)));
  EXPECT_TRUE(IsSyncFailed(log->Close()));
  EXPECT_TRUE(IsSyncFailed(log->status()));
  EXPECT_EQ(after, 0u) << "operations after the failed sync";
  EXPECT_EQ(log->LastIndex(kGroup), 1u);
}

// A disk that lies about syncs loses what was acknowledged. Nobody can prevent that; what can be
// noticed is noticed.
TEST(FaultReturn, ALyingDiskIsFoundOutByTheMark) {
  FaultyFileSystem fs;
  auto log = *LogStore::Create(fs, "log", Options());
  for (raft::Index index = 1; index <= 3; ++index) {
    ASSERT_EQ(Life::Write(*log, index), absl::OkStatus());
  }
  fs.SetFaultHook([](const DiskOperation& operation) {
    DiskFault fault;
    const bool log_sync = operation.kind == DiskOperation::Kind::kSync &&
                          operation.path.find("MARK") == absl::string_view::npos;
    if (log_sync) fault.kind = FaultKind::kSyncLies;
    return fault;
  });
  ASSERT_EQ(Life::Write(*log, 4), absl::OkStatus());
  ASSERT_EQ(log->Close(), absl::OkStatus());
  std::vector<FaultyFileSystem::Fate> fates(fs.Unsynced().size());
  for (auto& fate : fates) fate.kind = FaultyFileSystem::Fate::Kind::kLost;
  const auto after = fs.CrashImage(fates);
  const absl::Status status = LogStore::Open(*after, "log", Options()).status();
  EXPECT_TRUE(IsCorruption(status)) << status;
}

}  // namespace
}  // namespace storage
