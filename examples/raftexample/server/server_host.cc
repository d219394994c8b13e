// Room: what the node and the transport ask of a server, on their threads: to store, to send, to
// apply, and to answer other members.
#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/server/member_report.h"
#include "examples/raftexample/server/server.h"

namespace raftexample {

using internal::Command;
using internal::MemberChange;
using raftpb::Message;
using raftpb::MessageType;
using raftpb::NodeId;

// --- raft::NodeHost ---

void Server::Send(std::vector<Message> messages) {
  auto snapshots = std::stable_partition(messages.begin(), messages.end(), [](const Message& m) {
    return m.type != MessageType::kSnap;
  });
  for (auto snapshot = snapshots; snapshot != messages.end(); ++snapshot) {
    executor_.Post(
        [this, message = std::move(*snapshot)]() mutable { SendSnapshot(std::move(message)); });
  }
  messages.erase(snapshots, messages.end());
  transport_->Send(std::move(messages));
}

// Raft names a position that the log can go on from; the state in the store is of a later one,
// which serves as well.
void Server::SendSnapshot(Message message) {
  const NodeId to = message.to;
  absl::StatusOr<std::unique_ptr<SnapshotFile>> file = state().Snapshot();
  if (!file.ok() || (*file)->applied().index < message.snapshot->metadata.index) {
    RAFT_LOG(logger_, kWarn, "no snapshot for ", absl::Hex(to), ": ", file.status().ToString());
    return node().ReportSnapshot(to, raft::SnapshotOutcome::kFailed);
  }
  auto snapshot = std::make_shared<raftpb::Snapshot>();
  snapshot->metadata.index = (*file)->applied().index;
  snapshot->metadata.term = (*file)->applied().term;
  snapshot->metadata.conf_state = (*file)->conf_state();
  message.snapshot = std::move(snapshot);
  RAFT_LOG(logger_, kInfo, "sending a snapshot of ", (*file)->size(), " bytes at ",
           (*file)->applied().index, " to ", absl::Hex(to));
  transport_->SendSnapshot(std::move(message), *std::move(file));
}

// On the node's own thread, so that what arrives meanwhile is one write next time. Only behind a
// snapshot, which the applier has to load first, stores wait in line with the applier's work.
void Server::Store(raft::StoreWork work) {
  if (work.snapshot == nullptr && deferred_stores_ == 0) {
    return SaveNow(std::move(work)).IgnoreError();
  }
  ++deferred_stores_;
  applier_->Run([this, work = std::move(work)]() mutable {
    if (work.snapshot != nullptr) {
      upkeep_->Replace([&] { InstallAndSave(std::move(work)); });
    } else {
      SaveNow(std::move(work)).IgnoreError();
    }
    --deferred_stores_;
  });
}

absl::Status Server::SaveNow(raft::StoreWork work) {
  absl::optional<Stopwatch> stopwatch;
  if (work.must_sync) stopwatch.emplace(meters_.log_sync);
  const absl::Status saved = storage_.storage->Save({.entries = work.entries,
                                                     .hard_state = work.hard_state,
                                                     .snapshot = work.snapshot,
                                                     .must_sync = work.must_sync});
  stopwatch.reset();
  if (saved.ok()) {
    node().OnStored(std::move(work));
  } else {
    node().Fail(saved);
  }
  return saved;
}

void Server::InstallAndSave(raft::StoreWork work) {
  const raftpb::SnapshotPtr snapshot = work.snapshot;
  if (absl::Status installed = Install(snapshot->metadata); !installed.ok()) {
    return node().Fail(installed);
  }
  if (!SaveNow(std::move(work)).ok()) return;
  if (absl::Status cleared = storage_.directory->ClearInstalling(); !cleared.ok()) {
    return node().Fail(cleared);
  }
  FollowMembership();
  applied_waits_.Advance(state().applied().index);
}

absl::Status Server::Install(const raftpb::SnapshotMetadata& snapshot) {
  std::unique_ptr<SnapshotReceiver> received;
  {
    absl::MutexLock lock(&mutex_);
    received = std::move(received_[snapshot.id()]);
    received_.clear();
  }
  if (received == nullptr) return absl::InternalError("a snapshot without its file");
  if (absl::Status marked = storage_.directory->SetInstalling(snapshot); !marked.ok())
    return marked;
  absl::Status installed = state().Install(std::move(received));
  if (installed.ok()) {
    RAFT_LOG(logger_, kInfo, "the state machine is now that of a snapshot at ", snapshot.index);
  }
  return installed;
}

void Server::Apply(raft::ApplyWork work) { applier_->Apply(std::move(work)); }

void Server::OnLeadership(const raft::SoftState& state, raft::Term term) {
  const NodeId before = leader_.exchange(state.lead);
  if (before == state.lead) return;
  std::vector<Transfer> arrived;
  {
    absl::MutexLock lock(&mutex_);
    if (state.lead == raft::kNone) leaderless_since_ = absl::Now();
    auto there = std::partition(transfers_.begin(), transfers_.end(),
                                [&](const Transfer& t) { return t.target != state.lead; });
    std::move(there, transfers_.end(), std::back_inserter(arrived));
    transfers_.erase(there, transfers_.end());
  }
  if (state.lead != raft::kNone) leader_changes_.fetch_add(1, std::memory_order_relaxed);
  RAFT_LOG(logger_, kInfo, "leader of term ", term, ": ",
           state.lead == raft::kNone ? "none" : absl::StrCat(absl::Hex(state.lead)));
  if (state.lead == member_id()) {
    this->state().leases().Promote(std::chrono::steady_clock::now(), config_.election_timeout);
  } else {
    this->state().leases().Demote();
  }
  for (Transfer& transfer : arrived) transfer.done(absl::OkStatus());
}

void Server::OnFailure(const absl::Status& why) {
  RAFT_LOG(logger_, kError, "this member stops: ", why.ToString());
  on_end_(why);
}

// --- TransportOwner ---

void Server::OnMessages(std::vector<Message> messages) {
  // A snapshot comes with its file, or not at all.
  messages.erase(
      std::remove_if(messages.begin(), messages.end(),
                     [](const Message& message) { return message.type == MessageType::kSnap; }),
      messages.end());
  node().Step(std::move(messages));
}

void Server::OnUnreachable(NodeId peer) { node().ReportUnreachable(peer); }

void Server::OnRefused(NodeId peer, const absl::Status& why) {
  RAFT_LOG(logger_, kWarn, "member ", absl::Hex(peer), " refuses us: ", why.message());
  if (WasRemoved(why)) on_end_(absl::FailedPreconditionError("this member was removed"));
}

bool Server::IsRemoved(NodeId peer) const { return state().membership().IsRemoved(peer); }

void Server::OnSnapshotSent(NodeId peer, raft::SnapshotOutcome outcome) {
  node().ReportSnapshot(peer, outcome);
}

absl::StatusOr<std::unique_ptr<SnapshotReceiver>> Server::ReceiveSnapshot() {
  return state().backend().Receive();
}

void Server::OnSnapshotReceived(Message message, std::unique_ptr<SnapshotReceiver> received) {
  if (message.snapshot == nullptr) return;
  {
    absl::MutexLock lock(&mutex_);
    received_.clear();
    received_[message.snapshot->metadata.id()] = std::move(received);
  }
  std::vector<Message> messages;
  messages.push_back(std::move(message));
  node().Step(std::move(messages));
}

std::vector<etcdserverpb::Member> Server::Members() const {
  std::vector<etcdserverpb::Member> members = state().membership().Members();
  return members.empty() ? storage_.known_members : members;
}

void Server::OnRenewLease(int64_t id, TransportOwner::Done<int64_t> done) {
  WhenCaughtUp([this, id, done = std::move(done)](const absl::Status& caught_up) {
    if (!caught_up.ok()) return done(caught_up);
    const absl::StatusOr<Lessor::Renewed> renewed =
        state().leases().Renew(id, std::chrono::steady_clock::now());
    if (!renewed.ok()) return done(renewed.status());
    const int64_t ttl = renewed->ttl;
    if (!renewed->must_clear_checkpoint) return done(ttl);
    // What the others remember is less than what the client is about to be told.
    Command command;
    command.mutable_lease_checkpoint()->add_checkpoints()->set_id(id);
    ProposeOwn(std::move(command), [ttl, done](bool cleared) {
      if (!cleared) return done(absl::Status(errors::kTimeout));
      done(ttl);
    });
  });
}

void Server::OnLeaseTimeToLive(const etcdserverpb::LeaseTimeToLiveRequest& request,
                               TransportOwner::Done<etcdserverpb::LeaseTimeToLiveResponse> done) {
  WhenCaughtUp([this, request, done = std::move(done)](const absl::Status& caught_up) {
    if (!caught_up.ok()) return done(caught_up);
    const absl::StatusOr<Lessor::Remaining> remaining =
        state().leases().TimeToLive(request.id(), std::chrono::steady_clock::now());
    if (!remaining.ok()) return done(remaining.status());
    etcdserverpb::LeaseTimeToLiveResponse response;
    response.set_id(request.id());
    response.set_ttl(remaining->ttl);
    response.set_grantedttl(remaining->granted_ttl);
    if (request.keys() && remaining->ttl >= 0) {
      for (std::string& key : state().leases().Keys(request.id())) {
        response.add_keys(std::move(key));
      }
    }
    done(std::move(response));
  });
}

void Server::OnPromoteMember(uint64_t id, TransportOwner::Done<bool> done) {
  if (!is_leader()) return done(absl::Status(errors::kNotLeader));
  auto promote = [this, id, done] {
    MemberChange change;
    change.set_kind(MemberChange::PROMOTE);
    change.mutable_member()->set_id(id);
    if (absl::Status ready = CheckLearnerReady(id); !ready.ok()) return done(ready);
    ChangeMembers(std::move(change), [done](absl::StatusOr<ApplyResult> result) {
      if (!result.ok()) return done(result.status());
      if (!result->status.ok()) return done(result->status);
      done(true);
    });
  };
  WhenCaughtUp([this, promote, done](const absl::Status& caught_up) {
    if (!caught_up.ok()) return done(caught_up);
    executor_.Post(promote);
  });
}

void Server::OnDescribe(TransportOwner::Done<peer::MemberReport> done) {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return done(absl::Status(errors::kStopped));
  executor_.Post([this, done = std::move(done)] { done(ReportOf(*this)); });
}

}  // namespace raftexample
