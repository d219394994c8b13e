// Kills members with SIGKILL while clients write and read, and looks afterwards whether anything
// that was promised is broken.
//
//   kill_cycles --server=PATH --cycles=300
//
// Each cycle kills one member, the leader more often than not, now and then two or all of them,
// and starts them again. Meanwhile every client sends puts, reads, deletes, compare-and-puts and
// transactions of two keys to one member after the other, and a watcher follows all keys, from
// where it was whenever its member is killed. What must hold in the end:
//
//   - the history of every key is linearizable (rafttest/linearizability.h), which includes that
//     nothing acknowledged is lost;
//   - the watcher has got every acknowledged write at the revision its client was told, revisions
//     only ever grow, none comes twice, and all events of one come in one response;
//   - the members agree on the hash of their keys, histories included.
//
// Prints how long members took from their start to the first linearizable read. The last line is
// "N passed, N failed": one for each of the three.

#include <fcntl.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "examples/raftexample/proto/rpc.grpc.pb.h"
#include "examples/raftexample/testing/free_port.h"
#include "examples/raftexample/testing/history.h"
#include "rafttest/linearizability.h"

ABSL_FLAG(std::string, server, "", "the raftexample program");
ABSL_FLAG(int, members, 3, "of the cluster");
ABSL_FLAG(int, cycles, 300, "kills");
ABSL_FLAG(int, clients, 8, "each with one request under way");
ABSL_FLAG(double, pause_seconds, 0.3, "between a member's return and the next kill, on average");
ABSL_FLAG(uint64_t, seed, 1, "who is killed when, and what clients do");
ABSL_FLAG(bool, stale_reads, false, "read what a member has, to see the checker notice");
ABSL_FLAG(std::string, directory, "/tmp", "where the members' data goes, in a folder of its own");
ABSL_FLAG(std::vector<std::string>, server_flags, {}, "more flags for each member");

namespace raftexample {
namespace {

using etcdserverpb::KV;
using etcdserverpb::Maintenance;

constexpr std::chrono::milliseconds kTimeout{2000};
constexpr absl::Duration kPatience = absl::Seconds(60);  // Until a member must serve again.

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 10);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

// --- Processes -----------------------------------------------------------------------------------

class Cluster {
 public:
  Cluster(int size, const std::string& directory) {
    std::vector<std::string> cluster;
    for (int i = 0; i < size; ++i) {
      Member& member = members_.emplace_back();
      member.client = absl::StrCat("127.0.0.1:", FreePort());
      member.peer = absl::StrCat("http://127.0.0.1:", FreePort());
      cluster.push_back(absl::StrCat("m", i, "=", member.peer));
    }
    for (int i = 0; i < size; ++i) {
      Member& member = members_[i];
      const std::string client = "http://" + member.client;
      member.log = absl::StrCat(directory, "/m", i, ".log");
      member.command = {absl::GetFlag(FLAGS_server),
                        absl::StrCat("--name=m", i),
                        absl::StrCat("--data-dir=", directory, "/m", i),
                        "--listen-client-urls=" + client,
                        "--advertise-client-urls=" + client,
                        "--listen-peer-urls=" + member.peer,
                        "--initial-advertise-peer-urls=" + member.peer,
                        "--initial-cluster=" + absl::StrJoin(cluster, ",")};
      for (const std::string& flag : absl::GetFlag(FLAGS_server_flags)) {
        member.command.push_back(flag);
      }
      member.channel = Connect(member.client);
      member.keys = KV::NewStub(member.channel);
      member.maintenance = Maintenance::NewStub(member.channel);
    }
  }
  ~Cluster() {
    for (int i = 0; i < size(); ++i) Kill(i);
  }

  int size() const { return static_cast<int>(members_.size()); }
  KV::Stub& keys(int i) { return *members_[i].keys; }
  Maintenance::Stub& maintenance(int i) { return *members_[i].maintenance; }
  const std::shared_ptr<grpc::Channel>& channel(int i) { return members_[i].channel; }

