// What a member is told when it starts: etcd's flags and environment variables.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_CONFIG_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_CONFIG_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "examples/raftexample/server/url.h"

namespace raftexample {

// Where the certificates of one side are. Empty paths: none.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string trusted_ca;
  bool require_client_certificate = false;
};

struct ServerConfig {
  std::string name = "default";
  std::string data_dir;  // "NAME.etcd" unless given.
  std::vector<Url> listen_client_urls;
  std::vector<Url> advertise_client_urls;
  std::vector<Url> listen_peer_urls;
  std::vector<Url> initial_advertise_peer_urls;
  std::vector<Url> listen_metrics_urls;  // HTTP: /metrics, /health, /version. Empty: none.

  // Only for a member without data.
  std::map<std::string, std::vector<Url>> initial_cluster;  // By name.
  bool join_existing = false;
  std::string initial_cluster_token = "etcd-cluster";

  std::chrono::milliseconds heartbeat_interval{100};
  std::chrono::milliseconds election_timeout{1000};
  uint64_t snapshot_count = 100'000;  // Entries between two compactions of the log.
  int64_t quota_backend_bytes = 0;    // 0: the default; negative: none.
  uint32_t max_request_bytes = 1536 * 1024;
  uint32_t max_txn_ops = 128;
  int32_t max_concurrent_streams = std::numeric_limits<int32_t>::max();  // Of one connection.
  bool strict_reconfig_check = true;
  bool pre_vote = true;

  enum class AutoCompaction { kPeriodic, kRevision };
  AutoCompaction auto_compaction_mode = AutoCompaction::kPeriodic;
  std::chrono::nanoseconds auto_compaction_period{0};  // 0: off.
  int64_t auto_compaction_revisions = 0;               // 0: off.

  int bcrypt_cost = 10;
  std::chrono::seconds auth_token_ttl{300};
  std::chrono::milliseconds watch_progress_interval{600'000};

  TlsFiles client_tls;
  TlsFiles peer_tls;

  std::string log_level = "info";
};

using Environment = std::function<const char*(const char* name)>;

// Flags as in --name value or --name=value; what is not given comes from ETCD_NAME and so on, then
// from the defaults. InvalidArgument with one line that names the flag and what is wrong with it.
absl::StatusOr<ServerConfig> ParseConfig(const std::vector<std::string>& arguments,
                                         const Environment& environment);

// All flags with their defaults, one per line.
std::string FlagHelp();

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_CONFIG_H_
