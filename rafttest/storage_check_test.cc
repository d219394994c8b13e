// The storages of this library keep what raft/storage.h promises, and the check finds out who does
// not.

#include "rafttest/storage_check.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "raft/errors.h"
#include "rafttest/random.h"
#include "storage/disk_storage.h"
#include "storage/faulty_file_system.h"
#include "storage/memory_storage.h"

namespace rafttest {
namespace {

// --- Storages that are right ---------------------------------------------------------------------

class InMemory : public StorageUnderTest {
 public:
  const raft::Storage& storage() const override { return storage_; }

  absl::Status Save(const raftpb::SnapshotPtr& snapshot, const raftpb::EntryList& entries,
                    const absl::optional<raftpb::HardState>& hard_state) override {
    if (snapshot != nullptr) {
      if (absl::Status s = storage_.ApplySnapshot(snapshot); !s.ok()) return s;
    }
    if (!entries.empty()) {
      if (absl::Status s = storage_.Append(entries); !s.ok()) return s;
    }
    if (hard_state.has_value()) storage_.SetHardState(*hard_state);
    return absl::OkStatus();
  }
  absl::Status SaveSnapshot(raft::Index index, const raftpb::ConfState& conf_state,
                            const absl::Cord& data) override {
    return storage_.CreateSnapshot(index, conf_state, data).status();
  }
  absl::Status Compact(raft::Index index) override { return storage_.Compact(index); }

 protected:
  storage::MemoryStorage storage_;
};

TEST(StorageCheck, TheOneInMemory) {
  EXPECT_EQ(CheckStorage([] { return std::make_unique<InMemory>(); }), absl::OkStatus());
}

// On a disk that loses at each crash whatever was not synced.
class OnDisk : public StorageUnderTest {
 public:
  explicit OnDisk(uint64_t cache_bytes) {
    log_options_.identity = {1, 1};
    log_options_.segment_bytes = 1 << 14;
    log_options_.cache_bytes_per_group = cache_bytes;
    EXPECT_EQ(Open(), absl::OkStatus());
  }
  ~OnDisk() override { storage_.reset(); }

  const raft::Storage& storage() const override { return *storage_; }

  absl::Status Save(const raftpb::SnapshotPtr& snapshot, const raftpb::EntryList& entries,
                    const absl::optional<raftpb::HardState>& hard_state) override {
    storage::SaveRequest request;
    request.snapshot = snapshot;
    request.entries = entries;
    request.hard_state = hard_state;
    return storage_->Save(request);
  }
  absl::Status SaveSnapshot(raft::Index index, const raftpb::ConfState& conf_state,
                            const absl::Cord& data) override {
    return storage_->SaveSnapshot(index, conf_state, data);
  }
  absl::Status Compact(raft::Index index) override { return storage_->Compact(index); }

  absl::Status Reopen() override {
    storage_.reset();
    std::vector<storage::FaultyFileSystem::Fate> fates(disk_->Unsynced().size());
    for (auto& fate : fates) fate.kind = storage::FaultyFileSystem::Fate::Kind::kLost;
    disk_ = disk_->CrashImage(fates);
    return Open();
  }

 protected:
  storage::LogStore& log() { return storage_->log(); }

 private:
  absl::Status Open() {
    auto storage = storage::DiskStorage::OpenDirectory(*disk_, "d", log_options_, {});
    if (storage.ok()) storage_ = *std::move(storage);
    return storage.status();
  }

