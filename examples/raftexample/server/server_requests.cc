// Room: what the services of the API ask of a server.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/server/reconfig_guard.h"
#include "examples/raftexample/server/server.h"
#include "raft/errors.h"
#include "raftpb/wire.h"

namespace raftexample {

using internal::Command;
using internal::MemberChange;
using raftpb::NodeId;

namespace {

// Of commands committed and not yet applied; beyond it clients are asked to wait.
constexpr uint64_t kMaxBacklog = 5000;

// A command that takes so long holds up all that come after it.
constexpr absl::Duration kSlowApply = absl::Milliseconds(100);

raftpb::ConfChangeV2 ConfChangeFor(const MemberChange& change) {
  raftpb::ConfChangeType type = raftpb::ConfChangeType::kAddNode;
  switch (change.kind()) {
    case MemberChange::ADD:
      if (change.member().islearner()) type = raftpb::ConfChangeType::kAddLearnerNode;
      break;
    case MemberChange::REMOVE: type = raftpb::ConfChangeType::kRemoveNode; break;
    case MemberChange::UPDATE: type = raftpb::ConfChangeType::kUpdateNode; break;
    default: break;  // A promotion adds a voter.
  }
  return {.changes = {{type, change.member().id()}},
          .context = absl::Cord(change.SerializeAsString())};
}

// What a client is told when the node did not take, or did not answer, a request.
absl::Status ForClient(const absl::Status& status) {
  if (status.ok()) return status;
  if (raft::IsNodeStopped(status)) return errors::kStopped;
  if (raft::IsProposalDropped(status)) {
    return raft::DropReasonOf(status) == raft::DropReason::kOverQuota ? errors::kTooManyRequests
                                                                      : errors::kTimeout;
  }
  return errors::kStopped;
}

}  // namespace

absl::Status Server::CheckProposal(const Command& command) {
  if (command.ByteSizeLong() > config_.max_request_bytes) return errors::kRequestTooLarge;
  const raft::BasicStatus now = node_->GetBasicStatus();
  if (now.hard_state.commit > state().applied_index() + kMaxBacklog) {
    return errors::kTooManyRequests;
  }
  const bool grows = command.has_put() || command.has_txn() || command.has_lease_grant();
  if (grows && !state().quota().Allows(Quota::Cost(command))) {
    RaiseNoSpace();
    return errors::kNoSpace;
  }
  return absl::OkStatus();
}

void Server::Propose(Command command, Done done) {
  if (absl::Status checked = CheckProposal(command); !checked.ok()) {
    meters_.failed_proposals.Increment();
    return done(checked);
  }
  const uint64_t id = request_ids_.Next();
  const absl::Time deadline = RequestDeadline();
  command.mutable_header()->set_id(id);
  waits_.Add(id, deadline, std::move(done));
  node_->Propose(absl::Cord(command.SerializeAsString()), deadline,
                 [this, id](const absl::Status& taken) {
                   if (taken.ok()) return;
                   meters_.failed_proposals.Increment();
                   waits_.End(id, ForClient(taken));
                 });
}

void Server::LinearizableRead(absl::Time deadline, ReadDone done) {
  node_->ReadIndex(deadline, [this, deadline,
                              done = std::move(done)](absl::StatusOr<raft::Index> index) mutable {
    if (!index.ok()) return done(ForClient(index.status()));
    applied_waits_.Wait(*index, deadline, std::move(done));
  });
}

void Server::ChangeMembers(MemberChange change, Done done) {
  if (absl::Status fits = state().CheckMemberChange(change); !fits.ok()) return done(fits);
  if (config_.strict_reconfig_check) {
    const ReconfigView view = {
        .self = member_id(),
        .members = state().membership().Members(),
        .connected_for = [this](uint64_t id) { return transport_->ConnectedFor(id); }};
    if (absl::Status safe = CheckReconfiguration(view, change); !safe.ok()) return done(safe);
  }
  const uint64_t id = request_ids_.Next();
  const absl::Time deadline = RequestDeadline();
  change.set_request_id(id);
  waits_.Add(id, deadline, std::move(done));
  node_->ProposeConfChange(ConfChangeFor(change), deadline, [this, id](const absl::Status& taken) {
    if (!taken.ok()) waits_.End(id, ForClient(taken));
  });
}

void Server::PromoteMember(uint64_t id, TransportOwner::Done<bool> done) {
  if (is_leader()) return OnPromoteMember(id, std::move(done));
  // What every member knows needs no leader.
  if (!state().membership().Find(id).has_value())
    return done(absl::Status(errors::kMemberNotFound));
  const NodeId to = leader();
  if (to == raft::kNone) return done(absl::Status(errors::kNoLeader));
  transport_->PromoteMember(to, id, RequestDeadline(), std::move(done));
}

// 90 % of the leader's log is near enough: the rest comes while the change is being agreed on.
absl::Status Server::CheckLearnerReady(uint64_t id) {
  const absl::optional<etcdserverpb::Member> member = state().membership().Find(id);
  if (!member.has_value()) return errors::kMemberNotFound;
  if (!member->islearner()) return errors::kNotLearner;
  const absl::StatusOr<raft::Status> status = node_->GetStatus();
  if (!status.ok()) return ForClient(status.status());
  raft::Index leader_match = 0;
  raft::Index learner_match = 0;
  for (const auto& [peer, progress] : status->progress) {
    if (peer == member_id()) leader_match = progress.match();
    if (peer == id) learner_match = progress.match();
  }
  if (member->name().empty() || learner_match < leader_match / 10 * 9) {
    return errors::kLearnerNotReady;
  }
  return absl::OkStatus();
}

void Server::MoveLeader(uint64_t target, ReadDone done) {
  if (!is_leader()) return done(errors::kNotLeader);
  const absl::optional<etcdserverpb::Member> member = state().membership().Find(target);
  if (!member.has_value() || member->islearner()) return done(errors::kBadLeaderTransferee);
  if (target == member_id()) return done(absl::OkStatus());
  {
    absl::MutexLock lock(&mutex_);
    if (stopped_) return done(errors::kStopped);
    transfers_.push_back({target, RequestDeadline(), std::move(done)});
  }
  node_->TransferLeadership(target);
}

absl::StatusOr<std::unique_ptr<SnapshotFile>> Server::SnapshotOfNow() {
  const raft::Index now = state().applied_index();
  const absl::Time deadline = RequestDeadline();
  while (true) {
    absl::StatusOr<std::unique_ptr<SnapshotFile>> file = state().Snapshot();
    if (!file.ok() || (*file)->applied().index >= now) return file;
    if (absl::Now() > deadline) return errors::kTimeout.status();
    absl::SleepFor(
        absl::Milliseconds(50));  // The applier closes a batch soon, and upkeep writes it.
  }
}

void Server::WhenCompacted(ReadDone done) {
  {
    absl::MutexLock lock(&mutex_);
    if (stopped_) return done(errors::kStopped);
    compaction_waits_.push_back({RequestDeadline(), std::move(done)});
  }
  upkeep_->Wake();
}

void Server::AnswerCompactionWaits() {
  const bool finished = state().store().CompactionFinished();
  const absl::Time now = absl::Now();
  std::vector<CompactionWait> answered;
  {
    absl::MutexLock lock(&mutex_);
    auto over = std::partition(
        compaction_waits_.begin(), compaction_waits_.end(),
        [&](const CompactionWait& wait) { return !finished && wait.deadline > now; });
    std::move(over, compaction_waits_.end(), std::back_inserter(answered));
    compaction_waits_.erase(over, compaction_waits_.end());
  }
  for (CompactionWait& wait : answered) {
    wait.done(finished ? absl::OkStatus() : absl::Status(errors::kTimeout));
  }
}

void Server::FailWaits() {
  std::vector<Transfer> transfers;
  std::vector<CompactionWait> compactions;
  {
    absl::MutexLock lock(&mutex_);
    transfers.swap(transfers_);
    compactions.swap(compaction_waits_);
  }
  for (Transfer& transfer : transfers) transfer.done(errors::kStopped);
  for (CompactionWait& wait : compactions) wait.done(errors::kStopped);
}

void Server::RenewLease(int64_t id, TransportOwner::Done<int64_t> done) {
  const absl::Time deadline = RequestDeadline();
  leader_questions_.Put<int64_t>(
      deadline,
      [this, id, deadline](NodeId leader, TransportOwner::Done<int64_t> done) {
        if (leader == member_id()) return OnRenewLease(id, std::move(done));
        transport_->RenewLease(leader, id, deadline, std::move(done));
      },
      std::move(done));
}

void Server::LeaseTimeToLive(const etcdserverpb::LeaseTimeToLiveRequest& request,
                             TransportOwner::Done<etcdserverpb::LeaseTimeToLiveResponse> done) {
  using Response = etcdserverpb::LeaseTimeToLiveResponse;
  const absl::Time deadline = RequestDeadline();
  leader_questions_.Put<Response>(
      deadline,
      [this, request, deadline](NodeId leader, TransportOwner::Done<Response> done) {
        if (leader == member_id()) return OnLeaseTimeToLive(request, std::move(done));
        transport_->LeaseTimeToLive(leader, request, deadline, std::move(done));
      },
      std::move(done));
}

void Server::Describe(uint64_t member, absl::Time deadline,
                      TransportOwner::Done<peer::MemberReport> done) {
  if (member == member_id()) return OnDescribe(std::move(done));
  transport_->Describe(member, deadline, std::move(done));
}

void Server::OnApplyTimed(const Command& command, absl::Duration took) {
  meters_.apply.Observe(absl::ToDoubleSeconds(took));
  if (took < kSlowApply) return;
  meters_.slow_applies.Increment();
  slow_log_.Tell(
      "applying a command", took,
      absl::StrCat("of ", command.ByteSizeLong(), " bytes, revision ", state().store().revision()));
}

}  // namespace raftexample
