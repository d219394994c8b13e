// Crash points, in the way of ALICE: a script runs on a disk that can lose what was not synced, and
// at every single operation the disk is asked what a crash right now could leave. Every answer must
// open, and be what was acknowledged, or that plus the batch that was being written: nothing
// less, nothing else, nothing in between. Opening is crashed in the same way.

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "storage/disk_storage.h"
#include "storage/errors.h"
#include "storage/faulty_file_system.h"
#include "storage/log_store.h"
#include "storage/snapshot_store.h"
#include "storage/testing.h"

namespace storage {
namespace {

#ifdef NDEBUG
constexpr int kBatches = 200;
constexpr size_t kImagesPerPoint = 10;  // Of those that are drawn; the systematic ones come first.
constexpr size_t kStride = 8;           // Of the operations that are lost or kept alone.
constexpr uint64_t kSeeds = 1;
constexpr size_t kDistinctImages = 20000;
#else  // The same, shorter.
constexpr int kBatches = 60;
constexpr size_t kImagesPerPoint = 1;
constexpr size_t kStride = 4;
constexpr uint64_t kSeeds = 1;
constexpr size_t kDistinctImages = 1000;
#endif

constexpr GroupId kServer = 1;  // The group that has snapshots.
constexpr GroupId kGroups = 5;

uint64_t Next(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// What a group must be.
struct GroupModel {
  raftpb::HardState hard_state;
  raft::EntryId compacted;
  raft::EntryId snapshot;
  std::vector<raftpb::Entry> entries;

  raft::Index last() const { return compacted.index + entries.size(); }
  raft::Term TermAt(raft::Index index) const {
    return index == compacted.index ? compacted.term : entries[index - compacted.index - 1].term;
  }
  void Append(const raftpb::EntryList& list) {
    entries.resize(list.front().index - compacted.index - 1);
    entries.insert(entries.end(), list.begin(), list.end());
  }
  void Compact(raft::Index index) {
    const raft::EntryId id{TermAt(index), index};
    entries.erase(entries.begin(),
                  entries.begin() + static_cast<ptrdiff_t>(index - compacted.index));
    compacted = id;
  }
  friend bool operator==(const GroupModel&, const GroupModel&) = default;
};
using Model = std::map<GroupId, GroupModel>;

// The contents of an opened log, as a model.
Model ModelOf(const LogStore& log) {
  Model model;
  for (GroupId id : log.Groups()) {
    const LogStore::GroupState state = *log.Find(id);
    GroupModel& group = model[id];
    group.hard_state = state.hard_state;
    group.compacted = state.compacted;
    if (state.snapshot != nullptr) group.snapshot = state.snapshot->id();
    if (state.last.index > state.compacted.index) {
      const auto entries =
          log.Entries(id, {state.compacted.index + 1, state.last.index + 1}, raft::kNoLimit);
      EXPECT_TRUE(entries.ok()) << entries.status();
      if (entries.ok()) group.entries.assign(entries->begin(), entries->end());
    }
  }
  return model;
}

std::string Describe(const Model& model) {
  std::string text;
  for (const auto& [id, group] : model) {
    absl::StrAppend(&text, " ", id, ":(", group.hard_state.term, ",", group.hard_state.vote, ",",
                    group.hard_state.commit, ") ", group.compacted.index, "..", group.last(),
                    " snap ", group.snapshot.index, ";");
  }
  return text;
}

LogOptions Options() {
  LogOptions options;
  options.identity = {7, 1};
  options.segment_bytes = 4096;
  options.cache_bytes_per_group = 200;
  options.record_bytes = 300;  // Batches of several records.
  return options;
}

absl::Cord SnapshotData(raft::Index index) {
  return absl::Cord(std::string(300 + index % 900, static_cast<char>('A' + index % 26)));
}

// A server on a disk: the log, the snapshots, the group that uses both.
struct Server {
  std::unique_ptr<LogStore> log;
  std::unique_ptr<SnapshotStore> snapshots;
  std::unique_ptr<DiskStorage> storage;

  absl::Status Open(FileSystem& fs) {
    storage.reset();
    log.reset();
    absl::StatusOr<std::unique_ptr<LogStore>> opened = LogStore::Open(fs, "log", Options());
    if (!opened.ok()) return opened.status();
    log = *std::move(opened);
    return OpenStorage(fs);
  }
  absl::Status Create(FileSystem& fs) {
    absl::StatusOr<std::unique_ptr<LogStore>> created = LogStore::Create(fs, "log", Options());
    if (!created.ok()) return created.status();
    log = *std::move(created);
    return OpenStorage(fs);
  }
  absl::Status OpenStorage(FileSystem& fs) {
    SnapshotOptions options;
    options.identity = Options().identity;
    options.chunk_bytes = 400;
    absl::StatusOr<std::unique_ptr<SnapshotStore>> store = SnapshotStore::Open(fs, "snap", options);
    if (!store.ok()) return store.status();
    snapshots = *std::move(store);
    DiskStorageOptions storage_options;
    storage_options.group = kServer;
    absl::StatusOr<std::unique_ptr<DiskStorage>> opened =
        DiskStorage::Open(*log, *snapshots, storage_options);
    if (!opened.ok()) return opened.status();
    storage = *std::move(opened);
    return absl::OkStatus();
  }
};

class CrashTest {
 public:
  explicit CrashTest(uint64_t seed) : random_(seed) {}

  void Run() {
    fs_.SetObserver([this](const DiskOperation& operation) { OnOperation(operation); });
    // Nothing is durable, and nothing was promised, until Create returns.
    next_ = Model();
    ASSERT_EQ(server_.Create(fs_), absl::OkStatus());
    Acknowledge();
    for (int batch = 0; batch < kBatches && !testing::Test::HasFailure(); ++batch) Step(batch);
    fs_.SetObserver(nullptr);
    EXPECT_GT(segments_filled_, kBatches / 20u) << "the script does not fill segments";
  }

  size_t points() const { return points_; }
  size_t images() const { return images_; }
  size_t torn() const { return torn_; }
  size_t nested() const { return nested_; }
  const std::unordered_set<uint64_t>& distinct() const { return distinct_; }

 private:
  // --- The script ---

  void Acknowledge() {
    durable_.clear();
    durable_.push_back(next_);
    ++version_;
  }

  void Step(int number) {
    const uint64_t choice = Next(random_) % 20;
    if (number % 50 == 49) return CrashAndReopen();
    if (number % 50 == 24) return KillAndReopen();
    if (number % 50 == 37) return CloseAndReopen();
    if (choice == 0) return SaveSnapshot();
    if (choice == 1) return StageHardState();
    if (choice == 2) return StageCompactionAndPurge();
    const uint64_t before = server_.log->stats().segments_begun;
    WriteBatch();
    segments_filled_ += server_.log->stats().segments_begun - before;
  }

  void WriteBatch() {
    LogBatch batch;
    const size_t groups = 1 + Next(random_) % 3;
    Model next = next_;
    for (size_t i = 0; i < groups; ++i) ChangeGroup(1 + Next(random_) % kGroups, batch, next);
    next_ = std::move(next);
    const absl::Status written = server_.log->Write(batch);
    ASSERT_EQ(written, absl::OkStatus());
    Acknowledge();
  }

  void ChangeGroup(GroupId id, LogBatch& batch, Model& model) {
    if (id == kGroups && model.count(id) > 0 && Next(random_) % 8 == 0) {
      batch.Forget(id);
      model.erase(id);
      return;
    }
    GroupModel& group = model[id];
    // Sometimes replaces what is not committed.
    raft::Index first = group.last() + 1;
    if (Next(random_) % 4 == 0 && group.hard_state.commit < group.last()) {
      first = group.hard_state.commit + 1;
      ++group.hard_state.term;
    }
    const raft::Term term = std::max<raft::Term>(group.hard_state.term, 1);
    const size_t bytes = Next(random_) % 10 == 0 ? 900 : 8 + Next(random_) % 60;
    const raftpb::EntryList entries = MakeEntries(term, first, 1 + Next(random_) % 4, bytes);
    batch.Append(id, entries);
    group.Append(entries);
    group.hard_state = {term, Next(random_) % 3,
                        std::max(group.hard_state.commit, group.last() - Next(random_) % 3)};
    group.hard_state.commit = std::min(group.hard_state.commit, group.last());
    batch.SetHardState(id, group.hard_state);
    // All but one group compact; the idle one must not pin the disk.
    const raft::Index limit = id == kServer ? group.snapshot.index : group.hard_state.commit;
    if (id != 3 && Next(random_) % 3 == 0 && limit > group.compacted.index) {
      batch.Compact(id, limit);
      group.Compact(limit);
    }
  }

  void SaveSnapshot() {
    if (next_.count(kServer) == 0) return;
    GroupModel& group = next_[kServer];
    const raft::Index index = group.hard_state.commit;
    if (index <= group.snapshot.index) return;
    group.snapshot = {group.TermAt(index), index};
    ASSERT_EQ(server_.storage->SaveSnapshot(index, {}, SnapshotData(index)), absl::OkStatus());
    Acknowledge();
  }

  // Visible at once, durable with the next batch.
  void StageHardState() {
    if (next_.count(2) == 0) return;
    GroupModel& group = next_[2];
    if (group.hard_state.commit == group.last()) return;
    ++group.hard_state.commit;
    LogBatch batch;
    batch.SetHardState(2, group.hard_state);
    ASSERT_EQ(server_.log->Stage(batch), absl::OkStatus());
  }

  // What is purged must not be needed by anything that is not durable yet.
  void StageCompactionAndPurge() {
    LogBatch batch;
    for (auto& [id, group] : next_) {
      const raft::Index limit = id == kServer ? group.snapshot.index : group.hard_state.commit;
      if (id == 3 || limit <= group.compacted.index) continue;
      batch.Compact(id, limit);
      group.Compact(limit);
    }
    ASSERT_EQ(server_.log->Stage(batch), absl::OkStatus());
    ASSERT_EQ(server_.log->Purge(), absl::OkStatus());
    Acknowledge();
  }

  void CloseAndReopen() {
    ASSERT_EQ(server_.log->Close(), absl::OkStatus());
    Acknowledge();
    ASSERT_EQ(server_.Open(fs_), absl::OkStatus());
    EXPECT_TRUE(server_.log->report().clean);
    EXPECT_EQ(ModelOf(*server_.log), next_);
  }

  void KillAndReopen() {
    Abandon();
    fs_.KillProcess();
    Reopen();
  }

  // A batch that is being written when the machine stops.
  void CrashAndReopen() {
    LogBatch batch;
    Model next = next_;
    for (GroupId id = 1; id <= 4; ++id) ChangeGroup(id, batch, next);
    next_ = std::move(next);
    bool crashed = false;
    fs_.SetFaultHook([&crashed](const DiskOperation& operation) {
      DiskFault fault;
      if (operation.kind == DiskOperation::Kind::kSync && !crashed) {
        crashed = true;
        fault.kind = DiskFault::Kind::kIoError;
      }
      return fault;
    });
    EXPECT_FALSE(server_.log->Write(batch).ok());
    fs_.SetFaultHook(nullptr);
    Abandon();
    fs_.Crash(random_);
    Reopen();
  }

  void Abandon() {
    server_.storage.reset();
    server_.log.reset();
  }

  void Reopen() {
    ASSERT_EQ(server_.Open(fs_), absl::OkStatus());
    const Model found = ModelOf(*server_.log);
    EXPECT_TRUE(IsAllowed(found)) << Describe(found);
    next_ = found;
    Acknowledge();
  }

  // --- The checks ---

  bool IsAllowed(const Model& found) const {
    return found == next_ || std::find(durable_.begin(), durable_.end(), found) != durable_.end();
  }

  void OnOperation(const DiskOperation& operation) {
    if (inside_ || testing::Test::HasFailure()) return;
    if (operation.kind == DiskOperation::Kind::kRead ||
        operation.kind == DiskOperation::Kind::kSize ||
        operation.kind == DiskOperation::Kind::kOpen ||
        operation.kind == DiskOperation::Kind::kList) {
      return;  // Nothing changed since the operation before.
    }
    inside_ = true;
    ++points_;
    where_ = storage::Describe(operation);
    ForEachFate(fs_, [this](const std::vector<FaultyFileSystem::Fate>& fates) {
      CheckImage(fs_.CrashImage(fates));
    });
    inside_ = false;
  }

  // All subsets of what may be lost if there are few; else all of it, all but each, only each, and
  // as many others as there is time for.
  template <typename Visit>
  void ForEachFate(const FaultyFileSystem& fs, Visit visit) {
    using Fate = FaultyFileSystem::Fate;
    const std::vector<UnsyncedOperation> unsynced = fs.Unsynced();
    struct Atom {
      size_t operation;
      uint64_t sector;
    };
    std::vector<Atom> atoms;
    for (size_t i = 0; i < unsynced.size(); ++i) {
      const UnsyncedOperation& op = unsynced[i];
      uint64_t sectors = 1;
      if (op.kind == DiskOperation::Kind::kWrite) {
        sectors = (op.offset + op.size - 1) / 512 - op.offset / 512 + 1;
      }
      for (uint64_t sector = 0; sector < sectors; ++sector) atoms.push_back({i, sector});
    }
    const auto visit_subset = [&](const auto& is_kept) {
      std::vector<Fate> fates(unsynced.size());
      for (size_t i = 0; i < fates.size(); ++i) {
        fates[i].kind = unsynced[i].kind == DiskOperation::Kind::kWrite ? Fate::Kind::kSectors
                                                                        : Fate::Kind::kLost;
      }
      for (size_t a = 0; a < atoms.size(); ++a) {
        if (!is_kept(a)) continue;
        Fate& fate = fates[atoms[a].operation];
        if (fate.kind == Fate::Kind::kLost) fate.kind = Fate::Kind::kKept;
        fate.mask |= uint64_t{1} << (atoms[a].sector % 64);
      }
      visit(fates);
    };
    const size_t n = atoms.size();
    if (n <= 12 && (uint64_t{1} << n) <= 16 * kImagesPerPoint) {
      for (uint64_t mask = 0; mask < uint64_t{1} << n; ++mask) {
        visit_subset([mask](size_t a) { return (mask >> a & 1) != 0; });
      }
    } else {
      visit_subset([](size_t) { return false; });
      visit_subset([](size_t) { return true; });
      for (size_t i = Next(random_) % kStride; i < n; i += kStride) {
        visit_subset([i](size_t a) { return a == i; });
        visit_subset([i](size_t a) { return a != i; });
      }
    }
    for (size_t i = 0; i < kImagesPerPoint && n > 0; ++i) visit(fs.RandomFates(random_));
  }

  void CheckImage(std::unique_ptr<FaultyFileSystem> image) {
    if (testing::Test::HasFailure()) return;
    ++images_;
    const uint64_t fingerprint = image->Fingerprint();
    if (!checked_.insert(fingerprint + version_ * 0x9e3779b97f4a7c15).second) return;
    distinct_.insert(fingerprint);

    const bool go_on = distinct_.size() % 4 == 0;
    const bool deeper = distinct_.size() % 16 == 0;
    const std::unique_ptr<FaultyFileSystem> again = deeper ? image->CrashImage({}) : nullptr;
    Model recovered;
    if (!CheckOpens(*image, recovered)) return;
    if (go_on) CheckGoesOn(*image, recovered);
    if (deeper) CrashRecovery(*again);
  }

  // Opens an image, and says what it holds. False if there is nothing more to check.
  bool CheckOpens(FaultyFileSystem& image, Model& recovered) {
    Server server;
    const absl::Status opened = server.Open(image);
    if (IsNothingStored(opened) && version_ == 0) return false;  // Not even created.
    EXPECT_EQ(opened, absl::OkStatus()) << where_;
    if (!opened.ok()) return false;
    if (server.log->report().torn_tail.has_value()) ++torn_;
    recovered = ModelOf(*server.log);
    EXPECT_TRUE(IsAllowed(recovered))
        << where_ << "\nfound  " << Describe(recovered) << "\nbefore " << Describe(durable_.back())
        << "\nafter  " << Describe(next_);
    const auto group = recovered.find(kServer);
    if (group != recovered.end() && group->second.snapshot.index > 0) {
      const auto snapshot = server.storage->Snapshot();
      EXPECT_TRUE(snapshot.ok()) << where_ << snapshot.status();
      if (snapshot.ok()) {
        EXPECT_EQ((*snapshot)->data, SnapshotData(group->second.snapshot.index)) << where_;
      }
    }
    return true;
  }

  // What was recovered may have been promised: it survives another crash, and so does what is
  // written behind it.
  void CheckGoesOn(FaultyFileSystem& image, Model recovered) {
    const auto lose = [](const FaultyFileSystem& fs) {
      std::vector<FaultyFileSystem::Fate> fates(fs.Unsynced().size());
      for (auto& fate : fates) fate.kind = FaultyFileSystem::Fate::Kind::kLost;
      return fs.CrashImage(fates);
    };
    const auto expect = [&](FaultyFileSystem& fs, const char* when) {
      Server server;
      ASSERT_EQ(server.Open(fs), absl::OkStatus()) << where_ << ", " << when;
      EXPECT_FALSE(server.log->report().torn_tail.has_value()) << where_ << ", " << when;
      EXPECT_EQ(ModelOf(*server.log), recovered) << where_ << ", " << when;
    };
    std::unique_ptr<FaultyFileSystem> after = lose(image);
    expect(*after, "crashed after recovery");
    if (testing::Test::HasFailure()) return;
    {
      Server server;
      ASSERT_EQ(server.Open(*after), absl::OkStatus());
      LogBatch batch;
      GroupModel& group = recovered[4];
      const raftpb::EntryList entries =
          MakeEntries(std::max<raft::Term>(group.hard_state.term, 1), group.last() + 1, 1);
      batch.Append(4, entries);
      group.Append(entries);
      ASSERT_EQ(server.log->Write(batch), absl::OkStatus()) << where_;
    }
    after = lose(*after);
    expect(*after, "crashed after going on");
  }

  // Crashes at every operation of opening, and opens what that leaves.
  void CrashRecovery(FaultyFileSystem& image) {
    image.SetObserver([this, &image](const DiskOperation& operation) {
      if (operation.kind == DiskOperation::Kind::kRead) return;
      for (int i = 0; i < 2; ++i) {
        std::unique_ptr<FaultyFileSystem> nested = image.CrashImage(image.RandomFates(random_));
        if (!distinct_.insert(nested->Fingerprint()).second) continue;
        ++nested_;
        Model recovered;
        (void)CheckOpens(*nested, recovered);
      }
    });
    Server server;
    (void)server.Open(image);
    image.SetObserver(nullptr);
  }

  uint64_t random_;
  FaultyFileSystem fs_;
  Server server_;
  std::vector<Model> durable_ = {Model()};  // What a crash may leave,
  Model next_;                              // or this, which is being written.
  uint64_t version_ = 0;                    // Of what is acknowledged.

  bool inside_ = false;
  std::string where_;
  size_t points_ = 0;
  size_t images_ = 0;
  size_t torn_ = 0;
  size_t nested_ = 0;
  uint64_t segments_filled_ = 0;
  std::unordered_set<uint64_t> checked_;
  std::unordered_set<uint64_t> distinct_;
};

TEST(Crash, AtAnyOperationLosesNothingThatWasAcknowledged) {
  std::unordered_set<uint64_t> distinct;
  size_t points = 0;
  size_t images = 0;
  size_t torn = 0;
  size_t nested = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    CrashTest test(seed);
    test.Run();
    distinct.insert(test.distinct().begin(), test.distinct().end());
    points += test.points();
    images += test.images();
    torn += test.torn();
    nested += test.nested();
    if (HasFailure()) return;
  }
  std::printf(
      "%zu crash points, %zu images, %zu distinct, %zu of them inside of recovery, "
      "%zu torn tails cut\n",
      points, images, distinct.size(), nested, torn);
  EXPECT_GE(distinct.size(), kDistinctImages);
  EXPECT_GT(torn, 0u);
}

}  // namespace
}  // namespace storage