  storage::LogOptions log_options_;
  std::unique_ptr<storage::FaultyFileSystem> disk_ = std::make_unique<storage::FaultyFileSystem>();
  std::unique_ptr<storage::DiskStorage> storage_;
};

TEST(StorageCheck, TheOneOnDisk) {
  for (const uint64_t cache_bytes : {0, 500, 1 << 20}) {
    EXPECT_EQ(CheckStorage([&] { return std::make_unique<OnDisk>(cache_bytes); }), absl::OkStatus())
        << cache_bytes;
  }
}

// The same log serves other groups, which write more than this one: what it wrote long ago has to
// make room for them, and moves.
class OneOfMany : public StorageUnderTest {
 public:
  OneOfMany() {
    log_options_.identity = {1, 1};
    log_options_.segment_bytes = 1 << 14;
    log_options_.cache_bytes_per_group = 1000;
    log_options_.cache_bytes = 3000;
    log_ = *storage::LogStore::Create(*disk_, "log", log_options_);
    EXPECT_EQ(Open(), absl::OkStatus());
  }
  ~OneOfMany() override { Leave(); }

  const raft::Storage& storage() const override { return *storage_; }

  absl::Status Save(const raftpb::SnapshotPtr& snapshot, const raftpb::EntryList& entries,
                    const absl::optional<raftpb::HardState>& hard_state) override {
    storage::SaveRequest request;
    request.snapshot = snapshot;
    request.entries = entries;
    request.hard_state = hard_state;
    storage::LogBatch batch;
    AddOthers(batch);
    if (absl::Status s = storage_->AddTo(request, batch); !s.ok()) return s;
    AddOthers(batch);
    if (absl::Status s = log_->Write(batch); !s.ok()) return s;
    for (int i = random_.Chance(0.1) ? 60 : 0; i > 0; --i) {  // A while in which this one is idle.
      batch.Clear();
      AddOthers(batch);
      if (absl::Status s = log_->Write(batch); !s.ok()) return s;
    }
    if (absl::Status s = log_->Purge(); !s.ok()) return s;
    const storage::LogStats stats = log_->stats();
    EXPECT_LE(stats.disk_bytes, 3 * stats.live_bytes + 6 * log_options_.segment_bytes);
    return absl::OkStatus();
  }
  absl::Status SaveSnapshot(raft::Index index, const raftpb::ConfState& conf_state,
                            const absl::Cord& data) override {
    return storage_->SaveSnapshot(index, conf_state, data);
  }
  absl::Status Compact(raft::Index index) override { return storage_->Compact(index); }

  absl::Status Reopen() override {
    Leave();
    std::vector<storage::FaultyFileSystem::Fate> fates(disk_->Unsynced().size());
    for (auto& fate : fates) fate.kind = storage::FaultyFileSystem::Fate::Kind::kLost;
    disk_ = disk_->CrashImage(fates);
    auto log = storage::LogStore::Open(*disk_, "log", log_options_);
    if (!log.ok()) return log.status();
    log_ = *std::move(log);
    return Open();
  }

  static inline uint64_t segments_begun = 0;

 private:
  // Entries for some, which they have applied by the next time.
  void AddOthers(storage::LogBatch& batch) {
    for (storage::GroupId other = 1; other <= 9; ++other) {
      if (other == kOurs || random_.Chance(0.5)) continue;
      raft::Index& next = next_[other];
      if (random_.Chance(0.05)) {
        batch.Forget(other);
        next = 1;
      }
      if (next > 1 && random_.Chance(0.8)) batch.Compact(other, next - 1);
      raftpb::EntryList entries;
      for (uint64_t i = random_.Between(1, 4); i > 0; --i) {
        entries.PushBack(
            {.term = 1, .index = next++, .data = absl::Cord(std::string(random_.Below(800), 'o'))});
      }
      batch.Append(other, entries);
    }
  }
  absl::Status Open() {
    auto snapshots = storage::SnapshotStore::Open(*disk_, "snapshots", {});
    if (!snapshots.ok()) return snapshots.status();
    snapshots_ = *std::move(snapshots);
    auto storage = storage::DiskStorage::Open(*log_, *snapshots_, {.group = kOurs});
    if (!storage.ok()) return storage.status();
    storage_ = *std::move(storage);
    for (storage::GroupId other = 1; other <= 9; ++other) next_[other] = log_->LastIndex(other) + 1;
    return absl::OkStatus();
  }
  void Leave() {
    segments_begun += log_->stats().segments_begun;
    storage_.reset();
    snapshots_.reset();
    log_.reset();
  }

