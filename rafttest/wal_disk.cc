#include "rafttest/wal_disk.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/check.h"
#include "raft/errors.h"
#include "raftpb/describe.h"
#include "storage/errors.h"

namespace rafttest {

using storage::DiskFault;
using storage::DiskOperation;
using storage::DiskStorage;
using storage::FaultyFileSystem;

namespace {

constexpr char kDirectory[] = "server";

absl::Status BrokenPromise(absl::string_view what) { return absl::DataLossError(what); }

bool Changes(DiskOperation::Kind kind) {
  switch (kind) {
    case DiskOperation::Kind::kOpen:
    case DiskOperation::Kind::kRead:
    case DiskOperation::Kind::kSize:
    case DiskOperation::Kind::kList:
    case DiskOperation::Kind::kLock: return false;
    default: return true;
  }
}

}  // namespace

void DiskCoverage::Add(const DiskCoverage& other) {
  power_cuts += other.power_cuts;
  process_deaths += other.process_deaths;
  cuts_while_recovering += other.cuts_while_recovering;
  io_errors += other.io_errors;
  sync_failures += other.sync_failures;
  no_space += other.no_space;
  short_operations += other.short_operations;
  torn_tails += other.torn_tails;
  rot_refused += other.rot_refused;
  rot_harmless += other.rot_harmless;
  rot_cut += other.rot_cut;
  batches += other.batches;
}

// The log as it is, snapshots as the state machine is.
class WalDisk::Storage : public raft::Storage {
 public:
  explicit Storage(const WalDisk& disk) : disk_(disk) {}

  absl::StatusOr<InitialState> Initial() const override { return disk_.disk_->Initial(); }
  absl::StatusOr<raftpb::EntryList> Entries(raft::IndexRange wanted,
                                            uint64_t max_bytes) const override {
    return disk_.disk_->Entries(wanted, max_bytes);
  }
  absl::StatusOr<raft::Term> TermAt(raft::Index index) const override {
    return disk_.disk_->TermAt(index);
  }
  raft::Index FirstIndex() const override { return disk_.disk_->FirstIndex(); }
  raft::Index LastIndex() const override { return disk_.disk_->LastIndex(); }
  absl::StatusOr<raftpb::SnapshotPtr> Snapshot() const override {
    return disk_.source_->SnapshotNow();
  }

