// The lines of waiting clients, through the services, at one member.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "examples/raftexample/proto/election.grpc.pb.h"
#include "examples/raftexample/proto/lock.grpc.pb.h"
#include "examples/raftexample/proto/rpc.grpc.pb.h"
#include "examples/raftexample/testing/test_member.h"

namespace raftexample {
namespace {

using v3electionpb::CampaignRequest;
using v3electionpb::CampaignResponse;
using v3electionpb::LeaderKey;
using v3electionpb::LeaderRequest;
using v3electionpb::LeaderResponse;
using v3lockpb::LockRequest;
using v3lockpb::LockResponse;

// A call that waits, on a thread of its own.
template <typename Response>
class Waiting {
 public:
  template <typename Call>
  explicit Waiting(Call call) {
    thread_ = std::thread([this, call = std::move(call)] {
      status_ = call(&context_, &response_);
      over_ = true;
    });
  }
  ~Waiting() {
    context_.TryCancel();
    if (thread_.joinable()) thread_.join();
  }

  bool over() const { return over_; }
  void Cancel() { context_.TryCancel(); }
  const grpc::Status& Await() {
    if (thread_.joinable()) thread_.join();
    return status_;
  }
  const Response& response() const { return response_; }

 private:
  grpc::ClientContext context_;
  Response response_;
  grpc::Status status_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

class Lines : public testing::Test {
 protected:
  static constexpr int64_t kA = 0x100, kB = 0x200, kC = 0x300;

  void SetUp() override {
    for (const int64_t lease : {kA, kB, kC}) Grant(lease);
  }

  void Grant(int64_t id) {
    grpc::ClientContext context;
    etcdserverpb::LeaseGrantRequest request;
    etcdserverpb::LeaseGrantResponse response;
    request.set_id(id);
    request.set_ttl(600);
    ASSERT_TRUE(leases_->LeaseGrant(&context, request, &response).ok());
  }

  void Revoke(int64_t id) {
    grpc::ClientContext context;
    etcdserverpb::LeaseRevokeRequest request;
    etcdserverpb::LeaseRevokeResponse response;
    request.set_id(id);
    ASSERT_TRUE(leases_->LeaseRevoke(&context, request, &response).ok());
  }

  int64_t KeysOf(const std::string& name) {
    grpc::ClientContext context;
    etcdserverpb::RangeRequest request;
    etcdserverpb::RangeResponse response;
    request.set_key(name + "/");
    request.set_range_end(name + "0");
    request.set_count_only(true);
    EXPECT_TRUE(keys_->Range(&context, request, &response).ok());
    return response.count();
  }

  // Until so many are in the line. A test that never gets there ends by its own time limit.
  void AwaitKeys(const std::string& name, int64_t count) {
    while (KeysOf(name) != count) absl::SleepFor(absl::Milliseconds(2));
  }

  // In the line when this returns.
  std::unique_ptr<Waiting<LockResponse>> WaitForLock(const std::string& name, int64_t lease) {
    const int64_t before = KeysOf(name);
    auto waiting = std::make_unique<Waiting<LockResponse>>(
        [this, name, lease](grpc::ClientContext* context, LockResponse* response) {
          LockRequest request;
          request.set_name(name);
          request.set_lease(lease);
          return locks_->Lock(context, request, response);
        });
    AwaitKeys(name, before + 1);
    return waiting;
  }

  std::string Lock(const std::string& name, int64_t lease) {
    grpc::ClientContext context;
    LockRequest request;
    LockResponse response;
    request.set_name(name);
    request.set_lease(lease);
    const grpc::Status status = locks_->Lock(&context, request, &response);
    return status.ok() ? response.key() : status.error_message();
  }

  void Unlock(const std::string& key) {
    grpc::ClientContext context;
    v3lockpb::UnlockRequest request;
    v3lockpb::UnlockResponse response;
    request.set_key(key);
    ASSERT_TRUE(locks_->Unlock(&context, request, &response).ok());
  }

