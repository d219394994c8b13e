#include "examples/raftexample/server/config.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace raftexample {
namespace {

absl::Status Mistake(absl::string_view why) { return absl::InvalidArgumentError(why); }

// How the text of one flag gets into the configuration; an error says what is wrong with the text.
using Setter = std::function<absl::Status(absl::string_view text, ServerConfig& config)>;

struct Flag {
  const char* name;
  const char* help;
  Setter set;
  bool is_bool = false;  // May stand without a value.
};

template <typename T>
Setter Text(T ServerConfig::*member) {
  return [member](absl::string_view text, ServerConfig& config) {
    config.*member = std::string(text);
    return absl::OkStatus();
  };
}

Setter TlsText(TlsFiles ServerConfig::*side, std::string TlsFiles::*member) {
  return [side, member](absl::string_view text, ServerConfig& config) {
    config.*side.*member = std::string(text);
    return absl::OkStatus();
  };
}

absl::Status ParseBool(absl::string_view text, bool* value) {
  if (absl::SimpleAtob(text, value)) return absl::OkStatus();
  return Mistake("it must be true or false");
}

Setter Bool(bool ServerConfig::*member) {
  return [member](absl::string_view text, ServerConfig& config) {
    return ParseBool(text, &(config.*member));
  };
}

Setter TlsBool(TlsFiles ServerConfig::*side, bool TlsFiles::*member) {
  return [side, member](absl::string_view text, ServerConfig& config) {
    return ParseBool(text, &(config.*side.*member));
  };
}

Setter Urls(std::vector<Url> ServerConfig::*member) {
  return [member](absl::string_view text, ServerConfig& config) {
    absl::StatusOr<std::vector<Url>> urls = ParseUrls(text);
    if (urls.ok()) config.*member = *std::move(urls);
    return urls.status();
  };
}

template <typename T>
Setter Number(T ServerConfig::*member, int64_t least, int64_t most) {
  return [=](absl::string_view text, ServerConfig& config) {
    int64_t value = 0;
    if (!absl::SimpleAtoi(text, &value) || value < least || value > most) {
      return Mistake(absl::StrCat("it must be a number from ", least, " to ", most));
    }
    config.*member = static_cast<T>(value);
    return absl::OkStatus();
  };
}

// A length of time as Go writes it: 5m30s, 100ms.
template <typename Unit>
Setter Duration(Unit ServerConfig::*member) {
  return [member](absl::string_view text, ServerConfig& config) {
    absl::Duration duration;
    if (!absl::ParseDuration(text, &duration) || duration <= absl::ZeroDuration()) {
      return Mistake("it must be a length of time, as in 5m or 100ms");
    }
    config.*member = std::chrono::duration_cast<Unit>(absl::ToChronoNanoseconds(duration));
    return absl::OkStatus();
  };
}

// One of a few words, of which only one is served here.
Setter Only(const char* word) {
  return [word](absl::string_view text, ServerConfig&) {
    if (text == word) return absl::OkStatus();
    return Mistake(absl::StrCat("only ", word, " is supported"));
  };
}

Setter Ignored() {
  return [](absl::string_view, ServerConfig&) { return absl::OkStatus(); };
}

absl::Status SetInitialCluster(absl::string_view text, ServerConfig& config) {
  config.initial_cluster.clear();
  for (const absl::string_view one : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(one, absl::MaxSplits('=', 1));
    const absl::string_view name = absl::StripAsciiWhitespace(parts.first);
    if (name.empty() || parts.second.empty()) {
      return Mistake(absl::StrCat("\"", one, "\" is not NAME=URL"));
    }
    absl::StatusOr<Url> url = ParseUrl(absl::StripAsciiWhitespace(parts.second));
    if (!url.ok()) return url.status();
    config.initial_cluster[std::string(name)].push_back(*std::move(url));
  }
  return absl::OkStatus();
}

absl::Status SetClusterState(absl::string_view text, ServerConfig& config) {
  if (text != "new" && text != "existing") return Mistake("it must be new or existing");
  config.join_existing = text == "existing";
  return absl::OkStatus();
}

absl::Status SetCompactionMode(absl::string_view text, ServerConfig& config) {
  if (text != "periodic" && text != "revision") return Mistake("it must be periodic or revision");
  config.auto_compaction_mode = text == "periodic" ? ServerConfig::AutoCompaction::kPeriodic
                                                   : ServerConfig::AutoCompaction::kRevision;
  return absl::OkStatus();
}

// Hours, or a length of time; or a number of revisions: which, depends on the mode, so both are
// kept and the other one dropped at the end.
absl::Status SetCompactionRetention(absl::string_view text, ServerConfig& config) {
  config.auto_compaction_period = std::chrono::nanoseconds(0);
  config.auto_compaction_revisions = 0;
  int64_t number = 0;
  if (absl::SimpleAtoi(text, &number)) {
    if (number < 0 || number > 1'000'000'000) return Mistake("it must be from 0 to 1000000000");
    config.auto_compaction_revisions = number;
    config.auto_compaction_period = std::chrono::hours(std::min<int64_t>(number, 24 * 365 * 100));
    return absl::OkStatus();
  }
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration) || duration < absl::ZeroDuration() ||
      duration == absl::InfiniteDuration()) {
    return Mistake("it must be a number, or a length of time as in 30m");
  }
  config.auto_compaction_period = absl::ToChronoNanoseconds(duration);
  return absl::OkStatus();
}

