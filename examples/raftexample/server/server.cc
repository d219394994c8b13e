#include "examples/raftexample/server/server.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/server/cluster_ids.h"
#include "examples/raftexample/server/member_report.h"
#include "examples/raftexample/server/reconfig_guard.h"
#include "raft/errors.h"
#include "raftpb/wire.h"

namespace raftexample {

using internal::Command;
using internal::MemberChange;
using raftpb::Message;
using raftpb::MessageType;
using raftpb::NodeId;

namespace {

// Of commands committed and not yet applied; beyond it clients are asked to wait.
constexpr uint64_t kMaxBacklog = 5000;

constexpr absl::Duration kOwnProposalTimeout = absl::Seconds(7);
constexpr size_t kRevokesAtOnce = 1000;

// A command that takes so long holds up all that come after it.
constexpr absl::Duration kSlowApply = absl::Milliseconds(100);

std::chrono::steady_clock::time_point SteadyNow() { return std::chrono::steady_clock::now(); }

// 1.5 election timeouts, in whole seconds: what a client can renew across a change of leaders.
std::chrono::seconds MinLeaseTtl(const ServerConfig& config) {
  return std::chrono::ceil<std::chrono::seconds>(config.election_timeout * 3 / 2);
}

StateMachine::Options StateOptions(const ServerConfig& config, std::function<void()> wake) {
  StateMachine::Options options;
  options.quota_bytes = config.quota_backend_bytes;
  options.lessor.min_ttl = MinLeaseTtl(config);
  options.watch.max_fragment_bytes = config.max_request_bytes + 512 * 1024;
  options.watch.wake = std::move(wake);
  options.auth.token_idle = config.auth_token_ttl;
  options.auth.bcrypt_cost = config.bcrypt_cost;
  return options;
}

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

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerConfig& config,
                                                      raft::Logger* logger,
                                                      std::function<void(absl::Status)> on_end) {
  auto syncer = std::make_shared<WatchSyncer>();
  absl::StatusOr<MemberStorage> storage =
      OpenMemberStorage(config, StateOptions(config, [syncer] { syncer->Wake(); }), logger);
  if (!storage.ok()) return storage.status();
  std::unique_ptr<Server> server(
      new Server(config, logger, std::move(on_end), *std::move(storage)));
  server->watch_syncer_ = std::move(syncer);
  if (absl::Status started = server->StartAll(); !started.ok()) return started;
  return server;
}

Server::Server(const ServerConfig& config, raft::Logger* logger,
               std::function<void(absl::Status)> on_end, MemberStorage storage)
    : config_(config),
      logger_(logger),
      on_end_(std::move(on_end)),
      request_timeout_(absl::Seconds(5) + 2 * absl::FromChrono(config.election_timeout)),
      slow_log_(logger),
      storage_(std::move(storage)),
      request_ids_(member_id(), absl::ToUnixMillis(absl::Now())),
      applied_waits_(state().applied().index),
      executor_(2) {}

Server::~Server() { Stop(); }

absl::Status Server::StartAll() {
  // The network first: a taken port must not leave a trace in the log.
  absl::StatusOr<std::unique_ptr<Transport>> transport =
      Transport::Create({.cluster = cluster_id(),
                         .self = member_id(),
                         .listen_urls = config_.listen_peer_urls,
                         .tls = config_.peer_tls,
                         .heartbeat = absl::FromChrono(config_.heartbeat_interval)},
                        this);
  if (!transport.ok()) return transport.status();
  transport_ = *std::move(transport);
  for (const etcdserverpb::Member& member : storage_.known_members) {
    transport_->SetPeer(member.id(), {member.peerurls().begin(), member.peerurls().end()});
  }
  FollowMembership();

  watch_syncer_->Start(&state().watches());
  upkeep_ = std::make_unique<Upkeep>(
      &state(), storage_.storage.get(),
      Upkeep::Options{
          .snapshot_count = config_.snapshot_count, .logger = logger_, .meters = &meters_},
      [this](const absl::Status& why) { node().Fail(why); });
  applier_ = std::make_unique<Applier>(
      &state(), &waits_, &applied_waits_,
      Applier::Callbacks{
          .apply_conf_change = [this](const auto& c) { return node().ApplyConfChange(c); },
          .on_applied =
              [this](raft::ApplyWork work) {
                node().OnApplied(std::move(work));
                MaybeCampaignAlone();
              },
          .on_membership = [this] { FollowMembership(); },
          .on_over_quota = [this] { RaiseNoSpace(); },
          .on_sealed = [this] { upkeep_->Wake(); },
          .on_timed = [this](const auto& c, absl::Duration took) { OnApplyTimed(c, took); }});

  raft::NodeOptions options;
  options.config.id = member_id();
  options.config.storage = storage_.storage.get();
  options.config.applied = state().applied().index;
  options.config.election_tick =
      static_cast<uint32_t>(config_.election_timeout / config_.heartbeat_interval);
  options.config.heartbeat_tick = 1;
  options.config.seed = request_ids_.Next();
  options.config.pre_vote = config_.pre_vote;
  options.config.check_quorum = true;
  options.config.max_size_per_msg = 1 << 20;
  options.config.max_inflight_msgs = 512;
  options.config.max_uncommitted_size = uint64_t{1} << 30;
  options.config.step_down_on_removal = true;
  options.config.logger = logger_;
  options.tick = absl::FromChrono(config_.heartbeat_interval);
  absl::StatusOr<std::unique_ptr<raft::Node>> node =
      raft::Node::Start(options, *this, storage_.founders);
  if (!node.ok()) return node.status();
  node_ = *std::move(node);
  node_ready_.Notify();
  MaybeCampaignAlone();
  StartTicker();
  return absl::OkStatus();
}

// If nobody else could lead there is nothing to wait for.
void Server::MaybeCampaignAlone() {
  if (leader() == raft::kNone && state().membership().Members().size() == 1) node().Campaign();
}

raft::Node& Server::node() {
  node_ready_.WaitForNotification();
  return *node_;
}

void Server::StartTicker() {
  ticker_ = std::make_unique<Ticker>();
  ticker_->Every(absl::Milliseconds(100), [this] { ExpireRequests(); });
  ticker_->Every(absl::Milliseconds(10), [this] { PublishAttributes(); });
  ticker_->Every(absl::Milliseconds(500), [this] {
    ExpireLeases();
    PublishVersion();
    state().auth().tokens().Sweep(SteadyNow());
  });
  ticker_->Every(absl::FromChrono(config_.watch_progress_interval),
                 [this] { state().watches().NotifyProgress(); });
  if (config_.auto_compaction_period.count() > 0) {
    auto_compactor_ = std::make_unique<AutoCompactor>(
        AutoCompactor::Periodic(absl::FromChrono(config_.auto_compaction_period)));
  } else if (config_.auto_compaction_revisions > 0) {
    auto_compactor_ = std::make_unique<AutoCompactor>(
        AutoCompactor::ByRevision(config_.auto_compaction_revisions));
  }
  if (auto_compactor_ != nullptr) {
    ticker_->Every(auto_compactor_->interval(), [this] { CompactByTheClock(); });
  }
  ticker_->Start();
}

void Server::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  if (ticker_ != nullptr) ticker_->Stop();
  if (node_ != nullptr) {
    HandOver();
    node_->Stop();
  }
  waits_.Close(errors::kStopped);
  applied_waits_.Close(errors::kStopped);
  leader_questions_.Close(errors::kStopped);
  FailWaits();
  if (applier_ != nullptr) applier_->Stop();
  if (upkeep_ != nullptr) upkeep_->Stop();
  if (watch_syncer_ != nullptr) watch_syncer_->Stop();
  if (transport_ != nullptr) transport_->Shutdown();
  executor_.Stop();
  if (storage_.state != nullptr) state().backend().Commit().IgnoreError();
  if (storage_.log != nullptr) storage_.log->Close().IgnoreError();
}