  static constexpr storage::GroupId kOurs = 5;

  Random random_{1};
  raft::Index next_[10] = {};
  storage::LogOptions log_options_;
  std::unique_ptr<storage::FaultyFileSystem> disk_ = std::make_unique<storage::FaultyFileSystem>();
  std::unique_ptr<storage::LogStore> log_;
  std::unique_ptr<storage::SnapshotStore> snapshots_;
  std::unique_ptr<storage::DiskStorage> storage_;
};

TEST(StorageCheck, OneOfManyInALog) {
  EXPECT_EQ(CheckStorage([] { return std::make_unique<OneOfMany>(); }, {.seeds = 20, .steps = 400}),
            absl::OkStatus());
  EXPECT_GT(OneOfMany::segments_begun, 10'000u);
}

// --- Storages that are wrong ---------------------------------------------------------------------

// Answers like another one, but for one mistake.
class Mistaken : public raft::Storage {
 public:
  explicit Mistaken(const raft::Storage& right) : right_(right) {}

  absl::StatusOr<InitialState> Initial() const override { return right_.Initial(); }
  absl::StatusOr<raftpb::EntryList> Entries(raft::IndexRange wanted,
                                            uint64_t max_bytes) const override {
    return right_.Entries(wanted, max_bytes);
  }
  absl::StatusOr<raft::Term> TermAt(raft::Index index) const override {
    return right_.TermAt(index);
  }
  raft::Index FirstIndex() const override { return right_.FirstIndex(); }
  raft::Index LastIndex() const override { return right_.LastIndex(); }
  absl::StatusOr<raftpb::SnapshotPtr> Snapshot() const override { return right_.Snapshot(); }

 protected:
  const raft::Storage& right_;
};

template <typename Mistake>
class WithMistake : public InMemory {
 public:
  const raft::Storage& storage() const override { return mistaken_; }

 private:
  const Mistake mistaken_{storage_};
};

template <typename Subject>
std::string Finding() {
  const absl::Status status = CheckStorage([] { return std::make_unique<Subject>(); });
  EXPECT_FALSE(status.ok()) << "not found";
  EXPECT_TRUE(absl::StrContains(status.message(), "after: ")) << status;
  return std::string(status.message());
}

struct ForgetsTheTermInFront : Mistaken {
  using Mistaken::Mistaken;
  absl::StatusOr<raft::Term> TermAt(raft::Index index) const override {
    if (index > 0 && index + 1 == FirstIndex()) return raft::Compacted();
    return right_.TermAt(index);
  }
};

struct CallsWhatIsAboveCompacted : Mistaken {
  using Mistaken::Mistaken;
  absl::StatusOr<raft::Term> TermAt(raft::Index index) const override {
    if (index > LastIndex()) return raft::Compacted();
    return right_.TermAt(index);
  }
};

struct GivesNoneIfNoneFits : Mistaken {
  using Mistaken::Mistaken;
  absl::StatusOr<raftpb::EntryList> Entries(raft::IndexRange wanted,
                                            uint64_t max_bytes) const override {
    auto entries = right_.Entries(wanted, max_bytes);
    if (entries.ok() && entries->EncodedSize() > max_bytes) return raftpb::EntryList();
    return entries;
  }
};

struct KnowsNoLimit : Mistaken {
  using Mistaken::Mistaken;
  absl::StatusOr<raftpb::EntryList> Entries(raft::IndexRange wanted, uint64_t) const override {
    return right_.Entries(wanted, raft::kNoLimit);
  }
};

struct StopsBeforeTheLimit : Mistaken {
  using Mistaken::Mistaken;
  absl::StatusOr<raftpb::EntryList> Entries(raft::IndexRange wanted,
                                            uint64_t max_bytes) const override {
    return right_.Entries(wanted, max_bytes == raft::kNoLimit ? max_bytes : max_bytes - 1);
  }
};

struct GivesWhatThereIsOfARange : Mistaken {
  using Mistaken::Mistaken;
  absl::StatusOr<raftpb::EntryList> Entries(raft::IndexRange wanted,
                                            uint64_t max_bytes) const override {
    if (wanted.begin <= LastIndex()) wanted.end = std::min(wanted.end, LastIndex() + 1);
    return right_.Entries(wanted, max_bytes);
  }
};

struct CountsTheSnapshotAsAnEntry : Mistaken {
  using Mistaken::Mistaken;
  raft::Index FirstIndex() const override {
    return right_.FirstIndex() > 1 ? right_.FirstIndex() - 1 : 1;
  }
};

struct HasNoSnapshotToGive : Mistaken {
  using Mistaken::Mistaken;
  absl::StatusOr<raftpb::SnapshotPtr> Snapshot() const override {
    return raft::SnapshotTemporarilyUnavailable();
  }
};

// Leaves what is behind entries that it replaces.
struct LeavesTheOldEnd : InMemory {
  absl::Status Save(const raftpb::SnapshotPtr& snapshot, const raftpb::EntryList& entries,
                    const absl::optional<raftpb::HardState>& hard_state) override {
    raftpb::EntryList all = entries;
    if (!entries.empty() && entries.back().index < storage_.LastIndex()) {
      all.Append(
          *storage_.Entries({entries.back().index + 1, storage_.LastIndex() + 1}, raft::kNoLimit));
    }
    return InMemory::Save(snapshot, all, hard_state);
  }
};

struct ForgetsVotes : InMemory {
  absl::Status Save(const raftpb::SnapshotPtr& snapshot, const raftpb::EntryList& entries,
                    const absl::optional<raftpb::HardState>& hard_state) override {
    auto changed = hard_state;
    if (changed.has_value()) changed->vote = 0;
    return InMemory::Save(snapshot, entries, changed);
  }
};

// Writes all but does not wait for the disk.
struct WaitsForNoDisk : OnDisk {
  WaitsForNoDisk() : OnDisk(0) {}
  absl::Status Save(const raftpb::SnapshotPtr& snapshot, const raftpb::EntryList& entries,
                    const absl::optional<raftpb::HardState>& hard_state) override {
    if (snapshot == nullptr && entries.empty() && hard_state.has_value()) {
      storage::LogBatch batch;
      batch.SetHardState(0, *hard_state);
      return log().Stage(batch);
    }
    return OnDisk::Save(snapshot, entries, hard_state);
  }
};

TEST(StorageCheck, FindsMistakes) {
  const auto has = [](const std::string& finding, absl::string_view part) {
    EXPECT_TRUE(absl::StrContains(finding, part)) << finding;
  };
  has(Finding<WithMistake<ForgetsTheTermInFront>>(), "TermAt(");
  has(Finding<WithMistake<CallsWhatIsAboveCompacted>>(), "TermAt(LastIndex() + 1) is");
  has(Finding<WithMistake<GivesNoneIfNoneFits>>(), "is 0 entries, and should be 1");
  has(Finding<WithMistake<KnowsNoLimit>>(), "entries, and should be");
  has(Finding<WithMistake<StopsBeforeTheLimit>>(), "entries, and should be");
  has(Finding<WithMistake<GivesWhatThereIsOfARange>>(), "Entries([");
  has(Finding<WithMistake<CountsTheSnapshotAsAnEntry>>(), "FirstIndex() is");
  has(Finding<WithMistake<HasNoSnapshotToGive>>(), "Snapshot() is");
  has(Finding<LeavesTheOldEnd>(), "LastIndex() is");
  has(Finding<ForgetsVotes>(), "Initial().hard_state is");
  has(Finding<WaitsForNoDisk>(), "Initial().hard_state is");
}

}  // namespace
}  // namespace rafttest
