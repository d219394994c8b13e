#include "examples/raftexample/server/config.h"

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace raftexample {
namespace {

using std::chrono::milliseconds;

absl::StatusOr<ServerConfig> Parse(const std::vector<std::string>& arguments,
                                   const std::map<std::string, std::string>& variables = {}) {
  return ParseConfig(arguments, [&variables](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string Mistake(const std::vector<std::string>& arguments) {
  const absl::StatusOr<ServerConfig> config = Parse(arguments);
  return config.ok() ? "none" : std::string(config.status().message());
}

TEST(Config, TheDefaultsAreThoseOfEtcd) {
  const absl::StatusOr<ServerConfig> config = Parse({});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->name, "default");
  EXPECT_EQ(config->data_dir, "default.etcd");
  EXPECT_EQ(ToStrings(config->listen_client_urls),
            std::vector<std::string>{"http://localhost:2379"});
  EXPECT_EQ(ToStrings(config->initial_cluster.at("default")),
            std::vector<std::string>{"http://localhost:2380"});
  EXPECT_EQ(config->heartbeat_interval, milliseconds(100));
  EXPECT_EQ(config->election_timeout, milliseconds(1000));
  EXPECT_EQ(config->snapshot_count, 100'000u);
  EXPECT_EQ(config->max_request_bytes, 1'572'864u);
  EXPECT_EQ(config->max_txn_ops, 128u);
  EXPECT_FALSE(config->join_existing);
}

TEST(Config, FlagsWinOverTheEnvironment) {
  const absl::StatusOr<ServerConfig> config =
      Parse({"--name=flag", "-heartbeat-interval", "50", "--initial-cluster-state", "existing"},
            {{"ETCD_NAME", "variable"},
             {"ETCD_DATA_DIR", "/data"},
             {"ETCD_MAX_TXN_OPS", "7"},
             {"ETCD_SNAPSHOT_COUNT", ""}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->name, "flag");
  EXPECT_EQ(config->data_dir, "/data");
  EXPECT_EQ(config->max_txn_ops, 7u);
  EXPECT_EQ(config->heartbeat_interval, milliseconds(50));
  EXPECT_TRUE(config->join_existing);
}

// Whatever starts etcd can start this.
TEST(Config, FlagsWithoutAMeaningHereAreTaken) {
  const absl::StatusOr<ServerConfig> config =
      Parse({"--enable-v2", "--max-wals", "5", "--debug=false", "--metrics=basic", "--name", "n"},
            {{"ETCD_MAX_SNAPSHOTS", "3"}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->name, "n");
}

TEST(Config, AClusterOfThree) {
  const absl::StatusOr<ServerConfig> config = Parse(
      {"--name", "b", "--initial-advertise-peer-urls", "http://10.0.0.2:2380", "--initial-cluster",
       "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,c=http://10.0.0.3:2380"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->initial_cluster.size(), 3u);
}

TEST(Config, AMistakeIsOneLineThatNamesTheFlag) {
  const struct {
    std::vector<std::string> arguments;
    const char* said;
  } cases[] = {
      {{"--no-such-flag"}, "unknown flag \"--no-such-flag\""},
      {{"stray"}, "unexpected argument \"stray\""},
      {{"--name"}, "--name needs a value"},
      {{"--heartbeat-interval=soon"}, "--heartbeat-interval=soon: it must be a number"},
      {{"--election-timeout=300"}, "must be at least five times"},
      {{"--listen-client-urls=localhost:2379"}, "it must begin with http:// or https://"},
      {{"--listen-client-urls=http://0.0.0.0:2379"}, "--advertise-client-urls is required"},
      {{"--listen-peer-urls=http://a:x"}, "the port must be a number"},
      {{"--initial-cluster=a"}, "\"a\" is not NAME=URL"},
      {{"--initial-cluster=other=http://localhost:2380"}, "does not contain the name"},
      {{"--initial-cluster=default=http://localhost:9"}, "but --initial-advertise-peer-urls is"},
      {{"--initial-cluster=default=http://localhost:2380,b=http://localhost:2380"}, "twice"},
      {{"--initial-cluster-state=maybe"}, "it must be new or existing"},
      {{"--max-txn-ops=0"}, "it must be a number from 1"},
      {{"--auto-compaction-mode=never"}, "it must be periodic or revision"},
      {{"--auto-compaction-retention=-1h"}, "it must be a number, or a length of time"},
      {{"--auto-compaction-mode=revision", "--auto-compaction-retention=1h"},
       "number of revisions"},
      {{"--auth-token=jwt"}, "only simple is supported"},
      {{"--cert-file=x"}, "needs a key"},
      {{"--client-cert-auth"}, "without a trusted CA"},
      {{"--listen-client-urls=https://localhost:1", "--advertise-client-urls=https://localhost:1"},
       "needs a certificate and a key"},
      {{"--strict-reconfig-check=perhaps"}, "it must be true or false"},
      {{"--log-level=loud"}, "it must be debug, info, warn or error"},
  };
  for (const auto& c : cases) {
    const std::string mistake = Mistake(c.arguments);
    EXPECT_NE(mistake.find(c.said), std::string::npos) << c.arguments.front() << ": " << mistake;
    EXPECT_EQ(mistake.find('\n'), std::string::npos) << mistake;
  }
}

TEST(Config, RetentionMeansWhatTheModeSays) {
  auto config = Parse({"--auto-compaction-retention=2"});
  EXPECT_EQ(config->auto_compaction_period, std::chrono::hours(2));
  EXPECT_EQ(config->auto_compaction_revisions, 0);
  config = Parse({"--auto-compaction-retention=90m"});
  EXPECT_EQ(config->auto_compaction_period, std::chrono::minutes(90));
  config = Parse({"--auto-compaction-mode=revision", "--auto-compaction-retention=1000"});
  EXPECT_EQ(config->auto_compaction_revisions, 1000);
  EXPECT_EQ(config->auto_compaction_period.count(), 0);
  EXPECT_EQ(Parse({})->auto_compaction_period.count(), 0);
}

}  // namespace
}  // namespace raftexample
