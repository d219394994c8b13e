#include "examples/raftexample/server/applier.h"

#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "raftpb/wire.h"

namespace raftexample {

using raftpb::Entry;

namespace {

// A batch for the disk is closed when it is so old or so large.
constexpr absl::Duration kSealAfter = absl::Milliseconds(100);
constexpr size_t kSealWrites = 10'000;

// Writes that are only in memory. Beyond this applying waits for the disk.
constexpr size_t kMaxPendingBytes = size_t{256} << 20;

template <typename Message>
bool ParseCord(const absl::Cord& cord, Message& message) {
  if (const absl::optional<absl::string_view> flat = cord.TryFlat()) {
    return message.ParseFromArray(flat->data(), static_cast<int>(flat->size()));
  }
  return message.ParseFromString(std::string(cord));
}

// The change in an entry, in the newer form; nothing if it cannot be read. Raft has let it pass, so
// every member reads the same.
absl::optional<raftpb::ConfChangeV2> ChangeIn(const Entry& entry) {
  raftpb::ConfChangeV2 v2;
  if (entry.type == raftpb::EntryType::kConfChangeV2) {
    if (!raftpb::Decode(entry.data, v2).ok()) return absl::nullopt;
    return v2;
  }
  raftpb::ConfChange v1;
  if (!raftpb::Decode(entry.data, v1).ok()) return absl::nullopt;
  return v1.AsV2();
}

// What Raft is told instead of a change that does not fit.
Entry WithoutChange(const Entry& entry) {
  const raftpb::ConfChangeV2 none = {
      .changes = {{raftpb::ConfChangeType::kAddNode, raftpb::kNone}}};
  return {.term = entry.term,
          .index = entry.index,
          .type = raftpb::EntryType::kConfChangeV2,
          .data = absl::Cord(raftpb::Encode(none))};
}

}  // namespace

Applier::Applier(StateMachine* state, WaitTable* waits, AppliedWaits* applied_waits,
                 Callbacks callbacks)
    : state_(state),
      waits_(waits),
      applied_waits_(applied_waits),
      callbacks_(std::move(callbacks)),
      last_seal_(absl::Now()),
      thread_([this] { Loop(); }) {}

void Applier::Apply(raft::ApplyWork work) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return;
  backlog_ += work.entries.size();
  queue_.push_back({.work = std::move(work)});
  wake_.Signal();
}

void Applier::Run(Job job) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return;
  queue_.push_back({.job = std::move(job)});
  wake_.Signal();
}

void Applier::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    wake_.Signal();
  }
  if (thread_.joinable()) thread_.join();
}

size_t Applier::backlog() const {
  absl::MutexLock lock(&mutex_);
  return backlog_;
}

void Applier::Loop() {
  Task task;
  while (Next(task)) {
    if (task.job != nullptr) {
      task.job();
    } else if (!ApplyWork(task.work)) {
      return;
    }
    task = Task();
    SealNowAndThen();
  }
}

// Waits for a task; without one wakes up to close a batch that has become old.
bool Applier::Next(Task& task) {
  absl::MutexLock lock(&mutex_);
  while (queue_.empty()) {
    if (stopping_) return false;
    if (state_->backend().gathered_writes() == 0) {
      wake_.Wait(&mutex_);
    } else if (wake_.WaitWithDeadline(&mutex_, last_seal_ + kSealAfter) && queue_.empty()) {
      mutex_.Unlock();
      SealNowAndThen();
      mutex_.Lock();
    }
  }
  task = std::move(queue_.front());
  queue_.pop_front();
  return true;
}

// False: the node has stopped in the middle. What is left will be applied in the next life, and
// nothing may be applied before it.
bool Applier::ApplyWork(raft::ApplyWork& work) {
  for (const Entry& entry : work.entries) {
    // What does not follow comes after a change that a snapshot covers, and is covered, too.
    if (entry.index != state_->applied().index + 1) continue;
    if (!raftpb::IsConfChange(entry)) {
      ApplyNormal(entry);
    } else if (absl::Status s = ApplyChange(entry); !s.ok() && !absl::IsAborted(s)) {
      return false;
    }
  }
  applied_waits_->Advance(state_->applied().index);
  {
    absl::MutexLock lock(&mutex_);
    backlog_ -= work.entries.size();
  }
  callbacks_.on_applied(std::move(work));
  return true;
}

void Applier::ApplyNormal(const Entry& entry) {
  internal::Command command;
  if (entry.data.empty() || !ParseCord(entry.data, command)) {
    state_->Apply(entry.id(), entry.data);  // Does nothing, but counts as applied.
    return;
  }
  absl::optional<WaitTable::Done> done = waits_->Take(command.header().id());
  const absl::Time start = absl::Now();
  ApplyResult result =
      state_->Apply(entry.id(), command, done.has_value() ? Answer::kWanted : Answer::kNobodyWaits);
  callbacks_.on_timed(command, absl::Now() - start);
  if (result.over_quota) callbacks_.on_over_quota();
  if (done.has_value()) (*done)(std::move(result));
}

// Raft and the address book follow the same entries. A change that does not fit the members there
// are must not reach Raft either.
absl::Status Applier::ApplyChange(const Entry& entry) {
  const absl::optional<raftpb::ConfChangeV2> change = ChangeIn(entry);
  internal::MemberChange member_change;
  const bool ours =
      change.has_value() && !change->context.empty() && ParseCord(change->context, member_change);
  absl::Status checked = ours ? state_->CheckMemberChange(member_change) : absl::OkStatus();
  const bool passes = change.has_value() && checked.ok();
  absl::StatusOr<raftpb::ConfState> after =
      callbacks_.apply_conf_change(passes ? entry : WithoutChange(entry));
  if (!after.ok() && passes && !absl::IsAborted(after.status())) {  // Raft itself cannot make it.
    checked = after.status();
    after = callbacks_.apply_conf_change(WithoutChange(entry));
  }
  if (!after.ok()) return after.status();
  if (!ours) {
    state_->ApplyConfState(entry.id(), *after);
    return absl::OkStatus();
  }
  absl::optional<WaitTable::Done> done = waits_->Take(member_change.request_id());
  ApplyResult result = state_->ApplyMemberChange(entry.id(), member_change, checked, *after);
  if (result.status.ok()) callbacks_.on_membership();
  if (done.has_value()) (*done)(std::move(result));
  return absl::OkStatus();
}

void Applier::SealNowAndThen() {
  Backend& backend = state_->backend();
  const absl::Time now = absl::Now();
  const bool old = now - last_seal_ >= kSealAfter;
  if (!old && backend.gathered_writes() < kSealWrites) return;
  if (old) last_seal_ = now;  // Declined or not: soon enough again.
  if (backend.Seal()) callbacks_.on_sealed();
  while (backend.pending_bytes() > kMaxPendingBytes && !Stopping()) {  // The disk does not keep up.
    absl::SleepFor(absl::Milliseconds(1));
    if (backend.Seal()) callbacks_.on_sealed();
  }
}

bool Applier::Stopping() const {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

}  // namespace raftexample