// A cluster that need not wait for an election timeout serves on.
void Server::HandOver() {
  if (!is_leader()) return;
  const absl::StatusOr<raft::Status> status = node_->GetStatus();
  if (!status.ok()) return;
  NodeId best = raft::kNone;
  raft::Index best_match = 0;
  for (const auto& [id, progress] : status->progress) {
    const bool candidate = id != member_id() && !status->config.IsLearner(id) &&
                           transport_->ConnectedFor(id) > absl::ZeroDuration();
    if (candidate && progress.match() >= best_match) {
      best = id;
      best_match = progress.match();
    }
  }
  if (best == raft::kNone) return;
  node_->TransferLeadership(best);
  absl::MutexLock lock(&mutex_);
  auto handed_over = [this] { return !is_leader(); };
  mutex_.AwaitWithTimeout(absl::Condition(&handed_over),
                          absl::FromChrono(config_.election_timeout));
}

absl::Duration Server::leaderless() const {
  if (leader() != raft::kNone) return absl::ZeroDuration();
  absl::MutexLock lock(&mutex_);
  return absl::Now() - leaderless_since_;
}

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
      InstallAndSave(std::move(work));
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
    this->state().leases().Promote(SteadyNow(), config_.election_timeout);
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
    const absl::StatusOr<Lessor::Renewed> renewed = state().leases().Renew(id, SteadyNow());
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
        state().leases().TimeToLive(request.id(), SteadyNow());
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

// --- Requests ---

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

// --- Membership ---

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

// --- Now and then ---

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
  for (const int64_t lease : state().leases().Expired(SteadyNow(), kRevokesAtOnce)) {
    Command command;
    command.mutable_lease_revoke()->set_id(lease);
    ProposeOwn(std::move(command));
  }
  etcdserverpb::LeaseCheckpointRequest checkpoints =
      state().leases().DueCheckpoints(SteadyNow(), kRevokesAtOnce);
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