  void Start(int i) {
    Member& member = members_[i];
    std::vector<char*> arguments;
    for (std::string& word : member.command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t parent = getpid();
    while ((member.pid = fork()) < 0) {
      std::perror("kill_cycles: fork");
      absl::SleepFor(absl::Seconds(1));
    }
    if (member.pid != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    const int log = open(member.log.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }

  void Kill(int i) {
    if (members_[i].pid <= 0) return;
    kill(members_[i].pid, SIGKILL);
    waitpid(members_[i].pid, nullptr, 0);
    members_[i].pid = 0;
  }

  // Until a linearizable read has gone through. False: it did not in time, or some member has ended
  // by itself.
  bool AwaitServing(int i) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (absl::Now() < deadline && AllRun()) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kTimeout);
      etcdserverpb::RangeRequest request;
      etcdserverpb::RangeResponse response;
      request.set_key("k");
      if (keys(i).Range(&context, request, &response).ok()) return true;
      absl::SleepFor(absl::Milliseconds(2));
    }
    return false;
  }

  bool AllRun() {
    for (int i = 0; i < size(); ++i) {
      int status = 0;
      if (members_[i].pid > 0 && waitpid(members_[i].pid, &status, WNOHANG) > 0) {
        members_[i].pid = 0;
        std::fprintf(stderr, "kill_cycles: member %d has ended by itself, status %x\n", i, status);
        return false;
      }
    }
    return true;
  }

  // Who leads, as far as any member knows; 0 if none answers.
  int Leader() {
    for (int i = 0; i < size(); ++i) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kTimeout);
      etcdserverpb::StatusResponse response;
      const grpc::Status asked =
          maintenance(i).Status(&context, etcdserverpb::StatusRequest(), &response);
      if (asked.ok() && response.leader() == response.header().member_id()) return i;
    }
    return 0;
  }

 private:
  struct Member {
    std::string client, peer, log;
    std::vector<std::string> command;
    pid_t pid = 0;
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<KV::Stub> keys;
    std::unique_ptr<Maintenance::Stub> maintenance;
  };
  std::vector<Member> members_;
};

// --- Clients -------------------------------------------------------------------------------------

// Keys change with time: every key's history is short, and what is asked of it is contended.
std::string KeyOf(uint64_t cycle, uint64_t number) {
  return absl::StrFormat("k/%05d/%d", cycle, number);
}

void RunClient(uint64_t id, Cluster& cluster, History& history, const std::atomic<bool>& over,
               const std::atomic<uint64_t>& cycle) {
  constexpr int kKeys = 6;
  RecordedClient client(id, &history, kTimeout);
  std::minstd_rand random(absl::GetFlag(FLAGS_seed) * 1000 + id);
  std::map<std::string, std::string> last;  // What we put there, for comparing.
  for (uint64_t i = 0; !over; ++i) {
    const int member = random() % cluster.size();
    if (cluster.channel(member)->GetState(/*try_to_connect=*/true) != GRPC_CHANNEL_READY) {
      absl::SleepFor(absl::Milliseconds(2));  // It would only be one more of unknown outcome.
      continue;
    }
    KV::Stub& keys = cluster.keys(member);
    const uint64_t now = cycle;
    const uint64_t number = random() % kKeys;
    const std::string key = KeyOf(now, number);
    const std::string value = absl::StrCat(id, "-", i);
    bool answered = false;
    switch (random() % 10) {
      case 0: answered = client.Delete(keys, key); break;
      case 1:
        answered = client.PutBoth(keys, key, KeyOf(now, (number + 1) % kKeys), value);
        last[key] = value;
        break;
      case 2:
      case 3: answered = client.CompareAndPut(keys, key, last[key], value); break;
      case 4:
      case 5:
      case 6: answered = client.Get(keys, key, absl::GetFlag(FLAGS_stale_reads)); break;
      default:
        answered = client.Put(keys, key, value);
        last[key] = value;
        break;
    }
    if (!answered) absl::SleepFor(absl::Milliseconds(10));
  }
}

// --- The watcher ---------------------------------------------------------------------------------

// Follows all keys at one member after the other.
class Watcher {
 public:
  explicit Watcher(Cluster* cluster) : cluster_(cluster), thread_([this] { Run(); }) {}

  // Ends it when it has got everything up to this revision, and says what was wrong.
  std::vector<std::string> Finish(int64_t revision, const std::vector<History::Write>& writes) {
    last_ = revision;
    thread_.join();
    for (const History::Write& write : writes) {
      const auto found = events_.find({write.revision, write.key});
      if (found == events_.end()) {
        Complain(absl::StrCat("no event of ", write.key, " at ", write.revision));
      } else if (found->second != write.value) {
        Complain(absl::StrCat("another value of ", write.key, " at ", write.revision));
      }
    }
    return complaints_;
  }
  size_t events() const { return events_.size(); }
  int streams() const { return streams_; }

