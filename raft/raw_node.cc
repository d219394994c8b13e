#include "raft/raw_node.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "raft/check.h"
#include "raft/errors.h"
#include "raft/raft.h"
#include "raftpb/wire.h"

namespace raft {

using raftpb::Entry;
using raftpb::EntryList;
using raftpb::EntryType;
using raftpb::HardState;
using raftpb::Message;
using raftpb::MessageType;

absl::StatusOr<std::unique_ptr<RawNode>> RawNode::Create(const Config& config) {
  return Create(GroupConfig{.id = config.id,
                            .storage = config.storage,
                            .applied = config.applied,
                            .seed = config.seed,
                            .shared = std::make_shared<const Config>(config)});
}

absl::StatusOr<std::unique_ptr<RawNode>> RawNode::Create(const GroupConfig& group) {
  absl::StatusOr<std::unique_ptr<Raft>> raft = Raft::Create(group);
  if (!raft.ok()) return raft.status();
  return std::unique_ptr<RawNode>(new RawNode(*std::move(raft)));
}

RawNode::RawNode(std::unique_ptr<Raft> raft)
    : raft_(std::move(raft)),
      soft_state_(raft_->soft_state()),
      hard_state_(raft_->hard_state()),
      stored_term_(raft_->term()) {}

RawNode::~RawNode() = default;

absl::Status RawNode::Bootstrap(absl::Span<const Peer> peers) {
  absl::Status founded = raft_->Bootstrap(peers);
  if (founded.ok()) hard_state_ = HardState();  // All of it is news.
  return founded;
}

// --- Input ---

void RawNode::Tick() { raft_->Tick(1); }
void RawNode::Tick(uint32_t n) { raft_->Tick(n); }
uint32_t RawNode::TicksUntilDue() const { return raft_->TicksUntilDue(); }

absl::Status RawNode::Step(const Message& message) { return raft_->StepRemote(message); }

absl::Status RawNode::StepLocal(const Message& message) {
  if (message.type == MessageType::kStorageAppendResp) {
    // Writes are done in order: with this one the hard state of its term is stored.
    stored_term_ = std::max(stored_term_, message.term);
    OnCommitStored(message.commit);
  }
  return raft_->Step(message);
}

absl::Status RawNode::Propose(absl::Cord data) { return raft_->Propose(std::move(data)); }

absl::Status RawNode::Propose(absl::Span<const absl::Cord> batch) { return raft_->Propose(batch); }

absl::Status RawNode::ProposeConfChange(const raftpb::ConfChange& change) {
  return raft_->Step({.type = MessageType::kProp,
                      .from = raft_->id(),
                      .entries = {Entry{.type = EntryType::kConfChange,
                                        .data = absl::Cord(raftpb::Encode(change))}}});
}

absl::Status RawNode::ProposeConfChange(const raftpb::ConfChangeV2& change) {
  return raft_->Step({.type = MessageType::kProp,
                      .from = raft_->id(),
                      .entries = {Entry{.type = EntryType::kConfChangeV2,
                                        .data = absl::Cord(raftpb::Encode(change))}}});
}

absl::StatusOr<raftpb::ConfState> RawNode::ApplyConfChange(const Entry& entry) {
  const log::RaftLog& log = raft_->log();
  Index in_force = log.applied();
  if (log.HasUnstableSnapshot()) in_force = log.unstable().snapshot()->metadata.index;
  if (entry.index <= in_force) {
    return absl::AbortedError(absl::StrCat("the membership is that of index ", in_force,
                                           " already; the change is of index ", entry.index));
  }
  raftpb::ConfChangeV2 change;
  if (entry.type == EntryType::kConfChangeV2) {
    if (absl::Status read = raftpb::Decode(entry.data, change); !read.ok()) return read;
  } else {
    RAFT_CHECK(entry.type == EntryType::kConfChange) << "entry " << entry.index << " is no change";
    raftpb::ConfChange v1;
    if (absl::Status read = raftpb::Decode(entry.data, v1); !read.ok()) return read;
    change = v1.AsV2();
  }
  return raft_->ApplyConfChange(change);
}

absl::StatusOr<raftpb::ConfState> RawNode::ApplyConfChange(const raftpb::ConfChangeV2& change) {
  return raft_->ApplyConfChange(change);
}

absl::Status RawNode::ReadIndex(absl::Cord context) { return raft_->ReadIndex(std::move(context)); }

absl::Status RawNode::Campaign() { return raft_->Step({.type = MessageType::kHup}); }

absl::Status RawNode::TransferLeadership(NodeId to) {
  return raft_->Step({.type = MessageType::kTransferLeader, .from = to});
}

absl::Status RawNode::ForgetLeader() { return raft_->Step({.type = MessageType::kForgetLeader}); }

void RawNode::ReportUnreachable(NodeId to) {
  raft_->Step({.type = MessageType::kUnreachable, .from = to}).IgnoreError();
}

void RawNode::ReportSnapshot(NodeId to, SnapshotOutcome outcome) {
  raft_
      ->Step({.type = MessageType::kSnapStatus,
              .from = to,
              .reject = outcome == SnapshotOutcome::kFailed})
      .IgnoreError();
}

// --- Output ---

bool RawNode::HardStateChanged() const {
  const HardState now = raft_->hard_state();
  return now != hard_state_ && !now.empty();
}

bool RawNode::HasReady() const {
  const log::RaftLog& log = raft_->log();
  return raft_->HasNews() || !raft_->outbox().empty() || !raft_->read_states().empty() ||
         log.HasNextUnstable() || log.HasNextCommitted(!async()) ||
         raft_->soft_state() != soft_state_ || HardStateChanged();
}

bool RawNode::async() const { return raft_->config().async_storage_writes; }

absl::Status RawNode::TakeReady(Ready& ready) {
  RAFT_CHECK(!unconfirmed_.pending) << "TakeReady without Advance for the Ready before";
  log::RaftLog& log = raft_->log();
  const bool allow_unstable = !async();
  ready.Clear();
  Applied applying;
  if (log.HasNextCommitted(allow_unstable)) {
    absl::StatusOr<EntryList> committed = log.NextCommitted(allow_unstable);
    if (!committed.ok()) return committed.status();  // Nothing is taken yet.
    ready.committed_entries = *std::move(committed);
    applying = Applied(ready.committed_entries);
  }
  if (raft_->HasNews()) raft_->FlushNews();
  TakeStates(ready);
  if (log.HasNextUnstable()) {
    ready.entries = log.NextUnstableEntries();
    ready.snapshot = log.NextUnstableSnapshot();
    ready.must_sync |= !ready.entries.empty();
  }
  if (!raft_->outbox().empty()) TakeMessages(ready);
  raft_->RecordTrace(TraceAction::kReady);

  if (async()) {
    PassWorkToThreads(ready);
  } else {
    RememberUnconfirmed(ready);
    unconfirmed_.applied = applying;
  }
  log.AcceptUnstable();
  if (applying.last != 0) {
    log.AcceptApplying(applying.last, applying.encoded_size, allow_unstable);
  }
  return absl::OkStatus();
}

void RawNode::TakeStates(Ready& ready) {
  if (raft_->soft_state() != soft_state_) {
    soft_state_ = raft_->soft_state();
    ready.soft_state = soft_state_;
  }
  if (HardStateChanged()) {
    const HardState now = raft_->hard_state();
    ready.must_sync = now.term != hard_state_.term || now.vote != hard_state_.vote;
    if (DecidesMembership({hard_state_.commit + 1, now.commit + 1})) {
      if (!untold_.any()) untold_.after = hard_state_.commit;
      untold_.until_stored = now.commit;
      ready.must_sync = true;
    }
    hard_state_ = now;
    ready.hard_state = now;
  }
  if (!raft_->read_states().empty()) std::swap(ready.read_states, raft_->read_states());
}

// Whether these commits put a membership change in force, which must not be forgotten.
bool RawNode::DecidesMembership(IndexRange commits) const {
  return commits.begin < commits.end && !raft_->config().immediate_sends &&
         raft_->log().HasConfChangeIn(commits);
}

void RawNode::OnCommitStored(Index commit) {
  if (untold_.any() && commit >= untold_.until_stored) untold_ = {};
}

// Whether the message says something that is not durable here yet and that we must not forget
// once it is said: a term, because a server that forgets one could lead in it twice; or the commit
// of a membership change, because who hears of it may leave, and is then missing to a server that
// has gone back to the configuration before.
bool RawNode::OutrunsDisk(const Message& m) const {
  if (m.term > stored_term_ && m.type != MessageType::kPreVote) return true;
  if (!untold_.any()) return false;
  const Index told = m.snapshot != nullptr ? m.snapshot->metadata.index : m.commit;
  return told > untold_.after;
}

// Sorts the outbox into what may leave now and what waits for this Ready's write. What follows a
// message that has to wait waits with it, to keep the order.
void RawNode::TakeMessages(Ready& ready) {
  Outbox& outbox = raft_->outbox();
  std::swap(ready.messages, outbox.now());
  const bool follows_reference = async() && raft_->config().immediate_sends;
  if ((raft_->term() > stored_term_ || untold_.any()) && !follows_reference) {
    auto first = std::find_if(ready.messages.begin(), ready.messages.end(),
                              [this](const Message& m) { return OutrunsDisk(m); });
    std::move(first, ready.messages.end(), std::back_inserter(ready.messages_after_write));
    ready.messages.erase(first, ready.messages.end());
  }
  if (!outbox.after_write().empty()) TakeMessagesAfterWrite(ready);
}

// A leader mostly acknowledges to itself, a follower to others: then no message has to move.
void RawNode::TakeMessagesAfterWrite(Ready& ready) {
  std::vector<Message>& waiting = raft_->outbox().after_write();
  const NodeId self = async() ? kNone : raft_->id();  // A thread of its own gets them like others.
  const auto to_self = [self](const Message& m) { return m.to == self; };
  const size_t own = std::count_if(waiting.begin(), waiting.end(), to_self);
  if (own == waiting.size() && unconfirmed_.to_self.empty()) {
    return waiting.swap(unconfirmed_.to_self);
  }
  if (own == 0 && ready.messages_after_write.empty()) {
    return waiting.swap(ready.messages_after_write);
  }
  for (Message& m : waiting) {
    (to_self(m) ? unconfirmed_.to_self : ready.messages_after_write).push_back(std::move(m));
  }
  waiting.clear();
}

// Synchronous: Advance will say all of this at once.
void RawNode::RememberUnconfirmed(const Ready& ready) {
  const log::RaftLog& log = raft_->log();
  unconfirmed_.pending = true;
  unconfirmed_.term = raft_->term();
  unconfirmed_.commit = hard_state_.commit;
  unconfirmed_.last.reset();
  if (log.HasUnstableEntries()) unconfirmed_.last = log.LastId();
  if (ready.snapshot != nullptr) unconfirmed_.snapshot = ready.snapshot;
}

void RawNode::Advance() {
  RAFT_CHECK(unconfirmed_.pending) << "Advance without a Ready that was taken";
  unconfirmed_.pending = false;
  stored_term_ = std::max(stored_term_, unconfirmed_.term);
  OnCommitStored(unconfirmed_.commit);
  // Handling these may produce more, for the next Ready.
  for (const Message& m : unconfirmed_.to_self) raft_->Step(m).IgnoreError();
  unconfirmed_.to_self.clear();
  if (unconfirmed_.last.has_value() || unconfirmed_.snapshot != nullptr) {
    raft_->OnStored(unconfirmed_.term, unconfirmed_.last, unconfirmed_.snapshot);
    unconfirmed_.snapshot = nullptr;
  }
  raft_->OnApplied(unconfirmed_.applied);
}

void RawNode::ReleaseMemory() {
  unconfirmed_.to_self.shrink_to_fit();
  raft_->ReleaseMemory();
}

// Asynchronous: the work becomes messages to the storage threads, which carry what is to be said
// when it is done.
void RawNode::PassWorkToThreads(Ready& ready) {
  const log::RaftLog& log = raft_->log();
  const bool writes = !ready.entries.empty() || ready.hard_state.has_value() ||
                      ready.snapshot != nullptr || !ready.messages_after_write.empty();
  if (writes) {
    Message append = {.type = MessageType::kStorageAppend,
                      .to = kLocalAppendThread,
                      .from = raft_->id(),
                      .entries = ready.entries,
                      .snapshot = ready.snapshot};
    if (ready.hard_state.has_value()) {
      append.term = ready.hard_state->term;
      append.vote = ready.hard_state->vote;
      append.commit = ready.hard_state->commit;
    }
    append.responses = std::move(ready.messages_after_write);
    ready.messages_after_write.clear();
    // Whether the core has to hear of it: when the log or a snapshot becomes durable, and when a
    // term does (unless vote requests did not wait for it anyway) or a membership's commit.
    const bool new_term = raft_->term() > stored_term_ && !raft_->config().immediate_sends;
    if (log.HasUnstableEntries() || ready.snapshot != nullptr || new_term || untold_.any()) {
      Message stored = {.type = MessageType::kStorageAppendResp,
                        .to = raft_->id(),
                        .from = kLocalAppendThread,
                        .term = raft_->term(),
                        .snapshot = ready.snapshot};
      if (log.HasUnstableEntries()) {
        // Of the whole log, not of this write: an acknowledgement for entries that are still being
        // written waits in the queue behind this one anyway.
        stored.index = log.LastId().index;
        stored.log_term = log.LastId().term;
      }
      if (untold_.any()) stored.commit = hard_state_.commit;
      append.responses.push_back(std::move(stored));
    }
    ready.messages.push_back(std::move(append));
  }
  if (!ready.committed_entries.empty()) {
    Message applied = {.type = MessageType::kStorageApplyResp,
                       .to = raft_->id(),
                       .from = kLocalApplyThread,
                       .entries = ready.committed_entries};
    ready.messages.push_back({.type = MessageType::kStorageApply,
                              .to = kLocalApplyThread,
                              .from = raft_->id(),
                              .entries = ready.committed_entries,
                              .responses = {std::move(applied)}});
  }
}

// --- Looking ---

BasicStatus RawNode::GetBasicStatus() const {
  return {.id = raft_->id(),
          .hard_state = raft_->hard_state(),
          .soft_state = raft_->soft_state(),
          .applied = raft_->log().applied(),
          .transferee = raft_->transferee()};
}

Status RawNode::GetStatus() const {
  Status status = {.basic = GetBasicStatus(), .config = raft_->membership()};
  if (const tracker::ProgressMap* progress = raft_->progress()) {
    status.progress.assign(progress->begin(), progress->end());
  }
  return status;
}

void RawNode::VisitProgress(absl::FunctionRef<void(NodeId, const tracker::Progress&)> visit) const {
  const tracker::ProgressMap* progress = raft_->progress();
  if (progress == nullptr) return;
  for (const auto& [id, peer] : *progress) visit(id, peer);
}

}  // namespace raft
