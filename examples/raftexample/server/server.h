// One member: Raft over a disk and a network, with the state machine behind it. What the services
// of the API are made of.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_SERVER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_SERVER_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "examples/raftexample/apply/state_machine.h"
#include "examples/raftexample/metrics/meters.h"
#include "examples/raftexample/proto/internal.pb.h"
#include "examples/raftexample/server/applied_waits.h"
#include "examples/raftexample/server/applier.h"
#include "examples/raftexample/server/auto_compactor.h"
#include "examples/raftexample/server/config.h"
#include "examples/raftexample/server/executor.h"
#include "examples/raftexample/server/leader_questions.h"
#include "examples/raftexample/server/member_storage.h"
#include "examples/raftexample/server/request_ids.h"
#include "examples/raftexample/server/slow_log.h"
#include "examples/raftexample/server/ticker.h"
#include "examples/raftexample/server/upkeep.h"
#include "examples/raftexample/server/wait_table.h"
#include "examples/raftexample/server/watch_syncer.h"
#include "examples/raftexample/transport/transport.h"
#include "raft/logger.h"
#include "raft/node.h"

namespace raftexample {

// The release of etcd whose API this is.
inline constexpr char kApiVersion[] = "3.4.23";
inline constexpr char kClusterVersion[] = "3.4.0";

// Thread-safe. A callback is called exactly once, on some thread of the server, at the latest by
// Stop; it must be short, and must not block.
//
// The threads, and what each waits for:
//
//   node       turns of Raft; writes the log                    input, its disk
//   applier    the state machine; most answers to clients       committed entries
//   upkeep     flushes the store, compacts, cuts the log        its disk
//   executor   reads, and whatever takes long                   requests
//   transport  messages from and to members                     the network
//   syncer     watches that are behind
//   ticker     deadlines, leases, compaction by the clock       the clock
class Server final : private raft::NodeHost, private TransportOwner {
 public:
  // Opens the data, listens for members, and takes part. `on_end` is called, on some thread, when
  // the member has ended by itself: removed from the cluster (OK), or broken. It may only take
  // note; Stop is still the caller's.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerConfig& config,
                                                       raft::Logger* logger,
                                                       std::function<void(absl::Status)> on_end);
  ~Server() override;

  // Waits until the cluster knows this member by its name, and this member everything that was
  // acknowledged before it started; or for so long. A client that comes before may find a cluster
  // without a leader, members without a name, or a past that it knows to be over.
  void AwaitReady(absl::Duration timeout);

  // Hands leadership over if that goes quickly, ends every request that waits, and leaves the disk
  // as a clean end does.
  void Stop();

  // --- Looking ---

  const ServerConfig& config() const { return config_; }
  uint64_t cluster_id() const { return storage_.identity.cluster_id; }
  uint64_t member_id() const { return storage_.identity.node_id; }
  raft::BasicStatus status() const { return node_->GetBasicStatus(); }
  raft::NodeId leader() const { return leader_.load(std::memory_order_relaxed); }
  bool is_leader() const { return leader() == member_id(); }
  bool is_learner() const { return is_learner_.load(std::memory_order_relaxed); }
  absl::Time started() const { return started_; }
  raft::Logger* logger() const { return logger_; }
  Meters& meters() { return meters_; }
  SlowLog& slow_log() { return slow_log_; }
  // How long no leader has been known; zero while one is.
  absl::Duration leaderless() const;
  raft::NodeStats node_stats() const { return node_->stats(); }
  // What is before it the log does not have any more.
  raft::Index first_index() const { return storage_.storage->FirstIndex(); }
  storage::LogStats log_stats() const { return storage_.log->stats(); }
  // Waits for the node's thread: only on the executor.
  absl::StatusOr<raft::Status> FullStatus() { return node_->GetStatus(); }
  absl::Duration ConnectedFor(uint64_t peer) const { return transport_->ConnectedFor(peer); }
  std::map<uint64_t, PeerTraffic::Bytes> peer_traffic() const { return transport_->traffic(); }
  uint64_t leader_changes() const { return leader_changes_.load(std::memory_order_relaxed); }
  size_t waiting() const { return waits_.size(); }

