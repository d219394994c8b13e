#include "raft/node.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "raft/errors.h"
#include "storage/memory_storage.h"

namespace raft {
namespace {

using raftpb::Entry;
using raftpb::Message;

constexpr absl::Duration kTick = absl::Milliseconds(10);

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

class Network;

// A host that stores in memory on the node's thread, and applies to a list of strings on another.
class Server : public NodeHost {
 public:
  Server(NodeId id, Network* network) : id_(id), network_(network) {}
  ~Server() override {
    Stop();
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
      changed_.SignalAll();
    }
    applier_.join();
  }

  void Start(const std::vector<NodeId>& founders) {
    NodeOptions options;
    options.config.id = id_;
    options.config.storage = &storage_;
    options.tick = kTick;
    Start(options, founders);
  }

  void Start(NodeOptions options, const std::vector<NodeId>& founders) {
    options.config.id = id_;
    options.config.storage = &storage_;
    std::vector<Peer> peers;
    for (const NodeId founder : founders) peers.push_back({.id = founder});
    absl::MutexLock starting(&start_mutex_);
    absl::StatusOr<std::unique_ptr<Node>> node = Node::Start(options, *this, peers);
    ASSERT_TRUE(node.ok()) << node.status();
    node_ = *std::move(node);
  }

  void Stop() {
    if (node_ != nullptr) node_->Stop();
  }

  Node& node() {
    absl::MutexLock started(&start_mutex_);
    return *node_;
  }

  // --- NodeHost ---
  void Send(std::vector<Message> messages) override;

  void Store(StoreWork work) override {
    if (!work.entries.empty()) {
      absl::MutexLock lock(&mutex_);
      stored_sizes_.push_back(work.entries.size());
      writing_ = true;
      changed_.SignalAll();
      mutex_.Await(absl::Condition(this, &Server::DiskFree));
      writing_ = false;
    }
    ASSERT_EQ(work.snapshot, nullptr);
    ASSERT_TRUE(storage_.Append(work.entries).ok());
    if (work.hard_state.has_value()) storage_.SetHardState(*work.hard_state);
    node().OnStored(std::move(work));
  }

  void Apply(ApplyWork work) override {
    absl::MutexLock lock(&mutex_);
    works_.push_back(std::move(work));
    changed_.SignalAll();
  }

  void OnLeadership(const SoftState& state, Term) override {
    absl::MutexLock lock(&mutex_);
    leadership_ = state;
    changed_.SignalAll();
  }

  void OnFailure(const absl::Status& why) override {
    absl::MutexLock lock(&mutex_);
    failures_.push_back(why);
  }

  // --- The test's side ---

  template <typename Condition>
  void Await(Condition condition) {
    absl::MutexLock lock(&mutex_);
    while (!condition()) changed_.Wait(&mutex_);
  }
  void AwaitLeader() {
    Await([this] { return leadership_.lead != kNone; });
  }
  void AwaitApplied(const std::string& data) {
    Await([&] { return !applied_.empty() && applied_.back() == data; });
  }

  void BlockDisk() { SetDisk(false); }
  void FreeDisk() { SetDisk(true); }
  void SetDisk(bool free) {
    absl::MutexLock lock(&mutex_);
    disk_free_ = free;
  }
  // Returns when the disk is asked to write.
  void AwaitWrite() {
    Await([this] { return writing_; });
  }
  bool DiskFree() const { return disk_free_; }

  std::vector<std::string> applied() {
    absl::MutexLock lock(&mutex_);
    return applied_;
  }
  std::vector<size_t> stored_sizes() {
    absl::MutexLock lock(&mutex_);
    return stored_sizes_;
  }
  SoftState leadership() {
    absl::MutexLock lock(&mutex_);
    return leadership_;
  }
  std::vector<absl::Status> failures() {
    absl::MutexLock lock(&mutex_);
    return failures_;
  }
  Index applied_index() {
    absl::MutexLock lock(&mutex_);
    return applied_index_;
  }