 private:
  const WalDisk& disk_;
};

// Small segments, records and caches, so that each run sees their ends.
WalDisk::WalDisk(raft::NodeId id, const Faults& faults, Random random)
    : faults_(faults),
      random_(random),
      files_(std::make_unique<FaultyFileSystem>()),
      storage_(std::make_unique<Storage>(*this)) {
  log_options_.identity = {.cluster_id = 7, .node_id = id};
  log_options_.segment_bytes = uint64_t{4096} << random_.Below(4);
  log_options_.block_bytes = random_.Chance(0.5) ? 512 : 64;
  log_options_.record_bytes = random_.Chance(0.5) ? 256 << 10 : 300;
  log_options_.cache_bytes_per_group = random_.Chance(0.5) ? 16 << 20 : 100;
  log_options_.salt = 1;
  files_->SetFaultHook([this](const DiskOperation& operation) { return FaultFor(operation); });
}

WalDisk::~WalDisk() = default;

raft::Storage& WalDisk::storage() { return *storage_; }

DiskFault WalDisk::FaultFor(const DiskOperation& operation) {
  if (operations_left_) {
    if (*operations_left_ == 0) {
      power_gone_ = true;
      return {.kind = DiskFault::Kind::kIoError};
    }
    --*operations_left_;
  }
  if (!faulty_) return {};
  const bool transfers =
      operation.kind == DiskOperation::Kind::kRead || operation.kind == DiskOperation::Kind::kWrite;
  if (transfers && operation.size > 0 && random_.Chance(faults_.disk_short)) {
    ++coverage_.short_operations;
    if (random_.Chance(0.5)) return {.kind = DiskFault::Kind::kInterrupted};
    return {.kind = DiskFault::Kind::kShort, .keep = 1 + random_.Below(operation.size)};
  }
  if (!Changes(operation.kind)) return {};
  const bool allocates = operation.kind == DiskOperation::Kind::kAllocate ||
                         operation.kind == DiskOperation::Kind::kCreate;
  if (allocates && random_.Chance(faults_.disk_full)) {
    ++coverage_.no_space;
    return {.kind = DiskFault::Kind::kNoSpace};
  }
  if (!random_.Chance(faults_.disk_error)) return {};
  if (operation.kind == DiskOperation::Kind::kSync) {
    ++coverage_.sync_failures;
    const uint64_t how = random_.Below(3);
    return {.kind = how == 0   ? DiskFault::Kind::kIoError
                    : how == 1 ? DiskFault::Kind::kSyncDropsPages
                               : DiskFault::Kind::kSyncLosesPages};
  }
  ++coverage_.io_errors;
  if (operation.kind == DiskOperation::Kind::kWrite && random_.Chance(0.5)) {
    return {.kind = DiskFault::Kind::kPartial, .keep = random_.Below(operation.size + 1)};
  }
  return {.kind = DiskFault::Kind::kIoError};
}

absl::StatusOr<std::unique_ptr<DiskStorage>> WalDisk::OpenOn(storage::FileSystem& files) const {
  return DiskStorage::OpenDirectory(files, kDirectory, log_options_, {});
}

absl::Status WalDisk::Found(const raftpb::SnapshotPtr& snapshot) {
  if (absl::Status s = Open().status(); !s.ok()) return s;
  faulty_ = false;
  Batch batch;
  batch.snapshot = snapshot;
  batch.must_sync = true;
  return Write(batch);
}

absl::StatusOr<raftpb::SnapshotPtr> WalDisk::Open() {
  faulty_ = false;
  if (disk_ == nullptr) {
    auto opened = OpenOn(*files_);
    if (!opened.ok()) return opened.status();
    disk_ = *std::move(opened);
  }
  absl::StatusOr<raftpb::SnapshotPtr> snapshot = disk_->Snapshot();
  faulty_ = true;
  if (raft::IsSnapshotTemporarilyUnavailable(snapshot.status())) return nullptr;
  return snapshot;
}

// --- Writing -------------------------------------------------------------------------------------

void WalDisk::Apply(const Batch& batch, Content& content) {
  if (batch.snapshot != nullptr) {
    const raftpb::SnapshotMetadata& metadata = batch.snapshot->metadata;
    uint64_t hash = 0;
    const std::string bytes(batch.snapshot->data);
    std::copy_n(bytes.data(), std::min(bytes.size(), sizeof(hash)), reinterpret_cast<char*>(&hash));
    content.log.Restore(metadata.index, {.term = metadata.term, .hash = hash});
    content.snapshot = metadata.index;
  }
  if (batch.hard_state) content.hard_state = *batch.hard_state;
  if (!batch.entries.empty()) content.log.Append(batch.entries);
}

absl::Status WalDisk::Write(const Batch& batch) {
  if (batch.entries.empty() && !batch.hard_state && batch.snapshot == nullptr) {
    return absl::OkStatus();
  }
  ++coverage_.batches;
  if (faulty_ && random_.Chance(faults_.power_cut)) CutPowerAfter(random_.Below(6));
  if (batch.snapshot != nullptr) snapshots_[batch.snapshot->metadata.index] = batch.snapshot->data;
  const storage::SaveRequest request = {.entries = batch.entries,
                                        .hard_state = batch.hard_state,
                                        .snapshot = batch.snapshot,
                                        .must_sync = batch.must_sync};
  const absl::Status saved = disk_->Save(request);
  if (absl::Status s = AfterPowerCut(saved); !s.ok()) return s;
  Apply(batch, promised_);
  if (batch.must_sync) synced_commit_ = promised_.hard_state.commit;
  return absl::OkStatus();
}

absl::Status WalDisk::SaveSnapshot(raft::EntryId id, const raftpb::ConfState& conf_state,
                                   const absl::Cord& data) {
  if (faulty_ && random_.Chance(faults_.power_cut)) CutPowerAfter(random_.Below(12));
  snapshots_[id.index] = data;
  const absl::Status saved = disk_->SaveSnapshot(id.index, conf_state, data);
  if (absl::Status s = AfterPowerCut(saved); !s.ok()) return s;
  promised_.snapshot = id.index;
  return absl::OkStatus();
}

absl::Status WalDisk::Compact(raft::Index index) {
  if (absl::Status s = disk_->Compact(index); !s.ok()) return s;
  const absl::Status purged = disk_->log().Purge();
  return storage::IsNoSpace(purged) ? absl::OkStatus() : purged;  // Another time.
}

// If the power went in between, nobody hears how it ended.
absl::Status WalDisk::AfterPowerCut(absl::Status status) {
  operations_left_.reset();
  return power_gone_ ? storage::IoError(kDirectory, "the power is gone") : status;
}

// --- Crashing ------------------------------------------------------------------------------------

absl::StatusOr<std::vector<SimDisk::Batch>> WalDisk::Crash(Random& random,
                                                           absl::Span<const Batch> under_way) {
  std::vector<Content> candidates = {promised_};
  const bool completed = random.Chance(faults_.kept_write);
  if (!completed && !power_gone_) CutPowerAfter(random.Below(10));
  bool writing = true;
  for (const Batch& batch : under_way) {
    Content next = candidates.back();
    Apply(batch, next);
    candidates.push_back(std::move(next));
    const storage::SaveRequest request = {.entries = batch.entries,
                                          .hard_state = batch.hard_state,
                                          .snapshot = batch.snapshot,
                                          .must_sync = batch.must_sync};
    if (batch.snapshot != nullptr) {
      snapshots_[batch.snapshot->metadata.index] = batch.snapshot->data;
    }
    writing = writing && !power_gone_ && disk_->Save(request).ok();
  }
  disk_.reset();
  operations_left_.reset();
  power_gone_ = false;
  faulty_ = false;
  uint64_t fates = random.Next();
  if (random.Chance(faults_.process_dies)) {
    ++coverage_.process_deaths;
    files_->KillProcess();
  } else {
    ++coverage_.power_cuts;
    files_->Crash(fates);
  }
  while (random.Chance(0.2)) {  // Again, while it recovers.
    ++coverage_.cuts_while_recovering;
    CutPowerAfter(random.Below(25));
    OpenOn(*files_).status().IgnoreError();
    operations_left_.reset();
    power_gone_ = false;
    files_->Crash(fates);
  }
  const std::unique_ptr<FaultyFileSystem> copy =
      files_->CrashImage(std::vector<FaultyFileSystem::Fate>(files_->Unsynced().size()));
  auto opened = OpenOn(*files_);
  if (!opened.ok()) {
    return BrokenPromise(
        absl::StrCat("a crash left what cannot be opened: ", opened.status().message()));
  }
  disk_ = *std::move(opened);
  if (disk_->report().torn_tail) ++coverage_.torn_tails;
  const absl::StatusOr<size_t> found = Find(*disk_, candidates);
  if (!found.ok()) return found.status();
  if (random.Chance(faults_.rot)) {
    if (absl::Status s = CheckRot(*copy, candidates); !s.ok()) return s;
  }
  promised_ = candidates[*found];
  const auto state = disk_->log().Find(0);
  if (state && state->snapshot != nullptr) promised_.snapshot = state->snapshot->index;
  if (state) promised_.hard_state.commit = synced_commit_ = state->hard_state.commit;
  return std::vector<Batch>(under_way.begin(), under_way.begin() + static_cast<ptrdiff_t>(*found));
}

absl::StatusOr<size_t> WalDisk::Find(const DiskStorage& storage,
                                     absl::Span<const Content> candidates) const {
  const absl::StatusOr<raft::Storage::InitialState> initial = storage.Initial();
  if (!initial.ok()) return initial.status();
  const raft::Index first = storage.FirstIndex();
  const raft::Index last = storage.LastIndex();
  const absl::StatusOr<raftpb::SnapshotPtr> snapshot = storage.Snapshot();
  const bool none = raft::IsSnapshotTemporarilyUnavailable(snapshot.status());
  if (!snapshot.ok() && !none) return snapshot.status();
  const raft::Index snapshot_index = none ? 0 : (*snapshot)->metadata.index;
  if (!none) {
    const auto saved = snapshots_.find(snapshot_index);
    if (saved == snapshots_.end() || saved->second != (*snapshot)->data) {
      return BrokenPromise(absl::StrCat("snapshot ", snapshot_index, " is not what was saved"));
    }
  }
  raftpb::EntryList entries;
  if (first <= last) {
    absl::StatusOr<raftpb::EntryList> read = storage.Entries({first, last + 1}, raft::kNoLimit);
    if (!read.ok()) return read.status();
    entries = *std::move(read);
    if (entries.size() != last + 1 - first) return BrokenPromise("entries are missing");
  }
  // The latest first: an empty batch makes two of them equal.
  for (size_t i = candidates.size(); i-- > 0;) {
    const Content& content = candidates[i];
    if (snapshot_index < content.snapshot || content.log.last() != last) continue;
    if (initial->hard_state.term != content.hard_state.term ||
        initial->hard_state.vote != content.hard_state.vote) {
      continue;
    }
    if (!content.log.Has(first - 1)) continue;
    HashedLog log;
    log.Restore(first - 1, content.log.At(first - 1));
    log.Append(entries);
    if (log.At(last) == content.log.At(last)) return i;
  }
  const Content& promised = candidates.front();
  return BrokenPromise(absl::StrCat(
      "came back with ", raftpb::Describe(initial->hard_state), ", entries ", first, "..", last,
      ", snapshot ", snapshot_index, "; promised ", raftpb::Describe(promised.hard_state),
      ", entries up to ", promised.log.last(), ", snapshot ", promised.snapshot, ", and ",
      candidates.size() - 1, " batches were under way"));
}

// One byte of a copy is damaged. Either opening it says so, or it gives back the same; but nobody
// can tell damage in the last batch from a batch that was never finished (Q4).
absl::Status WalDisk::CheckRot(FaultyFileSystem& copy, absl::Span<const Content> candidates) {
  std::vector<std::pair<std::string, size_t>> files;
  for (const auto& [path, contents] : copy.Contents()) {
    if (!contents.empty()) files.emplace_back(path, contents.size());
  }
  if (files.empty()) return absl::OkStatus();
  const auto& [path, size] = files[random_.Below(files.size())];
  const uint64_t offset = random_.Below(size);
  copy.Rot(path, offset, static_cast<uint8_t>(1 << random_.Below(8)));
  const auto opened = OpenOn(copy);
  if (!opened.ok()) {
    ++coverage_.rot_refused;
    if (storage::ErrorInfoOf(opened.status())) return absl::OkStatus();
    return BrokenPromise(
        absl::StrCat("damage is refused without a kind: ", opened.status().ToString()));
  }
  const absl::optional<storage::TornTail>& cut = (*opened)->report().torn_tail;
  const absl::optional<storage::TornTail>& before = disk_->report().torn_tail;
  if (cut && (!before || cut->sequence < before->sequence)) {
    ++coverage_.rot_cut;
    return absl::OkStatus();
  }
  const absl::StatusOr<size_t> again = Find(**opened, candidates);
  if (again.ok()) {
    ++coverage_.rot_harmless;
    return absl::OkStatus();
  }
  if (storage::ErrorInfoOf(again.status())) {  // Noticed as soon as it is read.
    ++coverage_.rot_refused;
    return absl::OkStatus();
  }
  return BrokenPromise(absl::StrCat("one bit of ", path, " at ", offset,
                                    " went unnoticed: ", again.status().message()));
}

}  // namespace rafttest
