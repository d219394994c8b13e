// Room: what a server does now and then without being asked: it follows the membership, lets
// requests and leases expire, and tells the cluster about itself.
#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/time/clock.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/server/server.h"

namespace raftexample {

using internal::Command;
using raftpb::NodeId;

namespace {

constexpr size_t kRevokesAtOnce = 1000;

}  // namespace

// The transport talks to exactly the members there are. A member that was removed is told so by the
// others, not by silence.
void Server::FollowMembership() {
  const std::vector<etcdserverpb::Member> members = state().membership().Members();
  std::set<NodeId> now;
  for (const etcdserverpb::Member& member : members) {
    if (member.id() == member_id()) is_learner_ = member.islearner();
    transport_->SetPeer(member.id(), {member.peerurls().begin(), member.peerurls().end()});
    now.insert(member.id());
  }
  absl::MutexLock lock(&mutex_);
  for (const NodeId gone : peers_) {
    if (!now.contains(gone)) transport_->RemovePeer(gone);
  }
  peers_ = std::move(now);
}

void Server::ExpireRequests() {
  const absl::Time now = absl::Now();
  meters_.failed_proposals.Increment(static_cast<double>(waits_.Expire(now, errors::kTimeout)));
  applied_waits_.Expire(now, errors::kTimeoutApplying);
  leader_questions_.Repeat(now);
  std::vector<Transfer> late;
  {
    absl::MutexLock lock(&mutex_);
    auto expired = std::partition(transfers_.begin(), transfers_.end(),
                                  [now](const Transfer& t) { return t.deadline > now; });
    std::move(expired, transfers_.end(), std::back_inserter(late));
    transfers_.erase(expired, transfers_.end());
  }
  for (Transfer& transfer : late) transfer.done(errors::kTimeout);
  AnswerCompactionWaits();
}

void Server::ProposeOwn(Command command, std::function<void(bool done)> then) {
  command.mutable_header()->set_by_member(true);
  Propose(std::move(command), [then = std::move(then)](absl::StatusOr<ApplyResult> result) {
    if (then != nullptr) then(result.ok() && result->status.ok());
  });
}

// The leader alone decides that a lease has run out, and says so in the log.
void Server::ExpireLeases() {
  if (!is_leader()) return;
  for (const int64_t lease :
       state().leases().Expired(std::chrono::steady_clock::now(), kRevokesAtOnce)) {
    Command command;
    command.mutable_lease_revoke()->set_id(lease);
    ProposeOwn(std::move(command));
  }
  etcdserverpb::LeaseCheckpointRequest checkpoints =
      state().leases().DueCheckpoints(std::chrono::steady_clock::now(), kRevokesAtOnce);
  if (checkpoints.checkpoints().empty()) return;
  Command command;
  *command.mutable_lease_checkpoint() = std::move(checkpoints);
  ProposeOwn(std::move(command));
}

bool Server::IsPublished() const {
  const absl::optional<etcdserverpb::Member> self = state().membership().Find(member_id());
  if (!self.has_value() || self->name() != config_.name) return false;
  const std::vector<std::string> urls = ToStrings(config_.advertise_client_urls);
  return std::equal(urls.begin(), urls.end(), self->clienturls().begin(), self->clienturls().end());
}

// Until the address book says who we are.
void Server::PublishAttributes() {
  {
    absl::MutexLock lock(&mutex_);
    if (published_) return;
    published_ = IsPublished();
    if (published_) return;
  }
  const bool member = state().membership().Find(member_id()).has_value();
  if (!member || leader() == raft::kNone || publishing_.exchange(true)) return;
  Command command;
  command.mutable_member_attributes()->set_member_id(member_id());
  command.mutable_member_attributes()->set_name(config_.name);
  for (const std::string& url : ToStrings(config_.advertise_client_urls)) {
    command.mutable_member_attributes()->add_client_urls(url);
  }
  ProposeOwn(std::move(command), [this](bool) { publishing_ = false; });
}

void Server::AwaitReady(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  auto recent = std::make_shared<absl::Notification>();  // The answer may come later than we wait.
  LinearizableRead([recent](const absl::Status&) { recent->Notify(); });
  recent->WaitForNotificationWithDeadline(deadline);
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithDeadline(absl::Condition(&published_), deadline);
}

void Server::PublishVersion() {
  if (!is_leader() || !state().membership().cluster_version().empty()) return;
  Command command;
  command.mutable_cluster_version()->set_version(kClusterVersion);
  ProposeOwn(std::move(command));
}

void Server::CompactByTheClock() {
  if (!is_leader()) return auto_compactor_->Forget();
  const absl::optional<int64_t> revision =
      auto_compactor_->Tick(absl::Now(), state().store().revision());
  if (!revision.has_value()) return;
  Command command;
  command.mutable_compaction()->set_revision(*revision);
  ProposeOwn(std::move(command));
}

void Server::RaiseNoSpace() {
  if (state().alarms().IsActive(etcdserverpb::NOSPACE) || raising_no_space_.exchange(true)) return;
  Command command;
  command.mutable_alarm()->set_action(etcdserverpb::AlarmRequest::ACTIVATE);
  command.mutable_alarm()->set_memberid(member_id());
  command.mutable_alarm()->set_alarm(etcdserverpb::NOSPACE);
  ProposeOwn(std::move(command), [this](bool) { raising_no_space_ = false; });
}

}  // namespace raftexample