 private:
  void Run() {
    std::minstd_rand random(absl::GetFlag(FLAGS_seed));
    while (seen_ < last_) Follow(random() % cluster_->size());
  }

  // Until the stream breaks, or everything is there.
  void Follow(int member) {
    auto stub = etcdserverpb::Watch::NewStub(cluster_->channel(member));
    grpc::ClientContext context;
    // Comes back in any case: a member may have been killed before it ever answered.
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(3));
    auto stream = stub->Watch(&context);
    etcdserverpb::WatchRequest request;
    request.mutable_create_request()->set_key("k/");
    request.mutable_create_request()->set_range_end("k0");
    request.mutable_create_request()->set_start_revision(seen_ + 1);
    ++streams_;
    etcdserverpb::WatchResponse response;
    if (stream->Write(request)) {
      while (seen_ < last_ && stream->Read(&response)) Take(response);
    }
    context.TryCancel();
    stream->Finish();
    absl::SleepFor(absl::Milliseconds(5));
  }

  void Take(const etcdserverpb::WatchResponse& response) {
    if (response.canceled()) Complain("canceled: " + response.cancel_reason());
    int64_t before = seen_;  // Every event must be later than what earlier responses held.
    int64_t newest = seen_;
    for (const mvccpb::Event& event : response.events()) {
      const int64_t revision = event.kv().mod_revision();
      if (revision <= before) {
        Complain(absl::StrCat("revision ", revision, " after ", before, " had ended"));
      }
      if (revision < newest) Complain(absl::StrCat("revision ", revision, " after ", newest));
      newest = std::max(newest, revision);
      if (!events_.insert({{revision, event.kv().key()}, event.kv().value()}).second) {
        Complain(absl::StrCat("twice: ", event.kv().key(), " at ", revision));
      }
    }
    seen_ = newest;
  }

  void Complain(std::string what) {
    if (complaints_.size() < 20) complaints_.push_back(std::move(what));
  }

  Cluster* const cluster_;
  std::atomic<int64_t> last_{INT64_MAX};
  int64_t seen_ = 1;
  int streams_ = 0;
  std::map<std::pair<int64_t, std::string>, std::string> events_;
  std::vector<std::string> complaints_;
  std::thread thread_;
};

// --- The run -------------------------------------------------------------------------------------

// How long members took to come back.
class RestartTimes {
 public:
  void Add(absl::Duration time) { millis_.push_back(absl::ToDoubleMilliseconds(time)); }
  void Print(const char* what) {
    if (millis_.empty()) return;
    std::sort(millis_.begin(), millis_.end());
    std::printf("%s: p50 %.0f ms, p99 %.0f ms\n", what, millis_[millis_.size() / 2],
                millis_[millis_.size() * 99 / 100]);
  }

 private:
  std::vector<double> millis_;
};

// Everybody's hash of everything, at the same revision.
bool SameHashes(Cluster& cluster) {
  std::vector<std::string> hashes;
  for (int i = 0; i < cluster.size(); ++i) {
    grpc::ClientContext context;
    etcdserverpb::HashKVResponse response;
    const grpc::Status asked =
        cluster.maintenance(i).HashKV(&context, etcdserverpb::HashKVRequest(), &response);
    hashes.push_back(asked.ok()
                         ? absl::StrCat(response.hash(), " at ", response.header().revision())
                         : asked.error_message());
  }
  std::printf("hashes: %s\n", absl::StrJoin(hashes, ", ").c_str());
  return std::all_of(hashes.begin(), hashes.end(),
                     [&](const std::string& hash) { return hash == hashes.front(); });
}

// The keys' revision after one more write, which the watcher gets as its last one.
int64_t WriteTheLast(Cluster& cluster) {
  grpc::ClientContext context;
  etcdserverpb::PutRequest request;
  etcdserverpb::PutResponse response;
  request.set_key("k/the last");
  cluster.keys(0).Put(&context, request, &response);
  return response.header().revision();
}