  std::unique_ptr<Waiting<CampaignResponse>> Campaign(const std::string& name, int64_t lease,
                                                      const std::string& value) {
    return std::make_unique<Waiting<CampaignResponse>>(
        [this, name, lease, value](grpc::ClientContext* context, CampaignResponse* response) {
          CampaignRequest request;
          request.set_name(name);
          request.set_lease(lease);
          request.set_value(value);
          return elections_->Campaign(context, request, response);
        });
  }

  grpc::Status Proclaim(const LeaderKey& leader, const std::string& value) {
    grpc::ClientContext context;
    v3electionpb::ProclaimRequest request;
    v3electionpb::ProclaimResponse response;
    *request.mutable_leader() = leader;
    request.set_value(value);
    return elections_->Proclaim(&context, request, &response);
  }

  grpc::Status Resign(const LeaderKey& leader) {
    grpc::ClientContext context;
    v3electionpb::ResignRequest request;
    v3electionpb::ResignResponse response;
    *request.mutable_leader() = leader;
    return elections_->Resign(&context, request, &response);
  }

  std::string LeaderOf(const std::string& name) {
    grpc::ClientContext context;
    LeaderRequest request;
    LeaderResponse response;
    request.set_name(name);
    const grpc::Status status = elections_->Leader(&context, request, &response);
    return status.ok() ? response.kv().value() : status.error_message();
  }