  StateMachine& state() { return *storage_.state; }
  const StateMachine& state() const { return *storage_.state; }

  // --- Requests ---

  using Done = WaitTable::Done;  // void(absl::StatusOr<ApplyResult>)

  // Puts a command through the log; the result is that of applying it here. The header's ID is set
  // here. An error says that it was refused (too large, over quota, too many) or that its fate is
  // unknown (kTimeout, kStopped). What applying thought of it is in the result.
  void Propose(internal::Command command, Done done);

  // A read that begins after `done` sees everything that was acknowledged anywhere before this call
  // (§6.4).
  using ReadDone = absl::AnyInvocable<void(const absl::Status&)>;
  void LinearizableRead(ReadDone done) { LinearizableRead(RequestDeadline(), std::move(done)); }
  void LinearizableRead(absl::Time deadline, ReadDone done);

  // Calls back when the log has been applied here up to `index`.
  void WhenApplied(raft::Index index, ReadDone done) {
    applied_waits_.Wait(index, RequestDeadline(), std::move(done));
  }

  // Work that takes long, or waits for a disk.
  void Post(Executor::Work work) { executor_.Post(std::move(work)); }

  // A copy of the state as of now. Waits for the disk: only on the executor.
  absl::StatusOr<std::unique_ptr<SnapshotFile>> SnapshotOfNow();

  // Calls back when everything that was compacted so far is gone from the disk, too. kTimeout.
  void WhenCompacted(ReadDone done);

  // A change of membership, checked, through the log. Its request ID is set here.
  void ChangeMembers(internal::MemberChange change, Done done);
  // Makes a voter of a learner that has caught up; asks the leader if that is another.
  void PromoteMember(uint64_t id, TransportOwner::Done<bool> done);
  // kNotLeader unless leading; kBadLeaderTransferee; kTimeout. Done when the other one leads.
  void MoveLeader(uint64_t target, ReadDone done);

  // Answered by the leader, wherever it is; while there is none they wait for one. kNoLeader;
  // kTimeout.
  void RenewLease(int64_t id, TransportOwner::Done<int64_t> done);
  void LeaseTimeToLive(const etcdserverpb::LeaseTimeToLiveRequest& request,
                       TransportOwner::Done<etcdserverpb::LeaseTimeToLiveResponse> done);

  // Whom this member believes to be in the cluster.
  std::vector<etcdserverpb::Member> KnownMembers() const { return Members(); }

  // Asks a member, this one or another, how it is.
  void Describe(uint64_t member, absl::Time deadline,
                TransportOwner::Done<peer::MemberReport> done);

  absl::Time RequestDeadline() const { return absl::Now() + request_timeout_; }

 private:
  struct Transfer {  // Of leadership.
    uint64_t target;
    absl::Time deadline;
    ReadDone done;
  };
  struct CompactionWait {
    absl::Time deadline;
    ReadDone done;
  };

  Server(const ServerConfig& config, raft::Logger* logger, std::function<void(absl::Status)> on_end,
         MemberStorage storage);
  absl::Status StartAll();
  void StartTicker();
  raft::Node& node();  // Waits until there is one: its thread may call before Start has returned.
  void MaybeCampaignAlone();
  void HandOver();
  void FailWaits();

  // --- raft::NodeHost, on the node's thread ---
  void Send(std::vector<raftpb::Message> messages) override;
  void Store(raft::StoreWork work) override;
  void Apply(raft::ApplyWork work) override;
  void OnLeadership(const raft::SoftState& state, raft::Term term) override;
  void OnFailure(const absl::Status& why) override;

  absl::Status SaveNow(raft::StoreWork work);  // A failure has been told to the node.
  void InstallAndSave(raft::StoreWork work);
  absl::Status Install(const raftpb::SnapshotMetadata& snapshot);
  void SendSnapshot(raftpb::Message message);