 private:
  void ApplyAll() {
    while (true) {
      ApplyWork work;
      {
        absl::MutexLock lock(&mutex_);
        while (works_.empty() && !stopping_) changed_.Wait(&mutex_);
        if (stopping_) return;
        work = std::move(works_.front());
        works_.pop_front();
      }
      for (const Entry& entry : work.entries) ApplyOne(entry);
      node().OnApplied(std::move(work));
    }
  }

  void ApplyOne(const Entry& entry) {
    if (raftpb::IsConfChange(entry)) node().ApplyConfChange(entry).IgnoreError();
    absl::MutexLock lock(&mutex_);
    if (!raftpb::IsConfChange(entry) && !entry.data.empty()) {
      applied_.push_back(std::string(entry.data));
    }
    applied_index_ = entry.index;
    changed_.SignalAll();
  }

  const NodeId id_;
  Network* const network_;
  storage::MemoryStorage storage_;  // The node's thread only.

  absl::Mutex start_mutex_;  // Until node_ is there.
  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool disk_free_ = true;
  bool writing_ = false;
  bool stopping_ = false;
  std::vector<size_t> stored_sizes_;
  std::vector<std::string> applied_;
  std::deque<ApplyWork> works_;
  Index applied_index_ = 0;
  SoftState leadership_;
  std::vector<absl::Status> failures_;

  std::unique_ptr<Node> node_;
  std::thread applier_{[this] { ApplyAll(); }};
};

// Delivers at once, unless somebody is cut off.
class Network {
 public:
  void Join(NodeId id, Server* server) {
    absl::MutexLock lock(&mutex_);
    servers_[id] = server;
  }
  void Cut(NodeId id) {
    absl::MutexLock lock(&mutex_);
    servers_.erase(id);
  }
  void Deliver(NodeId from, std::vector<Message> messages) {
    for (Message& m : messages) {
      Server* to = nullptr;
      {
        absl::MutexLock lock(&mutex_);
        auto found = servers_.find(m.to);
        if (found != servers_.end() && servers_.contains(from)) to = found->second;
      }
      std::vector<Message> one;
      one.push_back(std::move(m));
      if (to != nullptr) to->node().Step(std::move(one));
    }
  }

 private:
  absl::Mutex mutex_;
  std::map<NodeId, Server*> servers_;
};

void Server::Send(std::vector<Message> messages) {
  if (network_ != nullptr) network_->Deliver(id_, std::move(messages));
}

class Cluster {
 public:
  Cluster() {
    for (NodeId id : {1, 2, 3}) servers_[id] = std::make_unique<Server>(id, &network_);
    for (auto& [id, server] : servers_) server->Start({1, 2, 3});
    for (auto& [id, server] : servers_) network_.Join(id, server.get());
  }
  ~Cluster() {
    for (auto& [id, server] : servers_) network_.Cut(id);
    for (auto& [id, server] : servers_) server->Stop();
  }

  Server& server(NodeId id) { return *servers_[id]; }
  Network& network() { return network_; }
  NodeId AwaitLeader() {
    for (auto& [id, server] : servers_) server->AwaitLeader();
    return servers_[1]->leadership().lead;
  }