  TestMember member_;
  const std::shared_ptr<grpc::Channel> channel_ = member_.Connect();
  const std::unique_ptr<etcdserverpb::KV::Stub> keys_ = etcdserverpb::KV::NewStub(channel_);
  const std::unique_ptr<etcdserverpb::Lease::Stub> leases_ = etcdserverpb::Lease::NewStub(channel_);
  const std::unique_ptr<v3lockpb::Lock::Stub> locks_ = v3lockpb::Lock::NewStub(channel_);
  const std::unique_ptr<v3electionpb::Election::Stub> elections_ =
      v3electionpb::Election::NewStub(channel_);
};

using Locks = Lines;
using Elections = Lines;

TEST_F(Locks, AreHeldByOneAtATimeInTheOrderOfArrival) {
  EXPECT_EQ(Lock("m", kA), "m/100");
  const auto second = WaitForLock("m", kB);
  const auto third = WaitForLock("m", kC);
  EXPECT_EQ(Lock("another", kA), "another/100");
  EXPECT_FALSE(second->over());

  Unlock("m/100");
  ASSERT_TRUE(second->Await().ok());
  EXPECT_EQ(second->response().key(), "m/200");
  EXPECT_FALSE(third->over());

  Unlock("m/200");
  ASSERT_TRUE(third->Await().ok());
  EXPECT_EQ(third->response().key(), "m/300");
}

TEST_F(Locks, AreHeldByTheLease) {
  EXPECT_EQ(Lock("m", kA), "m/100");
  EXPECT_EQ(Lock("m", kA), "m/100");
  const auto second = WaitForLock("m", kB);
  Revoke(kA);
  EXPECT_TRUE(second->Await().ok());
  EXPECT_EQ(Lock("m", 0x999), "etcdserver: requested lease not found");
}

TEST_F(Locks, MakeALeaseForThoseWhoBringNone) {
  const std::string key = Lock("m", 0);
  EXPECT_EQ(key.substr(0, 2), "m/");
  EXPECT_EQ(KeysOf("m"), 1);
}

TEST_F(Locks, AreNotForThoseWhoLeft) {
  EXPECT_EQ(Lock("m", kA), "m/100");
  const auto second = WaitForLock("m", kB);
  const auto third = WaitForLock("m", kC);
  second->Cancel();
  AwaitKeys("m", 2);
  Unlock("m/100");
  ASSERT_TRUE(third->Await().ok());
  EXPECT_EQ(KeysOf("m"), 1);
}

TEST_F(Locks, AreNotForThoseWhoseLeaseEndedMeanwhile) {
  EXPECT_EQ(Lock("m", kA), "m/100");
  const auto second = WaitForLock("m", kB);
  Revoke(kB);
  const auto third = WaitForLock("m", kC);
  Unlock("m/100");
  ASSERT_TRUE(third->Await().ok());
  EXPECT_EQ(second->Await().error_message(), "mutex: session is expired");
}

TEST_F(Locks, EndWithTheServer) {
  EXPECT_EQ(Lock("m", kA), "m/100");
  const auto second = WaitForLock("m", kB);
  member_.Stop();
  EXPECT_FALSE(second->Await().ok());
}

TEST_F(Elections, HaveOneLeaderUntilItResigns) {
  EXPECT_EQ(LeaderOf("e"), "election: no leader");
  const auto first = Campaign("e", kA, "one");
  ASSERT_TRUE(first->Await().ok());
  const LeaderKey leader = first->response().leader();
  EXPECT_EQ(leader.name(), "e");
  EXPECT_EQ(leader.key(), "e/100");
  EXPECT_EQ(leader.lease(), kA);
  EXPECT_EQ(LeaderOf("e"), "one");

  const auto second = Campaign("e", kB, "two");
  AwaitKeys("e", 2);
  ASSERT_TRUE(Proclaim(leader, "one again").ok());
  EXPECT_EQ(LeaderOf("e"), "one again");
  EXPECT_FALSE(second->over());

  ASSERT_TRUE(Resign(leader).ok());
  ASSERT_TRUE(second->Await().ok());
  EXPECT_EQ(LeaderOf("e"), "two");

  EXPECT_EQ(Proclaim(leader, "still me").error_message(), "election: not leader");
  EXPECT_TRUE(Resign(leader).ok());
  EXPECT_EQ(LeaderOf("e"), "two");
}

TEST_F(Elections, TakeANewValueFromALeaderWhoCampaignsAgain) {
  ASSERT_TRUE(Campaign("e", kA, "one")->Await().ok());
  ASSERT_TRUE(Campaign("e", kA, "two")->Await().ok());
  EXPECT_EQ(LeaderOf("e"), "two");
  EXPECT_EQ(KeysOf("e"), 1);
}

TEST_F(Elections, AreNotWonByThoseWhoseLeaseEndedMeanwhile) {
  const auto first = Campaign("e", kA, "one");
  ASSERT_TRUE(first->Await().ok());
  const auto second = Campaign("e", kB, "two");
  AwaitKeys("e", 2);
  Revoke(kB);
  ASSERT_TRUE(Resign(first->response().leader()).ok());
  EXPECT_EQ(second->Await().error_message(), "election: not leader");
}

TEST_F(Elections, KnowNoLeaderWithoutItsKey) {
  grpc::ClientContext context;
  v3electionpb::ResignRequest request;
  v3electionpb::ResignResponse response;
  EXPECT_EQ(elections_->Resign(&context, request, &response).error_message(),
            "\"leader\" field must be provided");
  EXPECT_EQ(Proclaim(LeaderKey(), "x").error_message(), "etcdserver: key is not provided");
  LeaderKey never;
  never.set_key("e/100");
  EXPECT_EQ(Proclaim(never, "x").error_message(), "election: not leader");
  EXPECT_EQ(KeysOf("e"), 0);
}

TEST_F(Elections, AreObservedFromTheFirstLeaderToTheLast) {
  grpc::ClientContext context;
  LeaderRequest request;
  request.set_name("e");
  const auto observer = elections_->Observe(&context, request);
  auto next = [&] {
    LeaderResponse response;
    return observer->Read(&response) ? response.kv().value() : "the end";
  };

  const auto first = Campaign("e", kA, "one");
  ASSERT_TRUE(first->Await().ok());
  EXPECT_EQ(next(), "one");
  ASSERT_TRUE(Proclaim(first->response().leader(), "one again").ok());
  EXPECT_EQ(next(), "one again");

  const auto second = Campaign("e", kB, "two");
  AwaitKeys("e", 2);
  ASSERT_TRUE(Resign(first->response().leader()).ok());
  EXPECT_EQ(next(), "two");
  ASSERT_TRUE(second->Await().ok());
  ASSERT_TRUE(Resign(second->response().leader()).ok());

  ASSERT_TRUE(Campaign("e", kC, "three")->Await().ok());
  EXPECT_EQ(next(), "three");
  context.TryCancel();
  EXPECT_EQ(next(), "the end");
}

}  // namespace
}  // namespace raftexample
