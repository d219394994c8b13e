// Three members in one process, through their services: what a client may rely on while members
// come and go.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/time/time.h"
#include "examples/raftexample/proto/errors.h"
#include "examples/raftexample/testing/history.h"
#include "examples/raftexample/testing/test_cluster.h"
#include "gtest/gtest.h"
#include "rafttest/linearizability.h"

namespace raftexample {
namespace {

constexpr std::chrono::milliseconds kTimeout{20'000};

class ClusterTest : public testing::Test {
 protected:
  grpc::Status Put(int member, const std::string& key, const std::string& value) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTimeout);
    context.set_wait_for_ready(true);
    etcdserverpb::PutRequest request;
    etcdserverpb::PutResponse response;
    request.set_key(key);
    request.set_value(value);
    return cluster_.keys(member).Put(&context, request, &response);
  }

  // The value, or what went wrong.
  std::string Get(int member, const std::string& key, bool serializable = false) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTimeout);
    context.set_wait_for_ready(true);
    etcdserverpb::RangeRequest request;
    etcdserverpb::RangeResponse response;
    request.set_key(key);
    request.set_serializable(serializable);
    const grpc::Status status = cluster_.keys(member).Range(&context, request, &response);
    if (!status.ok()) return status.error_message();
    return response.kvs_size() == 0 ? "nothing" : response.kvs(0).value();
  }

  // One follower of the present leader.
  int Follower() { return (cluster_.AwaitLeader() + 1) % cluster_.size(); }

  // Everybody has the same keys, histories included. Members that are behind catch up first.
  void ExpectSameHashes() {
    std::vector<uint32_t> hashes;
    for (int i = 0; i < cluster_.size(); ++i) {
      EXPECT_EQ(Get(i, "no such key"), "nothing");  // A linearizable read: up to date from here on.
      const absl::StatusOr<Store::Hash> hash = cluster_.server(i).state().store().HashKv(0);
      ASSERT_TRUE(hash.ok()) << hash.status();
      hashes.push_back(hash->hash);
    }
    EXPECT_EQ(hashes, std::vector<uint32_t>(cluster_.size(), hashes[0]));
  }

  TestCluster cluster_{
      3, {"--heartbeat-interval=50", "--election-timeout=500", "--snapshot-count=100"}};
};

TEST_F(ClusterTest, WhatOneAcknowledgesAllKnow) {
  for (int writer = 0; writer < 3; ++writer) {
    const std::string key = absl::StrCat("k", writer);
    const grpc::Status put = Put(writer, key, "v");
    ASSERT_TRUE(put.ok()) << put.error_message();
    for (int reader = 0; reader < 3; ++reader) EXPECT_EQ(Get(reader, key), "v");
  }
}

TEST_F(ClusterTest, AFollowerThatIsDownBlocksNobodyAndCatchesUp) {
  const int down = Follower();
  cluster_.Stop(down);
  const int leader = cluster_.AwaitLeader();
  for (int i = 0; i < 50; ++i) {
    const grpc::Status put = Put(leader, absl::StrCat("k", i), "v");
    ASSERT_TRUE(put.ok()) << put.error_message();
  }
  cluster_.Start(down);
  EXPECT_EQ(Get(down, "k49"), "v");
  ExpectSameHashes();
}

// It goes in good order, and so nobody waits for an election timeout.
TEST_F(ClusterTest, WithoutItsLeaderTheClusterGoesOn) {
  const int old = cluster_.AwaitLeader();
  ASSERT_TRUE(Put(old, "before", "v").ok());
  cluster_.Stop(old);
  const int next = cluster_.AwaitLeader();
  EXPECT_NE(next, old);
  EXPECT_EQ(Get(next, "before"), "v");
  EXPECT_TRUE(Put(next, "after", "v").ok());
  cluster_.Start(old);
  EXPECT_EQ(Get(old, "after"), "v");
  ExpectSameHashes();
}

TEST_F(ClusterTest, AllOfThemRestart) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Put(i % 3, absl::StrCat("k", i), "v").ok());
  for (int i = 0; i < 3; ++i) cluster_.Stop(i);
  std::vector<std::thread> starts;
  for (int i = 0; i < 3; ++i) starts.emplace_back([this, i] { cluster_.Start(i); });
  for (std::thread& start : starts) start.join();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Get(i % 3, absl::StrCat("k", i)), "v");
  ExpectSameHashes();
}

TEST_F(ClusterTest, AloneAMemberPromisesNothing) {
  const int alone = Follower();
  ASSERT_TRUE(Put(alone, "k", "old").ok());
  for (int i = 0; i < 3; ++i) {
    if (i != alone) cluster_.Stop(i);
  }
  std::thread writer(
      [&] { EXPECT_EQ(Put(alone, "k", "new").error_message(), errors::kTimeout.text); });
  EXPECT_EQ(Get(alone, "k"), errors::kTimeout.text);
  writer.join();
  EXPECT_EQ(Get(alone, "k", /*serializable=*/true), "old");
}