absl::Status SetLogLevel(absl::string_view text, ServerConfig& config) {
  for (const char* level : {"debug", "info", "warn", "error"}) {
    if (text == level) {
      config.log_level = std::string(text);
      return absl::OkStatus();
    }
  }
  return Mistake("it must be debug, info, warn or error");
}

using C = ServerConfig;
constexpr int64_t kInt32Max = std::numeric_limits<int32_t>::max();

absl::Status SetMaxConcurrentStreams(absl::string_view text, C& config) {
  constexpr int64_t kMost = std::numeric_limits<uint32_t>::max();
  int64_t streams = 0;
  if (!absl::SimpleAtoi(text, &streams) || streams < 1 || streams > kMost) {
    return Mistake(absl::StrCat("it must be a number from 1 to ", kMost));
  }
  config.max_concurrent_streams = static_cast<int32_t>(std::min(streams, kInt32Max));
  return absl::OkStatus();
}

const std::vector<Flag>& Flags() {
  static const auto* flags = new std::vector<Flag>{
      {"name", "of this member (default)", Text(&C::name)},
      {"data-dir", "where everything is kept (NAME.etcd)", Text(&C::data_dir)},
      {"listen-client-urls", "(http://localhost:2379)", Urls(&C::listen_client_urls)},
      {"advertise-client-urls", "where clients reach this member (http://localhost:2379)",
       Urls(&C::advertise_client_urls)},
      {"listen-peer-urls", "(http://localhost:2380)", Urls(&C::listen_peer_urls)},
      {"initial-advertise-peer-urls", "where members reach this one (http://localhost:2380)",
       Urls(&C::initial_advertise_peer_urls)},
      {"listen-metrics-urls", "for /metrics, /health, /version and the page (none)",
       Urls(&C::listen_metrics_urls)},
      {"initial-cluster", "NAME=URL,... of all first members (this one)", SetInitialCluster},
      {"initial-cluster-state", "new or existing (new)", SetClusterState},
      {"initial-cluster-token", "tells clusters apart (etcd-cluster)",
       Text(&C::initial_cluster_token)},
      {"heartbeat-interval", "in milliseconds (100)", Number(&C::heartbeat_interval, 1, 10'000)},
      {"election-timeout", "in milliseconds (1000)", Number(&C::election_timeout, 1, 50'000)},
      {"snapshot-count", "entries of the log between two compactions of it (100000)",
       Number(&C::snapshot_count, 1, int64_t{1} << 40)},
      {"quota-backend-bytes", "of the store; 0 for 2 GiB, -1 for none (0)",
       Number(&C::quota_backend_bytes, -1, int64_t{1} << 45)},
      {"max-request-bytes", "(1572864)", Number(&C::max_request_bytes, 1, 64 << 20)},
      {"max-txn-ops", "(128)", Number(&C::max_txn_ops, 1, 1 << 20)},
      {"max-concurrent-streams", "calls at a time of one connection (4294967295)",
       SetMaxConcurrentStreams},
      {"strict-reconfig-check", "refuse changes that could lose the quorum (true)",
       Bool(&C::strict_reconfig_check), true},
      {"pre-vote", "ask before disturbing a leader (true)", Bool(&C::pre_vote), true},
      {"auto-compaction-mode", "periodic or revision (periodic)", SetCompactionMode},
      {"auto-compaction-retention", "hours, a length of time, or revisions; 0 for off (0)",
       SetCompactionRetention},
      {"bcrypt-cost", "of hashing a password (10)", Number(&C::bcrypt_cost, 4, 31)},
      {"auth-token", "only simple (simple)", Only("simple")},
      {"auth-token-ttl", "seconds without use (300)", Number(&C::auth_token_ttl, 1, kInt32Max)},
      {"experimental-watch-progress-notify-interval", "(10m)",
       Duration(&C::watch_progress_interval)},
      {"cert-file", "for clients", TlsText(&C::client_tls, &TlsFiles::certificate)},
      {"key-file", "for clients", TlsText(&C::client_tls, &TlsFiles::key)},
      {"trusted-ca-file", "for clients", TlsText(&C::client_tls, &TlsFiles::trusted_ca)},
      {"client-cert-auth", "require certificates of clients (false)",
       TlsBool(&C::client_tls, &TlsFiles::require_client_certificate), true},
      {"peer-cert-file", "for members", TlsText(&C::peer_tls, &TlsFiles::certificate)},
      {"peer-key-file", "for members", TlsText(&C::peer_tls, &TlsFiles::key)},
      {"peer-trusted-ca-file", "for members", TlsText(&C::peer_tls, &TlsFiles::trusted_ca)},
      {"peer-client-cert-auth", "require certificates of members (false)",
       TlsBool(&C::peer_tls, &TlsFiles::require_client_certificate), true},
      {"log-level", "debug, info, warn or error (info)", SetLogLevel},
  };
  return *flags;
}

// Of etcd, taken and ignored: what they would change is done in another way here, or always, or
// not at all, and no answer depends on it. The second say yes or no.
constexpr const char* kIgnoredFlags[] = {"backend-batch-interval",
                                         "backend-batch-limit",
                                         "experimental-compaction-batch-limit",
                                         "experimental-corrupt-check-time",
                                         "grpc-keepalive-interval",
                                         "grpc-keepalive-min-time",
                                         "grpc-keepalive-timeout",
                                         "log-outputs",
                                         "logger",
                                         "max-snapshots",
                                         "max-wals",
                                         "metrics"};
constexpr const char* kIgnoredBoolFlags[] = {"debug",
                                             "enable-grpc-gateway",
                                             "enable-pprof",
                                             "enable-v2",
                                             "experimental-enable-lease-checkpoint",
                                             "experimental-enable-lease-checkpoint-persist",
                                             "experimental-initial-corrupt-check",
                                             "initial-election-tick-advance"};

const std::vector<Flag>& AllFlags() {
  static const auto* flags = [] {
    auto* all = new std::vector<Flag>(Flags());
    for (const char* name : kIgnoredFlags) all->push_back({name, "(ignored)", Ignored()});
    for (const char* name : kIgnoredBoolFlags) all->push_back({name, "(ignored)", Ignored(), true});
    return all;
  }();
  return *flags;
}

const Flag* FindFlag(absl::string_view name) {
  for (const Flag& flag : AllFlags()) {
    if (name == flag.name) return &flag;
  }
  return nullptr;
}

std::string EnvironmentName(absl::string_view flag) {
  return absl::StrCat("ETCD_", absl::AsciiStrToUpper(absl::StrReplaceAll(flag, {{"-", "_"}})));
}

absl::Status SetFlag(const Flag& flag, absl::string_view shown, absl::string_view text,
                     ServerConfig& config) {
  const absl::Status set = flag.set(text, config);
  if (set.ok()) return set;
  return Mistake(absl::StrCat(shown, "=", text, ": ", set.message()));
}

absl::Status ReadEnvironment(const Environment& environment, ServerConfig& config,
                             std::set<std::string>& given) {
  for (const Flag& flag : AllFlags()) {
    const std::string variable = EnvironmentName(flag.name);
    const char* text = environment(variable.c_str());
    if (text == nullptr || *text == '\0') continue;
    if (absl::Status set = SetFlag(flag, variable, text, config); !set.ok()) return set;
    given.insert(flag.name);
  }
  return absl::OkStatus();
}

absl::Status ReadArguments(const std::vector<std::string>& arguments, ServerConfig& config,
                           std::set<std::string>& given) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    absl::string_view rest = arguments[i];
    if (!absl::ConsumePrefix(&rest, "-")) {
      return Mistake(absl::StrCat("unexpected argument \"", arguments[i], "\""));
    }
    absl::ConsumePrefix(&rest, "-");
    const size_t equals = rest.find('=');
    const Flag* flag = FindFlag(rest.substr(0, equals));
    if (flag == nullptr) return Mistake(absl::StrCat("unknown flag \"", arguments[i], "\""));
    absl::string_view text = "true";
    if (equals != absl::string_view::npos) {
      text = rest.substr(equals + 1);
    } else if (!flag->is_bool) {
      if (i + 1 == arguments.size())
        return Mistake(absl::StrCat("--", flag->name, " needs a value"));
      text = arguments[++i];
    }
    absl::Status set = SetFlag(*flag, absl::StrCat("--", flag->name), text, config);
    if (!set.ok()) return set;
    given.insert(flag->name);
  }
  return absl::OkStatus();
}

absl::Status CheckTls(const char* side, const TlsFiles& files, const std::vector<Url>& urls) {
  if (files.certificate.empty() != files.key.empty()) {
    return Mistake(
        absl::StrCat("a certificate for ", side, " needs a key, and the other way round"));
  }
  if (files.require_client_certificate && files.trusted_ca.empty()) {
    return Mistake(
        absl::StrCat("certificates of ", side, " cannot be checked without a trusted CA"));
  }
  for (const Url& url : urls) {
    if (url.tls && files.certificate.empty()) {
      return Mistake(absl::StrCat(url.ToString(), " needs a certificate and a key for ", side));
    }
    if (!url.tls && !files.certificate.empty()) {
      return Mistake(absl::StrCat(url.ToString(), " would not be protected by the certificate for ",
                                  side, ": use https"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCluster(const ServerConfig& config) {
  const auto self = config.initial_cluster.find(config.name);
  if (self == config.initial_cluster.end()) {
    return Mistake(absl::StrCat("--initial-cluster does not contain the name of this member, \"",
                                config.name, "\""));
  }
  auto sorted = [](const std::vector<Url>& urls) {
    std::vector<std::string> texts = ToStrings(urls);
    std::sort(texts.begin(), texts.end());
    return texts;
  };
  if (sorted(self->second) != sorted(config.initial_advertise_peer_urls)) {
    return Mistake(absl::StrCat("--initial-cluster has ", config.name, "=",
                                absl::StrJoin(sorted(self->second), ","),
                                ", but --initial-advertise-peer-urls is ",
                                absl::StrJoin(sorted(config.initial_advertise_peer_urls), ",")));
  }
  std::set<std::string> seen;
  for (const auto& [name, urls] : config.initial_cluster) {
    for (const std::string& url : ToStrings(urls)) {
      if (!seen.insert(url).second) {
        return Mistake(absl::StrCat("--initial-cluster names ", url, " twice"));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status Complete(const std::set<std::string>& given, ServerConfig& config) {
  if (config.name.empty()) return Mistake("--name is empty");
  if (config.data_dir.empty()) config.data_dir = config.name + ".etcd";
  const Url client = {.host = "localhost", .port = 2379};
  const Url peer = {.host = "localhost", .port = 2380};
  if (config.listen_client_urls.empty()) config.listen_client_urls = {client};
  if (config.listen_peer_urls.empty()) config.listen_peer_urls = {peer};
  if (config.advertise_client_urls.empty()) {
    if (given.count("listen-client-urls") > 0) {
      return Mistake("--advertise-client-urls is required when --listen-client-urls is given");
    }
    config.advertise_client_urls = {client};
  }
  if (config.initial_advertise_peer_urls.empty()) config.initial_advertise_peer_urls = {peer};
  if (config.initial_cluster.empty()) {
    config.initial_cluster[config.name] = config.initial_advertise_peer_urls;
  }
  if (config.election_timeout < 5 * config.heartbeat_interval) {
    return Mistake(absl::StrCat(
        "--election-timeout=", config.election_timeout.count(),
        " must be at least five times --heartbeat-interval=", config.heartbeat_interval.count()));
  }
  if (config.auto_compaction_mode == ServerConfig::AutoCompaction::kPeriodic) {
    config.auto_compaction_revisions = 0;
  } else {
    if (config.auto_compaction_revisions == 0 && config.auto_compaction_period.count() != 0) {
      return Mistake("--auto-compaction-retention must be a number of revisions in this mode");
    }
    config.auto_compaction_period = std::chrono::nanoseconds(0);
  }
  absl::Status checked = CheckTls("clients", config.client_tls, config.listen_client_urls);
  if (checked.ok()) checked = CheckTls("members", config.peer_tls, config.listen_peer_urls);
  if (checked.ok()) checked = CheckCluster(config);
  return checked;
}

}  // namespace

absl::StatusOr<ServerConfig> ParseConfig(const std::vector<std::string>& arguments,
                                         const Environment& environment) {
  ServerConfig config;
  std::set<std::string> given;
  absl::Status read = ReadEnvironment(environment, config, given);
  if (read.ok()) read = ReadArguments(arguments, config, given);
  if (read.ok()) read = Complete(given, config);
  if (!read.ok()) return read;
  return config;
}

std::string FlagHelp() {
  std::string help;
  for (const Flag& flag : AllFlags()) {
    absl::StrAppend(&help, "  --", flag.name, "  ", flag.help, "\n");
  }
  return help;
}

}  // namespace raftexample
