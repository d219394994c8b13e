#include "rafttest/sim_server.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "raft/check.h"
#include "raft/errors.h"
#include "rafttest/hashed_log.h"

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

uint64_t DecodeHash(const absl::Cord& data) {
  uint64_t hash = 0;
  const std::string bytes(data);
  if (bytes.size() == sizeof(hash)) std::memcpy(&hash, bytes.data(), sizeof(hash));
  return hash;
}

}  // namespace

absl::StatusOr<raftpb::SnapshotPtr> SimStorage::Snapshot() const {
  auto snapshot = std::make_shared<raftpb::Snapshot>();
  snapshot->metadata = {.conf_state = state_->conf_state,
                        .index = state_->applied.index,
                        .term = state_->applied.term};
  snapshot->data = absl::Cord(EncodeHash(state_->hash));
  return snapshot;
}

SimServer::SimServer(const raft::Config& config, const Faults& faults, World* world,
                     Invariants* invariants)
    : config_(config), faults_(faults), world_(world), invariants_(invariants) {
  config_.storage = &storage_;
  storage_.set_state(&state_);
}

void SimServer::Found(const raftpb::ConfState& conf_state) {
  auto snapshot = std::make_shared<raftpb::Snapshot>();
  snapshot->metadata = {.conf_state = conf_state, .index = 1, .term = 1};
  snapshot->data = absl::Cord(EncodeHash(kFoundingHash));
  RAFT_CHECK(storage_.ApplySnapshot(std::move(snapshot)).ok());
  durable_state_ = {.applied = {1, 1}, .hash = kFoundingHash, .conf_state = conf_state};
  invariants_->OnFounded(id(), 1, {.term = 1, .hash = kFoundingHash}, conf_state);
}

void SimServer::Start() {
  // The commit index need not have been synced, but what the state machine has applied was
  // committed, and so was what the snapshot covers.
  raftpb::HardState hard_state = hard_state_;
  hard_state.commit =
      std::max({hard_state.commit, durable_state_.applied.index, storage_.FirstIndex() - 1});
  hard_state.commit = std::min(hard_state.commit, storage_.LastIndex());
  storage_.SetHardState(hard_state);
  storage_.SetConfState(durable_state_.conf_state);
  state_ = durable_state_;
  config_.applied = durable_state_.applied.index;
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
  // Writes go to the disk in order: a beginning of the queue may be there, and a beginning of the
  // batch after it.
  for (Write& write : writes_) {
    write.committed.Clear();
    if (random.Chance(faults_.kept_write)) {
      Perform(write);
      continue;
    }
    if (write.snapshot == nullptr && random.Chance(faults_.torn_write)) {
      write.entries.DropBack(random.Between(0, write.entries.size()));
      Perform(write);
    }
    break;
  }
  writes_.clear();
  if (hard_state_.commit > synced_commit_) {
    hard_state_.commit = random.Between(synced_commit_, hard_state_.commit);
    synced_commit_ = hard_state_.commit;
  }
  invariants_->OnCrashed(id());
}