// The log has been cut since it was seen last: it gets a snapshot.
TEST_F(ClusterTest, AMemberThatWasAwayForLongGetsASnapshot) {
  constexpr int kMissed = 6000;  // More than the log keeps for those who are behind.
  const int away = Follower();
  cluster_.Stop(away);
  Server& leader = cluster_.server(cluster_.AwaitLeader());
  std::atomic<int> failed{0};
  absl::BlockingCounter answers(kMissed);
  for (int i = 0; i < kMissed; ++i) {
    internal::Command command;
    command.mutable_header()->set_by_member(true);
    command.mutable_put()->set_key(absl::StrCat("k", i % 100));
    command.mutable_put()->set_value(absl::StrCat(i));
    leader.Propose(std::move(command), [&](absl::StatusOr<ApplyResult> result) {
      if (!result.ok() || !result->status.ok()) ++failed;
      answers.DecrementCount();
    });
    if (i % 500 == 499) Get((away + 1) % 3, "k0");  // No more than the members take at a time.
  }
  answers.Wait();
  ASSERT_EQ(failed, 0);
  const raftpb::Index cut = 500;  // Long before what the one who was away has.
  while (leader.first_index() <= cut) absl::SleepFor(absl::Milliseconds(10));
  cluster_.Start(away);
  EXPECT_EQ(Get(away, "k99"), absl::StrCat(kMissed - 1));
  ExpectSameHashes();
}

// Each client at any member, while one after the other goes and comes back.
TEST_F(ClusterTest, HistoriesAreLinearizableWhileMembersRestart) {
  History history;
  std::atomic<bool> over{false};
  std::vector<std::thread> clients;
  for (uint64_t id = 0; id < 4; ++id) {
    clients.emplace_back([&, id] {
      RecordedClient client(id, &history, std::chrono::milliseconds(2000));
      for (int i = 0; !over; ++i) {
        const std::string key = absl::StrCat("k", i / 20 % 8);
        const std::string value = absl::StrCat(id, "-", i);
        etcdserverpb::KV::Stub& keys = cluster_.keys((static_cast<int>(id) + i) % 3);
        const bool answered = i % 2 == 0 ? client.Put(keys, key, value) : client.Get(keys, key);
        if (!answered) absl::SleepFor(absl::Milliseconds(5));
      }
    });
  }
  for (int i = 0; i < 3; ++i) {
    cluster_.Stop(i);
    cluster_.AwaitLeader();
    cluster_.Start(i);
  }
  over = true;
  for (std::thread& client : clients) client.join();
  const rafttest::LinearizabilityResult result =
      rafttest::CheckLinearizability(history.operations());
  EXPECT_TRUE(result.linearizable()) << result.explanation;
  EXPECT_GT(history.writes().size(), 20u);
  ExpectSameHashes();
}

// --- Bad input -----------------------------------------------------------------------------------

TEST_F(ClusterTest, RequestsThatAreRefusedChangeNothing) {
  ASSERT_TRUE(Put(0, "k", "v").ok());
  const int64_t revision = cluster_.server(0).state().store().revision();
  EXPECT_EQ(Put(0, "", "v").error_message(), errors::kEmptyKey.text);
  EXPECT_EQ(Put(0, "k", std::string(1600 << 10, 'x')).error_message(),
            errors::kRequestTooLarge.text);
  EXPECT_EQ(Put(0, "k", std::string(4 << 20, 'x')).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Get(0, "k"), "v");
  EXPECT_EQ(cluster_.server(0).state().store().revision(), revision);
}

TEST_F(ClusterTest, ATakenPortIsOneLineAndHarmsNobody) {
  JsonLogger logger("error", "test");
  cluster_.Stop(2);
  absl::StatusOr<ServerConfig> config = cluster_.Config(2);
  ASSERT_TRUE(config.ok()) << config.status();
  const ServerConfig right = *config;
  config->listen_peer_urls = cluster_.server(0).config().listen_peer_urls;
  const absl::Status refused = Server::Start(*config, &logger, [](const absl::Status&) {}).status();
  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
  const std::string port = absl::StrCat(config->listen_peer_urls.front().port);
  EXPECT_NE(refused.message().find(port), absl::string_view::npos) << refused;
  EXPECT_EQ(refused.message().find('\n'), absl::string_view::npos) << refused;

  EXPECT_TRUE(absl::IsUnavailable(ApiServer::Start(&cluster_.server(0)).status()));
  cluster_.Start(2);
  EXPECT_TRUE(Put(0, "k", "v").ok());
  EXPECT_EQ(Get(2, "k"), "v");
}

}  // namespace
}  // namespace raftexample
