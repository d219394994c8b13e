// Room: how a server starts and ends. Its others: server_requests.cc, server_host.cc and
// server_duties.cc.
#include "examples/raftexample/server/server.h"

#include <chrono>
#include <utility>

#include "absl/time/clock.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/server/cluster_ids.h"

namespace raftexample {

using raftpb::NodeId;

namespace {

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

// What does not depend on which member it is.
raft::NodeOptions NodeOptionsFor(const ServerConfig& config) {
  raft::NodeOptions options;
  options.config.election_tick =
      static_cast<uint32_t>(config.election_timeout / config.heartbeat_interval);
  options.config.heartbeat_tick = 1;
  options.config.pre_vote = config.pre_vote;
  options.config.check_quorum = true;
  options.config.max_size_per_msg = 1 << 20;
  options.config.max_inflight_msgs = 512;
  options.config.max_uncommitted_size = uint64_t{1} << 30;
  options.config.step_down_on_removal = true;
  options.tick = absl::FromChrono(config.heartbeat_interval);
  return options;
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

  raft::NodeOptions options = NodeOptionsFor(config_);
  options.config.id = member_id();
  options.config.storage = storage_.storage.get();
  options.config.applied = state().applied().index;
  options.config.seed = request_ids_.Next();
  options.config.logger = logger_;
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
    state().auth().tokens().Sweep(std::chrono::steady_clock::now());
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

}  // namespace raftexample