void SimServer::Work() {
  // Work that makes work for itself without end would stop the time.
  constexpr int kMostReadys = 100000;
  int readys = 0;
  while (node_ != nullptr && !awaiting_write_ && node_->HasReady()) {
    const absl::Status taken = node_->TakeReady(ready_);
    if (!taken.ok()) {
      invariants_->Fail("S8", std::string(taken.message()));
      return;
    }
    if (++readys > kMostReadys) return invariants_->Fail("L3", "there is always one more Ready");
    invariants_->OnReady(id(), *node_, ready_);
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
  writes_.push_back({.entries = ready.entries,
                     .hard_state = ready.hard_state,
                     .snapshot = ready.snapshot,
                     .must_sync = ready.must_sync,
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
      Write write = {.entries = std::move(m.entries),
                     .snapshot = std::move(m.snapshot),
                     .must_sync = true,
                     .after = std::move(m.responses)};
      if (m.term != 0 || m.vote != raft::kNone || m.commit != 0) {
        write.hard_state = raftpb::HardState{.term = m.term, .vote = m.vote, .commit = m.commit};
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

// The oldest write has become durable.
void SimServer::WriteDone() {
  const Write write = std::move(writes_.front());
  writes_.pop_front();
  Perform(write);
  if (write.snapshot != nullptr) state_ = durable_state_;
  for (const Message& m : write.after) Deliver(m);
  if (config_.async_storage_writes) return;
  Apply(write.committed);
  awaiting_write_ = false;
  node_->Advance();
  invariants_->AfterStep(id(), *node_);
  MaybeTakeSnapshot();
}

void SimServer::ApplyDone() {
  const Message work = std::move(applies_.front());
  applies_.pop_front();
  Apply(work.entries);
  for (const Message& m : work.responses) Deliver(m);
  MaybeTakeSnapshot();
}

void SimServer::Perform(const Write& write) {
  if (write.hard_state) {
    hard_state_ = *write.hard_state;
    invariants_->OnDurable(id(), hard_state_);
  }
  // A sync makes everything written before durable, too (raft/ready.h).
  if (write.must_sync) synced_commit_ = hard_state_.commit;
  if (write.snapshot != nullptr) {
    const raftpb::SnapshotMetadata& metadata = write.snapshot->metadata;
    const uint64_t hash = DecodeHash(write.snapshot->data);
    RAFT_CHECK(storage_.ApplySnapshot(write.snapshot).ok());
    durable_state_ = {.applied = metadata.id(), .hash = hash, .conf_state = metadata.conf_state};
    invariants_->OnDurable(id(), *write.snapshot, hash);
  }
  if (!write.entries.empty()) {
    RAFT_CHECK(storage_.Append(write.entries).ok());
    invariants_->OnDurable(id(), write.entries);
  }
}

void SimServer::Apply(const EntryList& entries) {
  for (const raftpb::Entry& entry : entries) {
    // A snapshot that was stored meanwhile covers it (asynchronous mode).
    if (entry.index <= state_.applied.index) continue;
    const bool change = raftpb::IsConfChange(entry);
    if (change) {
      absl::StatusOr<raftpb::ConfState> conf_state = node_->ApplyConfChange(entry);
      // A snapshot that covers the entry is about to replace this state.
      if (absl::IsAborted(conf_state.status())) return;
      if (conf_state.ok()) state_.conf_state = *std::move(conf_state);
      invariants_->OnChanged(id(), *node_, state_.conf_state);
    }
    state_.hash = HashEntry(state_.hash, entry);
    state_.applied = entry.id();
    invariants_->OnApplied(id(), entry, state_.hash, change ? &state_.conf_state : nullptr);
    world_->OnApplied(id(), entry);
  }
}

// To a peer, or back to the core.
void SimServer::Deliver(const Message& message) {
  if (message.to != id()) {
    invariants_->OnSend(id(), message);
    world_->Send(id(), message);
    return;
  }
  const absl::Status stepped = node_->StepLocal(message);
  if (!stepped.ok() && !raft::IsProposalDropped(stepped)) {
    invariants_->Fail("S8", std::string(stepped.message()));
  }
  invariants_->AfterStep(id(), *node_);
}

void SimServer::MaybeTakeSnapshot() {
  if (faults_.compact_every == 0) return;
  if (state_.applied.index < storage_.FirstIndex() - 1 + faults_.compact_every) return;
  TakeSnapshot(faults_.entries_kept);
}

void SimServer::TakeSnapshot(uint32_t entries_kept) {
  const Index applied = state_.applied.index;
  if (applied < storage_.FirstIndex() || applied > storage_.LastIndex()) return;
  if (!storage_.CreateSnapshot(applied, state_.conf_state, absl::Cord(EncodeHash(state_.hash)))
           .ok()) {
    return;
  }
  durable_state_ = state_;
  if (applied <= entries_kept || applied - entries_kept < storage_.FirstIndex()) return;
  RAFT_CHECK(storage_.Compact(applied - entries_kept).ok());
  invariants_->OnCompacted(id(), applied - entries_kept);
}

}  // namespace rafttest
