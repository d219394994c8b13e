#include "examples/raftexample/lease/lessor.h"

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/testing/temp_directory.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Ids = std::vector<int64_t>;
using Keys = std::vector<std::string>;

// Times are seconds since some beginning.
Lessor::Time At(double s) { return Lessor::Time() + milliseconds(static_cast<int64_t>(1000 * s)); }

class LessorTest : public testing::Test {
 protected:
  LessorTest() { Open(); }
  void Open() {
    lessor_ = nullptr;
    backend_ = nullptr;
    backend_ = *Backend::Open({dir_ / "db", 64 << 20, /*sync=*/false});
    lessor_ = *Lessor::Open(backend_.get(), {.max_leases = 50});
  }
  void Checkpoint(int64_t id, int64_t remaining) {
    etcdserverpb::LeaseCheckpointRequest request;
    request.add_checkpoints()->set_id(id);
    request.mutable_checkpoints(0)->set_remaining_ttl(remaining);
    lessor_->Checkpoint(request);
  }

  TempDirectory dir_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Lessor> lessor_;
};

TEST_F(LessorTest, GrantsOnceAndWithinLimits) {
  EXPECT_EQ(lessor_->RaisedTtl(0), 2);
  EXPECT_EQ(lessor_->RaisedTtl(-5), 2);
  EXPECT_EQ(lessor_->RaisedTtl(60), 60);
  etcdserverpb::LeaseGrantRequest request;
  request.set_ttl(9'000'000'000);
  EXPECT_TRUE(Lessor::CheckGrant(request).ok());
  request.set_ttl(9'000'000'001);
  EXPECT_TRUE(errors::kLeaseTtlTooLarge.Is(Lessor::CheckGrant(request)));

  EXPECT_TRUE(lessor_->Grant(1, 60).ok());
  EXPECT_TRUE(errors::kLeaseExists.Is(lessor_->Grant(1, 60)));
  for (int64_t id = 2; id <= 50; ++id) EXPECT_TRUE(lessor_->Grant(id, 60).ok());
  EXPECT_TRUE(errors::kTooManyLeases.Is(lessor_->Grant(51, 60)));
  EXPECT_TRUE(lessor_->Revoke(7).ok());
  EXPECT_TRUE(errors::kLeaseNotFound.Is(lessor_->Revoke(7).status()));
  EXPECT_TRUE(lessor_->Grant(51, 60).ok());
}

TEST_F(LessorTest, AKeyBelongsToTheLastLeaseItWasGiven) {
  ASSERT_TRUE(lessor_->Grant(1, 60).ok());
  ASSERT_TRUE(lessor_->Grant(2, 60).ok());
  for (const char* key : {"c", "a", "b"}) lessor_->SetLease(key, 1);
  lessor_->SetLease("b", 2);
  lessor_->SetLease("c", kNoLease);
  lessor_->SetLease("d", 99);  // No such lease.
  EXPECT_EQ(lessor_->Keys(1), Keys{"a"});
  EXPECT_EQ(lessor_->Keys(2), Keys{"b"});
  EXPECT_EQ(lessor_->LeaseOf("c"), kNoLease);
  EXPECT_EQ(lessor_->LeaseOf("d"), kNoLease);
  lessor_->SetLease("z", 1);
  lessor_->SetLease("m", 1);
  EXPECT_EQ(*lessor_->Revoke(1), (Keys{"a", "m", "z"})) << "in order, on every member";
  EXPECT_EQ(lessor_->LeaseOf("a"), kNoLease);
}

TEST_F(LessorTest, OnlyThePrimaryKnowsTimes) {
  ASSERT_TRUE(lessor_->Grant(1, 10).ok());
  EXPECT_TRUE(errors::kNotLeader.Is(lessor_->Renew(1, At(0)).status()));
  EXPECT_TRUE(errors::kNotLeader.Is(lessor_->TimeToLive(1, At(0)).status()));
  EXPECT_EQ(lessor_->Expired(At(1000), 10), Ids{});
  lessor_->Promote(At(100), milliseconds(1000));
  EXPECT_EQ(lessor_->TimeToLive(1, At(100))->ttl, 11) << "and an election timeout on top";
  EXPECT_EQ(lessor_->Expired(At(110.999), 10), Ids{});
  EXPECT_EQ(lessor_->Expired(At(111), 10), Ids{1});
  lessor_->Demote();
  EXPECT_EQ(lessor_->Expired(At(1000), 10), Ids{});
}

TEST_F(LessorTest, ALeaseEndsUnlessItIsRenewed) {
  lessor_->Promote(At(0), milliseconds(0));
  ASSERT_TRUE(lessor_->Grant(1, 60).ok());
  EXPECT_EQ(lessor_->TimeToLive(1, At(5))->ttl, 60) << "begins with the first time it sees";
  EXPECT_EQ(lessor_->TimeToLive(1, At(5.001))->ttl, 59) << "rounded down";
  EXPECT_EQ(lessor_->TimeToLive(1, At(5))->granted_ttl, 60);
  EXPECT_EQ(lessor_->Renew(1, At(50))->ttl, 60);
  EXPECT_EQ(lessor_->TimeToLive(1, At(109))->ttl, 1);
  EXPECT_EQ(lessor_->TimeToLive(1, At(110))->ttl, -1);
  EXPECT_TRUE(errors::kLeaseNotFound.Is(lessor_->Renew(1, At(110)).status())) << "too late";
  EXPECT_EQ(lessor_->TimeToLive(2, At(0))->ttl, -1);
  EXPECT_EQ(lessor_->TimeToLive(2, At(0))->granted_ttl, 0);
}

TEST_F(LessorTest, AnExpiredLeaseIsReportedUntilItIsRevoked) {
  lessor_->Promote(At(0), milliseconds(0));
  for (int64_t id : {3, 1, 2}) ASSERT_TRUE(lessor_->Grant(id, id == 2 ? 5 : 10).ok());
  EXPECT_EQ(lessor_->Expired(At(0), 10), Ids{});
  EXPECT_EQ(lessor_->List(), (Ids{2, 1, 3}));
  EXPECT_EQ(lessor_->Expired(At(20), 2), (Ids{2, 1})) << "earliest first, no more than asked";
  EXPECT_EQ(lessor_->Expired(At(20), 2), (Ids{3}));
  EXPECT_EQ(lessor_->Expired(At(22), 5), Ids{});
  EXPECT_EQ(lessor_->Expired(At(23), 5), (Ids{1, 2, 3})) << "nobody revoked them";
  EXPECT_TRUE(errors::kLeaseNotFound.Is(lessor_->Renew(2, At(24)).status()));
  for (int64_t id : {1, 2, 3}) ASSERT_TRUE(lessor_->Revoke(id).ok());
  EXPECT_EQ(lessor_->Expired(At(100), 5), Ids{});
}

TEST_F(LessorTest, ANewPrimaryGoesOnWhereTheLastCheckpointWas) {
  lessor_->Promote(At(0), milliseconds(0));
  ASSERT_TRUE(lessor_->Grant(1, 1000).ok());
  ASSERT_TRUE(lessor_->Grant(2, 300).ok());  // Too short for checkpoints.
  EXPECT_EQ(lessor_->DueCheckpoints(At(0), 10).checkpoints_size(), 0);
  const etcdserverpb::LeaseCheckpointRequest due = lessor_->DueCheckpoints(At(400), 10);
  ASSERT_EQ(due.checkpoints_size(), 1);
  EXPECT_EQ(due.checkpoints(0).id(), 1);
  EXPECT_EQ(due.checkpoints(0).remaining_ttl(), 600);
  EXPECT_EQ(lessor_->DueCheckpoints(At(400), 10).checkpoints_size(), 0);
  lessor_->Checkpoint(due);
  ASSERT_TRUE(backend_->Commit().ok());
  Open();  // Another member, or the same after a restart.
  lessor_->Promote(At(5000), milliseconds(0));
  EXPECT_EQ(lessor_->TimeToLive(1, At(5000))->ttl, 600);
  EXPECT_EQ(lessor_->TimeToLive(1, At(5000))->granted_ttl, 1000);
  EXPECT_EQ(lessor_->TimeToLive(2, At(5000))->ttl, 300);

  // A renewal makes the checkpoint wrong.
  EXPECT_TRUE(lessor_->Renew(1, At(5001))->must_clear_checkpoint);
  Checkpoint(1, 0);
  EXPECT_FALSE(lessor_->Renew(1, At(5002))->must_clear_checkpoint);
  lessor_->Promote(At(6000), milliseconds(0));
  EXPECT_EQ(lessor_->TimeToLive(1, At(6000))->ttl, 1000);
}

TEST_F(LessorTest, ARestartRemembersLeasesButNotTimes) {
  lessor_->Promote(At(0), milliseconds(0));
  ASSERT_TRUE(lessor_->Grant(1, 60).ok());
  ASSERT_TRUE(lessor_->Grant(-2, 70).ok()) << "IDs are any 64 bits";
  ASSERT_TRUE(lessor_->Grant(3, 80).ok());
  ASSERT_TRUE(lessor_->Revoke(3).ok());
  ASSERT_TRUE(backend_->Commit().ok());
  Open();
  EXPECT_FALSE(lessor_->primary());
  EXPECT_EQ(lessor_->List(), (Ids{-2, 1}));
}

// --- Beside the model ----------------------------------------------------------------------------

// One member that is always primary, and a plain list of what should be.
TEST_F(LessorTest, DoesWhatTheModelDoes) {
  struct Model {
    int64_t ttl;
    double expiry;
    double reported = -1000;
  };
  std::mt19937 random(5);
  auto below = [&](int n) { return static_cast<int>(random() % n); };
  std::map<int64_t, Model> model;
  std::map<std::string, int64_t> lease_of_key;
  double now = 0;
  lessor_->Promote(At(now), milliseconds(0));
  int expired_ones = 0;
  for (int step = 0; step < 20000; ++step) {
    now += below(4) * 0.25;
    const int64_t id = 1 + below(20);
    switch (below(6)) {
      case 0: {
        const int64_t ttl = 2 + below(30);
        EXPECT_EQ(lessor_->Grant(id, ttl).ok(), model.count(id) == 0);
        lessor_->TimeToLive(id, At(now)).IgnoreError();  // Lets it begin.
        if (model.count(id) == 0) model[id] = {ttl, now + ttl};
        break;
      }
      case 1: {
        const bool alive = model.count(id) > 0 && model[id].expiry > now;
        EXPECT_EQ(lessor_->Renew(id, At(now)).ok(), alive);
        if (alive) model[id] = {model[id].ttl, now + model[id].ttl};
        break;
      }
      case 2: {
        std::set<std::string> keys;
        for (const auto& [key, lease] : lease_of_key) {
          if (lease == id) keys.insert(key);
        }
        EXPECT_EQ(lessor_->Keys(id), Keys(keys.begin(), keys.end()));
        if (below(3) != 0) break;
        const auto revoked = lessor_->Revoke(id);
        EXPECT_EQ(revoked.ok(), model.erase(id) == 1);
        if (revoked.ok()) {
          EXPECT_EQ(*revoked, Keys(keys.begin(), keys.end()));
        }
        for (const std::string& key : keys) lease_of_key.erase(key);
        break;
      }
      case 3: {
        std::set<int64_t> expected;
        for (auto& [lease, m] : model) {
          if (m.expiry > now || m.reported + 3 > now) continue;
          expected.insert(lease);
          m.reported = now;
        }
        const Ids expired = lessor_->Expired(At(now), 100);
        EXPECT_EQ(std::set<int64_t>(expired.begin(), expired.end()), expected);
        expired_ones += static_cast<int>(expected.size());
        break;
      }
      default: {
        const std::string key = absl::StrCat("k", below(30));
        const int64_t lease = below(20);
        lessor_->SetLease(key, lease);
        lease_of_key.erase(key);
        if (model.count(lease) > 0) lease_of_key[key] = lease;
        EXPECT_EQ(lessor_->LeaseOf(key), lease_of_key.count(key) ? lease : kNoLease);
      }
    }
    ASSERT_EQ(lessor_->size(), model.size());
  }
  EXPECT_GT(expired_ones, 100);
}

}  // namespace
}  // namespace raftexample