  // --- TransportOwner, on the transport's threads ---
  void OnMessages(std::vector<raftpb::Message> messages) override;
  void OnUnreachable(raftpb::NodeId peer) override;
  void OnRefused(raftpb::NodeId peer, const absl::Status& why) override;
  bool IsRemoved(raftpb::NodeId peer) const override;
  void OnSnapshotSent(raftpb::NodeId peer, raft::SnapshotOutcome outcome) override;
  absl::StatusOr<std::unique_ptr<SnapshotReceiver>> ReceiveSnapshot() override;
  void OnSnapshotReceived(raftpb::Message message,
                          std::unique_ptr<SnapshotReceiver> received) override;
  std::vector<etcdserverpb::Member> Members() const override;
  void OnRenewLease(int64_t id, TransportOwner::Done<int64_t> done) override;
  void OnLeaseTimeToLive(const etcdserverpb::LeaseTimeToLiveRequest& request,
                         TransportOwner::Done<etcdserverpb::LeaseTimeToLiveResponse> done) override;
  void OnPromoteMember(uint64_t id, TransportOwner::Done<bool> done) override;
  void OnDescribe(TransportOwner::Done<peer::MemberReport> done) override;

  // Calls back when everything is applied here that is known to be committed. Whatever a client saw
  // happen at any member, a leader then knows.
  void WhenCaughtUp(ReadDone done) { WhenApplied(status().hard_state.commit, std::move(done)); }

  // --- Membership ---
  void FollowMembership();
  absl::Status CheckLearnerReady(uint64_t id);

  // --- Now and then ---
  void ExpireRequests();
  void AnswerCompactionWaits();
  void ExpireLeases();
  bool IsPublished() const;
  void PublishAttributes();
  void PublishVersion();
  void CompactByTheClock();
  void RaiseNoSpace();
  // On behalf of no user. `then` learns whether it came about.
  void ProposeOwn(internal::Command command, std::function<void(bool done)> then = nullptr);

  absl::Status CheckProposal(const internal::Command& command);
  void OnApplyTimed(const internal::Command& command, absl::Duration took);

  const ServerConfig config_;
  raft::Logger* const logger_;
  const std::function<void(absl::Status)> on_end_;
  const absl::Duration request_timeout_;
  const absl::Time started_ = absl::Now();
  Meters meters_;
  SlowLog slow_log_;
  MemberStorage storage_;
  RequestIds request_ids_;
  WaitTable waits_;
  AppliedWaits applied_waits_;
  LeaderQuestions leader_questions_{[this] { return leader(); }};
  Executor executor_;

  std::atomic<raft::NodeId> leader_{raft::kNone};
  std::atomic<uint64_t> leader_changes_{0};
  std::atomic<bool> is_learner_{false};
  std::atomic<bool> raising_no_space_{false};
  std::atomic<bool> publishing_{false};
  std::atomic<int> deferred_stores_{0};  // Handed to the applier, and not yet done.

  mutable absl::Mutex mutex_;
  absl::Time leaderless_since_ ABSL_GUARDED_BY(mutex_) = absl::Now();
  std::map<raftpb::EntryId, std::unique_ptr<SnapshotReceiver>> received_ ABSL_GUARDED_BY(mutex_);
  std::vector<Transfer> transfers_ ABSL_GUARDED_BY(mutex_);
  std::vector<CompactionWait> compaction_waits_ ABSL_GUARDED_BY(mutex_);
  std::set<raftpb::NodeId> peers_ ABSL_GUARDED_BY(mutex_);  // That the transport talks to.
  bool published_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;

  std::unique_ptr<Transport> transport_;
  std::shared_ptr<WatchSyncer> watch_syncer_;
  std::unique_ptr<Upkeep> upkeep_;
  std::unique_ptr<Applier> applier_;
  std::unique_ptr<raft::Node> node_;
  absl::Notification node_ready_;  // node_ is set.
  std::unique_ptr<AutoCompactor> auto_compactor_;
  std::unique_ptr<Ticker> ticker_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_SERVER_H_