 private:
  Network network_;
  std::map<NodeId, std::unique_ptr<Server>> servers_;
};

TEST(Node, ProposesStoresAndApplies) {
  Server server(1, nullptr);
  server.Start({1});
  EXPECT_TRUE(server.node().ProposeAndWait(absl::Cord("a"), Soon()).ok());
  server.AwaitApplied("a");
  EXPECT_EQ(server.applied(), std::vector<std::string>{"a"});
  EXPECT_EQ(server.node().GetBasicStatus().soft_state.lead, 1u);
}

// §3.5 with one disk: what arrives while it is written shares the next write.
TEST(Node, ProposalsThatArriveTogetherShareOneWrite) {
  Server server(1, nullptr);
  server.Start({1});
  server.AwaitLeader();
  ASSERT_TRUE(server.node().ProposeAndWait(absl::Cord("warm"), Soon()).ok());
  server.AwaitApplied("warm");
  server.BlockDisk();
  ASSERT_TRUE(server.node().ProposeAndWait(absl::Cord("first"), Soon()).ok());
  server.AwaitWrite();
  absl::BlockingCounter taken(64);
  for (int i = 0; i < 64; ++i) {
    server.node().Propose(absl::Cord("x"), Soon(), [&](const absl::Status& how) {
      EXPECT_TRUE(how.ok()) << how;
      taken.DecrementCount();
    });
  }
  server.node().Propose(absl::Cord("last"), Soon(), [](const absl::Status&) {});
  server.FreeDisk();
  taken.Wait();
  server.AwaitApplied("last");
  const std::vector<size_t> sizes = server.stored_sizes();
  EXPECT_EQ(*std::max_element(sizes.begin(), sizes.end()), 65u);
}

TEST(Node, ReadsThatArriveTogetherShareOneRound) {
  Cluster cluster;
  const NodeId leader = cluster.AwaitLeader();
  Server& server = cluster.server(leader);
  ASSERT_TRUE(server.node().ProposeAndWait(absl::Cord("a"), Soon()).ok());
  server.AwaitApplied("a");
  ASSERT_TRUE(server.node().ReadIndexAndWait(Soon()).ok());
  // While the thread is held by the disk, reads gather.
  server.BlockDisk();
  ASSERT_TRUE(server.node().ProposeAndWait(absl::Cord("b"), Soon()).ok());
  server.AwaitWrite();
  const uint64_t rounds_before = server.node().stats().read_rounds;
  absl::BlockingCounter answered(64);
  for (int i = 0; i < 64; ++i) {
    server.node().ReadIndex(Soon(), [&](absl::StatusOr<Index> index) {
      EXPECT_TRUE(index.ok()) << index.status();
      answered.DecrementCount();
    });
  }
  server.FreeDisk();
  answered.Wait();
  server.AwaitApplied("b");
  EXPECT_EQ(server.node().stats().read_rounds, rounds_before + 1);
}

TEST(Node, FollowersForwardProposalsAndReads) {
  Cluster cluster;
  const NodeId leader = cluster.AwaitLeader();
  Server& follower = cluster.server(leader % 3 + 1);
  ASSERT_TRUE(follower.node().ProposeAndWait(absl::Cord("a"), Soon()).ok());
  follower.AwaitApplied("a");
  const absl::StatusOr<Index> index = follower.node().ReadIndexAndWait(Soon());
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_GE(*index, follower.applied_index());
}

// The deadline is long: that it ends at all shows that the new leader was asked.
TEST(Node, ReadsAndProposalsOutliveALostLeader) {
  Cluster cluster;
  const NodeId leader = cluster.AwaitLeader();
  Server& survivor = cluster.server(leader % 3 + 1);
  cluster.network().Cut(leader);
  const absl::StatusOr<Index> index = survivor.node().ReadIndexAndWait(Soon());
  EXPECT_TRUE(index.ok()) << index.status();
  EXPECT_NE(survivor.leadership().lead, leader);
  EXPECT_TRUE(survivor.node().ProposeAndWait(absl::Cord("after"), Soon()).ok());
  survivor.AwaitApplied("after");
}

TEST(Node, WithoutAQuorumRequestsEndAtTheirDeadline) {
  Server server(1, nullptr);
  server.Start({1, 2, 3});
  const absl::Time deadline = absl::Now() + 3 * kTick;
  const absl::Status proposed = server.node().ProposeAndWait(absl::Cord("a"), deadline);
  ASSERT_TRUE(IsProposalDropped(proposed)) << proposed;
  EXPECT_EQ(DropReasonOf(proposed), DropReason::kNoLeader);
  EXPECT_GE(absl::Now(), deadline);
  const absl::Status read = server.node().ReadIndexAndWait(absl::Now() + 3 * kTick).status();
  ASSERT_TRUE(IsProposalDropped(read)) << read;
  EXPECT_EQ(DropReasonOf(read), DropReason::kNoLeader);
}

TEST(Node, RefusesWhatItHasNoRoomFor) {
  Server server(1, nullptr);
  NodeOptions options;
  options.tick = kTick;
  options.max_waiting_proposals = 2;
  options.max_waiting_reads = 1;
  server.Start(options, {1, 2, 3});
  std::vector<absl::Status> ends;  // Refusals come at once, on this thread.
  for (int i = 0; i < 2; ++i) {
    server.node().Propose(absl::Cord("x"), absl::InfiniteFuture(), [](const absl::Status&) {});
  }
  server.node().ReadIndex(absl::InfiniteFuture(), [](absl::StatusOr<Index>) {});
  server.node().Propose(absl::Cord("x"), absl::InfiniteFuture(),
                        [&](const absl::Status& how) { ends.push_back(how); });
  server.node().ReadIndex(absl::InfiniteFuture(),
                          [&](absl::StatusOr<Index> how) { ends.push_back(how.status()); });
  ASSERT_EQ(ends.size(), 2u);
  for (const absl::Status& end : ends) {
    ASSERT_TRUE(IsProposalDropped(end)) << end;
    EXPECT_EQ(DropReasonOf(end), DropReason::kOverQuota);
  }
}

TEST(Node, StopEndsEverythingThatWaits) {
  Server server(1, nullptr);
  server.Start({1, 2, 3});
  std::vector<absl::Status> ends;  // By the thread that Stop joins.
  server.node().Propose(absl::Cord("x"), absl::InfiniteFuture(),
                        [&](const absl::Status& how) { ends.push_back(how); });
  server.node().ReadIndex(absl::InfiniteFuture(),
                          [&](absl::StatusOr<Index> how) { ends.push_back(how.status()); });
  server.Stop();
  ASSERT_EQ(ends.size(), 2u);
  for (const absl::Status& end : ends) EXPECT_TRUE(IsNodeStopped(end)) << end;
  EXPECT_TRUE(IsNodeStopped(server.node().ProposeAndWait(absl::Cord("y"), Soon())));
  EXPECT_TRUE(IsNodeStopped(server.node().GetStatus().status()));
  EXPECT_TRUE(server.failures().empty());
}

TEST(Node, AFailureIsToldOnceAndToEveryCaller) {
  Server server(1, nullptr);
  server.Start({1});
  server.node().Fail(absl::DataLossError("the disk is gone"));
  server.node().Fail(absl::DataLossError("twice"));
  EXPECT_EQ(server.node().ProposeAndWait(absl::Cord("x"), Soon()),
            absl::DataLossError("the disk is gone"));
  server.Stop();
  EXPECT_EQ(server.failures(), std::vector<absl::Status>{absl::DataLossError("the disk is gone")});
}

TEST(Node, MembershipChangesAreAppliedThroughIt) {
  Server server(1, nullptr);
  server.Start({1});
  server.AwaitLeader();
  absl::Notification taken;
  server.node().ProposeConfChange({.changes = {{raftpb::ConfChangeType::kAddLearnerNode, 2}}},
                                  Soon(), [&](const absl::Status& how) {
                                    EXPECT_TRUE(how.ok()) << how;
                                    taken.Notify();
                                  });
  taken.WaitForNotification();
  ASSERT_TRUE(server.node().ProposeAndWait(absl::Cord("after"), Soon()).ok());
  server.AwaitApplied("after");
  const absl::StatusOr<Status> status = server.node().GetStatus();
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_TRUE(status->config.IsLearner(2));
}

TEST(Node, LeadershipMovesOnRequest) {
  Cluster cluster;
  const NodeId leader = cluster.AwaitLeader();
  const NodeId target = leader % 3 + 1;
  // The transfer waits until the target's log is complete, and is given up after an election
  // timeout.
  Server& from = cluster.server(leader);
  while (from.leadership().lead != target) {
    from.node().TransferLeadership(target);
    absl::SleepFor(kTick);
  }
  EXPECT_EQ(cluster.server(target).leadership().role, Role::kLeader);
}

}  // namespace
}  // namespace raft
