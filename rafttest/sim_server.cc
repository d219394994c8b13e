#include "rafttest/sim_server.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "raft/check.h"
#include "raft/errors.h"
#include "raft/raft.h"
#include "rafttest/hashed_log.h"
#include "rafttest/sessions.h"
#include "storage/errors.h"

namespace rafttest {

using raft::Index;
using raftpb::EntryList;
using raftpb::Message;
using raftpb::MessageType;

namespace {

constexpr uint64_t kFoundingHash = 0x5eed;

std::string EncodeHash(uint64_t hash) {
  std::string bytes(sizeof(hash), '\0');
  std::memcpy(bytes.data(), &hash, sizeof(hash));
  return bytes;
}

uint64_t DecodeHash(absl::string_view bytes) {
  uint64_t hash = 0;
  if (bytes.size() >= sizeof(hash)) std::memcpy(&hash, bytes.data(), sizeof(hash));
  return hash;
}

}  // namespace

SimServer::SimServer(const raft::Config& config, const Faults& faults,
                     std::unique_ptr<SimDisk> disk, const Application* application, World* world,
                     Invariants* invariants)
    : config_(config),
      faults_(faults),
      world_(world),
      invariants_(invariants),
      disk_(std::move(disk)),
      application_(application) {
  disk_->set_source(this);
}

// --- The state, in and out of snapshots ----------------------------------------------------------

std::string SimServer::SaveState() const {
  std::string bytes = EncodeHash(state_.hash);
  if (machine_ != nullptr) bytes.append(machine_->Save());
  return bytes;
}

raftpb::SnapshotPtr SimServer::SnapshotNow() const {
  auto snapshot = std::make_shared<raftpb::Snapshot>();
  snapshot->metadata = {
      .conf_state = state_.conf_state, .index = state_.applied.index, .term = state_.applied.term};
  snapshot->data = absl::Cord(SaveState());
  return snapshot;
}

// The state of a snapshot; of null, that before the first entry.
void SimServer::LoadState(const raftpb::Snapshot* snapshot) {
  state_ = {};
  overtaken_ = false;
  if (application_ != nullptr) {
    machine_ = std::make_unique<Sessions>(application_->NewStateMachine());
  }
  if (snapshot == nullptr) return;
  const std::string bytes(snapshot->data);
  state_ = {.applied = snapshot->metadata.id(),
            .hash = DecodeHash(bytes),
            .conf_state = snapshot->metadata.conf_state};
  if (machine_ == nullptr) return;
  machine_->Load(absl::string_view(bytes).substr(sizeof(uint64_t)));
  ReportMachine();
}

void SimServer::ReportMachine() {
  invariants_->OnMachineState(id(), state_.applied.index, HashBytes(0, machine_->Save()));
}

// --- Lives ---------------------------------------------------------------------------------------

void SimServer::Found(const raftpb::ConfState& conf_state) {
  LoadState(nullptr);
  state_ = {.applied = {1, 1}, .hash = kFoundingHash, .conf_state = conf_state};
  RAFT_CHECK(disk_->Found(SnapshotNow()).ok());
  invariants_->OnFounded(id(), 1, {.term = 1, .hash = kFoundingHash}, conf_state);
}

void SimServer::Start() {
  const absl::StatusOr<raftpb::SnapshotPtr> snapshot = disk_->Open();
  if (!snapshot.ok()) return invariants_->Fail("Q1", std::string(snapshot.status().message()));
  LoadState(snapshot->get());
  failed_ = false;
  config_.storage = &disk_->storage();
  config_.applied = state_.applied.index;
  absl::StatusOr<std::unique_ptr<raft::RawNode>> node = raft::RawNode::Create(config_);
  if (!node.ok()) {
    invariants_->Fail("S8", std::string(node.status().message()));
    return;
  }
  node_ = *std::move(node);
  invariants_->OnStarted(id(), *node_);
}

void SimServer::Crash(Random& random) {
  node_.reset();
  awaiting_write_ = false;
  applies_.clear();
  std::vector<SimDisk::Batch> under_way;
  for (const Write& write : writes_) under_way.push_back(write.batch);
  writes_.clear();
  const absl::StatusOr<std::vector<SimDisk::Batch>> durable = disk_->Crash(random, under_way);
  if (!durable.ok()) return invariants_->Fail("Q1", std::string(durable.status().message()));
  for (const SimDisk::Batch& batch : *durable) ReportDurable(batch);
  for (size_t i = 0; i < under_way.size(); ++i) {
    const bool kept = i < durable->size();
    const bool whole = kept && (*durable)[i].entries.size() == under_way[i].entries.size();
    world_->See(whole ? Seen::kWritesKept : kept ? Seen::kWritesTorn : Seen::kWritesLost);
  }
  invariants_->OnCrashed(id());
}

// Nothing more leaves it in this life.
void SimServer::Fail(const absl::Status& why) {
  failed_ = true;
  world_->OnDiskFailed(id(), why);
}

// --- The ready loop ------------------------------------------------------------------------------

void SimServer::Work() {
  // Work that makes work for itself without end would stop the time.
  constexpr int kMostReadys = 100000;
  int readys = 0;
  while (node_ != nullptr && !failed_ && !awaiting_write_ && node_->HasReady()) {
    const absl::Status taken = node_->TakeReady(ready_);
    if (!taken.ok()) {
      invariants_->Fail("S8", std::string(taken.message()));
      return;
    }
    if (++readys > kMostReadys) return invariants_->Fail("L3", "there is always one more Ready");
    invariants_->OnReady(id(), *node_, ready_);
    if (!ready_.entries.empty() && ready_.entries.front().index <= disk_->storage().LastIndex()) {
      world_->See(Seen::kSuffixTruncated);
    }
    if (ready_.soft_state) world_->OnRole(id(), *ready_.soft_state);
    if (config_.async_storage_writes) {
      HandleAsync(ready_);
    } else {
      Handle(ready_);
    }
    for (const raft::ReadState& read : ready_.read_states) world_->OnReadState(id(), read);
    if (invariants_->violation()) return;
  }
}

void SimServer::Handle(raft::Ready& ready) {
  for (const Message& m : ready.messages) Deliver(m);
  writes_.push_back({.batch = {.entries = ready.entries,
                               .hard_state = ready.hard_state,
                               .snapshot = ready.snapshot,
                               .must_sync = ready.must_sync},
                     .after = std::move(ready.messages_after_write),
                     .committed = ready.committed_entries});
  ready.messages_after_write.clear();
  awaiting_write_ = true;
  const bool writes = !ready.entries.empty() || ready.hard_state || ready.snapshot != nullptr;
  if (writes && faults_.write_takes > 0) {
    world_->StartWrite(id());
  } else {
    WriteDone();
  }
}

void SimServer::HandleAsync(raft::Ready& ready) {
  for (Message& m : ready.messages) {
    if (m.to == raft::kLocalAppendThread) {
      Write write = {.batch = {.entries = std::move(m.entries),
                               .snapshot = std::move(m.snapshot),
                               .must_sync = true},
                     .after = std::move(m.responses)};
      if (m.term != 0 || m.vote != raft::kNone || m.commit != 0) {
        write.batch.hard_state =
            raftpb::HardState{.term = m.term, .vote = m.vote, .commit = m.commit};
      }
      writes_.push_back(std::move(write));
      world_->StartWrite(id());
    } else if (m.to == raft::kLocalApplyThread) {
      applies_.push_back(std::move(m));
      world_->StartApply(id());
    } else {
      Deliver(m);
    }
  }
}

// The oldest write becomes durable.
void SimServer::WriteDone() {
  if (failed_) return;
  const absl::Status written = disk_->Write(writes_.front().batch);
  if (storage::IsNoSpace(written)) return world_->StartWrite(id());  // Somebody will make room.
  if (!written.ok()) return Fail(written);
  const Write write = std::move(writes_.front());
  writes_.pop_front();
  ReportDurable(write.batch);
  if (write.batch.snapshot != nullptr) LoadState(write.batch.snapshot.get());
  for (const Message& m : write.after) Deliver(m);
  if (config_.async_storage_writes) return;
  Apply(write.committed);
  awaiting_write_ = false;
  node_->Advance();
  invariants_->AfterStep(id(), *node_);
  MaybeTakeSnapshot();
}

void SimServer::ApplyDone() {
  if (failed_) return;
  const Message work = std::move(applies_.front());
  applies_.pop_front();
  Apply(work.entries);
  for (const Message& m : work.responses) Deliver(m);
  MaybeTakeSnapshot();
}

void SimServer::ReportDurable(const SimDisk::Batch& batch) {
  if (batch.hard_state) {
    hard_state_ = *batch.hard_state;
    invariants_->OnDurable(id(), hard_state_);
  }
  if (batch.snapshot != nullptr) {
    invariants_->OnDurable(id(), *batch.snapshot, DecodeHash(std::string(batch.snapshot->data)));
  }
  if (!batch.entries.empty()) invariants_->OnDurable(id(), batch.entries);
}

void SimServer::Apply(const EntryList& entries) {
  for (const raftpb::Entry& entry : entries) {
    // A snapshot covers it that is stored, or about to be (asynchronous mode).
    if (overtaken_ || entry.index <= state_.applied.index) continue;
    const bool change = raftpb::IsConfChange(entry);
    if (change) {
      absl::StatusOr<raftpb::ConfState> conf_state = node_->ApplyConfChange(entry);
      overtaken_ = absl::IsAborted(conf_state.status());
      if (overtaken_) return;
      if (conf_state.ok()) state_.conf_state = *std::move(conf_state);
      invariants_->OnChanged(id(), *node_, state_.conf_state);
    }
    state_.hash = HashEntry(state_.hash, entry);
    state_.applied = entry.id();
    invariants_->OnApplied(id(), entry, state_.hash, change ? &state_.conf_state : nullptr);
    std::string answer;
    if (machine_ != nullptr && !change && entry.data.size() > kPayloadHeader) {
      answer = machine_->Apply(std::string(entry.data).substr(kPayloadHeader));
      ReportMachine();
    }
    world_->OnApplied(id(), entry, answer);
  }
}

// To a peer, or back to the core.
void SimServer::Deliver(const Message& message) {
  if (message.to != id()) {
    invariants_->OnSend(id(), message);
    world_->Send(id(), message);
    return;
  }
  if (message.type == MessageType::kStorageAppendResp && message.index != 0 &&
      message.term < node_->raft().term()) {
    world_->See(Seen::kOldWriteConfirmed);
  }
  const absl::Status stepped = node_->StepLocal(message);
  if (!stepped.ok() && !raft::IsProposalDropped(stepped)) {
    invariants_->Fail("S8", std::string(stepped.message()));
  }
  invariants_->AfterStep(id(), *node_);
}

void SimServer::MaybeTakeSnapshot() {
  if (faults_.compact_every == 0) return;
  if (state_.applied.index < disk_->storage().FirstIndex() - 1 + faults_.compact_every) return;
  TakeSnapshot(faults_.entries_kept);
}

void SimServer::TakeSnapshot(uint32_t entries_kept) {
  const Index applied = state_.applied.index;
  const Index first = disk_->storage().FirstIndex();
  if (applied < first || applied > disk_->storage().LastIndex()) return;
  const absl::Status saved =
      disk_->SaveSnapshot(state_.applied, state_.conf_state, absl::Cord(SaveState()));
  if (raft::IsSnapshotOutOfDate(saved) || storage::IsNoSpace(saved)) return;
  if (!saved.ok()) return Fail(saved);
  if (applied <= entries_kept || applied - entries_kept < first) return;
  if (LooksCompactedUnder(applied - entries_kept)) world_->See(Seen::kCompactedUnder);
  if (absl::Status s = disk_->Compact(applied - entries_kept); !s.ok()) return Fail(s);
  invariants_->OnCompacted(id(), applied - entries_kept);
}

// Whether it leads, and a follower lacks what it is about to drop.
bool SimServer::LooksCompactedUnder(Index kept_from) const {
  const raft::tracker::ProgressMap* progress = node_->raft().progress();
  if (progress == nullptr) return false;
  for (const auto& [peer, each] : *progress) {
    if (each.match() < kept_from) return true;
  }
  return false;
}

}  // namespace rafttest