int Main() {
  const std::string directory =
      absl::StrCat(absl::GetFlag(FLAGS_directory), "/kill_cycles.", getpid());
  std::filesystem::create_directories(directory);
  Cluster cluster(absl::GetFlag(FLAGS_members), directory);
  for (int i = 0; i < cluster.size(); ++i) cluster.Start(i);
  for (int i = 0; i < cluster.size(); ++i) {
    if (!cluster.AwaitServing(i)) {
      std::fprintf(stderr, "kill_cycles: member %d does not serve; see %s\n", i, directory.c_str());
      return 1;
    }
  }

  History history;
  std::atomic<bool> over{false};
  std::atomic<uint64_t> cycle{0};
  std::vector<std::thread> clients;
  for (int id = 0; id < absl::GetFlag(FLAGS_clients); ++id) {
    clients.emplace_back([&, id] { RunClient(id, cluster, history, over, cycle); });
  }
  Watcher watcher(&cluster);

  std::mt19937_64 random(absl::GetFlag(FLAGS_seed));
  RestartTimes of_followers, of_leaders;
  int failed = 0;
  for (; cycle < static_cast<uint64_t>(absl::GetFlag(FLAGS_cycles)) && failed == 0; ++cycle) {
    absl::SleepFor(absl::Seconds(absl::GetFlag(FLAGS_pause_seconds) * (random() % 200) / 100));
    const int leader = cluster.Leader();
    const int first = random() % 3 != 0 ? leader : random() % cluster.size();
    const int dice = random() % 10;
    const int victims = dice == 0 ? cluster.size() : dice == 1 ? 2 : 1;
    for (int n = 0; n < victims; ++n) cluster.Kill((first + n) % cluster.size());
    absl::SleepFor(absl::Milliseconds(random() % 100));
    for (int n = 0; n < victims; ++n) {
      const int i = (first + n) % cluster.size();
      cluster.Start(i);
      if (victims > 1 && n + 1 < victims) continue;  // Alone they may not be able to serve.
      const absl::Time start = absl::Now();
      if (!cluster.AwaitServing(i)) {
        std::fprintf(stderr, "kill_cycles: member %d does not come back; see %s\n", i,
                     directory.c_str());
        ++failed;
      }
      if (victims == 1) (i == leader ? of_leaders : of_followers).Add(absl::Now() - start);
    }
    if ((cycle + 1) % 50 == 0) {
      std::printf("%u kills\n", static_cast<unsigned>(cycle + 1));
      std::fflush(stdout);
    }
  }
  over = true;
  for (std::thread& client : clients) client.join();
  if (failed > 0) _exit(1);
  for (int i = 0; i < cluster.size(); ++i) cluster.AwaitServing(i);

  int passed = 0;
  const int64_t last = WriteTheLast(cluster);
  const std::vector<rafttest::Operation> operations = history.operations();
  const auto unknown = std::count_if(operations.begin(), operations.end(),
                                     [](const auto& o) { return !o.returned.has_value(); });
  const rafttest::LinearizabilityResult result = rafttest::CheckLinearizability(operations);
  std::printf("history: %zu operations, %zu of unknown outcome: %s\n", operations.size(),
              static_cast<size_t>(unknown),
              result.linearizable() ? "linearizable" : result.explanation.c_str());
  ++(result.linearizable() ? passed : failed);

  const std::vector<std::string> complaints = watcher.Finish(last, history.writes());
  std::printf("watch: %zu events over %d streams, %zu acknowledged writes\n", watcher.events(),
              watcher.streams(), history.writes().size());
  for (const std::string& complaint : complaints) std::printf("watch: %s\n", complaint.c_str());
  ++(complaints.empty() ? passed : failed);

  ++(SameHashes(cluster) ? passed : failed);
  of_followers.Print("a follower's start to its first linearizable read");
  of_leaders.Print("the same of a leader, which has others elect a new one");
  if (failed == 0) {
    for (int i = 0; i < cluster.size(); ++i) cluster.Kill(i);
    std::filesystem::remove_all(directory);
  } else {
    std::printf("the members' data and logs are in %s\n", directory.c_str());
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace raftexample

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("kills members of a cluster under load, and checks what they said");
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1 || absl::GetFlag(FLAGS_server).empty()) {
    std::fprintf(stderr, "usage: kill_cycles --server=PATH [--cycles=N] [--seed=N]\n");
    return 2;
  }
  return raftexample::Main();
}
