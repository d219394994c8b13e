// Makes trouble for the members of a cluster while clients write and read, and looks afterwards
// whether anything that was promised is broken.
//
//   troubles --server=PATH --cycles=300
//   troubles --server=PATH --cycles=100 --troubles=kill,pause,partition,slow_disk --slow_disk=PATH
//
// Meanwhile every client sends puts, reads, deletes, compare-and-puts and transactions of two keys
// to one member after the other, and a watcher follows all keys. What must hold in the end:
//
//   - the history of every key is linearizable (rafttest/linearizability.h), which includes that
//     nothing acknowledged is lost;
//   - the watcher has got every acknowledged write at the revision its client was told, revisions
//     only ever grow, none comes twice, and all events of one come in one response;
//   - the members agree on the hash of their keys, histories included.
//
// Prints how long members took to serve again. The last line is "N passed, N failed": one for each
// of the three, or one line that says why nothing could be done here.

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "examples/raftexample/testing/history.h"
#include "examples/raftexample/troubles/member_processes.h"
#include "examples/raftexample/troubles/networks.h"
#include "examples/raftexample/troubles/troublemaker.h"
#include "examples/raftexample/troubles/watcher.h"
#include "rafttest/linearizability.h"

ABSL_FLAG(std::string, server, "", "the raftexample program");
ABSL_FLAG(int, members, 3, "of the cluster");
ABSL_FLAG(int, cycles, 300, "troubles, one after the other");
ABSL_FLAG(std::vector<std::string>, troubles, {"kill"},
          "of these kinds: kill, pause, partition (needs root and iproute2), slow_disk");
ABSL_FLAG(std::string, slow_disk, "", "the slow_disk.so beside this program, for slow_disk");
ABSL_FLAG(int, clients, 8, "each with one request under way");
ABSL_FLAG(double, pause_seconds, 0.3, "between two troubles, on average");
ABSL_FLAG(uint64_t, seed, 1, "what happens to whom, and what clients do");
ABSL_FLAG(bool, stale_reads, false, "read what a member has, to see the checker notice");
ABSL_FLAG(std::string, directory, "/tmp", "where the members' data goes, in a folder of its own");
ABSL_FLAG(std::vector<std::string>, server_flags, {}, "more flags for each member");

namespace raftexample {
namespace {

constexpr std::chrono::milliseconds kTimeout{2000};

// Keys change with time: every key's history is short, and what is asked of it is contended.
std::string KeyOf(uint64_t cycle, uint64_t number) {
  return absl::StrFormat("k/%05d/%d", cycle, number);
}

// Clients that ask members at random until they are told to stop.
class Clients {
 public:
  Clients(MemberProcesses* members, int count, uint64_t seed) : members_(*members) {
    for (int id = 0; id < count; ++id) {
      threads_.emplace_back([this, id, seed] { Run(id, seed * 1000 + id); });
    }
  }

  void NextCycle() { ++cycle_; }
  void Stop() {
    over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  const History& history() const { return history_; }

 private:
  void Run(uint64_t id, uint64_t seed) {
    RecordedClient client(id, &history_, kTimeout);
    std::minstd_rand random(seed);
    std::map<std::string, std::string> last;  // What we put there, for comparing.
    for (uint64_t i = 0; !over_; ++i) {
      const int member = random() % members_.size();
      const auto soon = std::chrono::system_clock::now() + std::chrono::milliseconds(20);
      if (!members_.channel(member)->WaitForConnected(soon)) {
        continue;  // It would only be one more of unknown outcome.
      }
      const std::string value = absl::StrCat(id, "-", i);
      if (!Ask(client, members_.keys(member), random, value, last)) {
        absl::SleepFor(absl::Milliseconds(10));
      }
    }
  }

  bool Ask(RecordedClient& client, RecordedClient::Keys& keys, std::minstd_rand& random,
           const std::string& value, std::map<std::string, std::string>& last) {
    constexpr int kKeys = 6;
    const uint64_t cycle = cycle_;
    const uint64_t number = random() % kKeys;
    const std::string key = KeyOf(cycle, number);
    switch (random() % 10) {
      case 0: return client.Delete(keys, key);
      case 1:
        last[key] = value;
        return client.PutBoth(keys, key, KeyOf(cycle, (number + 1) % kKeys), value);
      case 2:
      case 3: return client.CompareAndPut(keys, key, last[key], value);
      case 4:
      case 5:
      case 6: return client.Get(keys, key, absl::GetFlag(FLAGS_stale_reads));
      default: last[key] = value; return client.Put(keys, key, value);
    }
  }

  MemberProcesses& members_;
  History history_;
  std::atomic<bool> over_{false};
  std::atomic<uint64_t> cycle_{0};
  std::vector<std::thread> threads_;
};

// --- What must hold in the end -------------------------------------------------------------------

bool IsLinearizable(const History& history) {
  const std::vector<rafttest::Operation> operations = history.operations();
  const auto unknown = std::count_if(operations.begin(), operations.end(),
                                     [](const auto& o) { return !o.returned.has_value(); });
  const rafttest::LinearizabilityResult result = rafttest::CheckLinearizability(operations);
  std::printf("history: %zu operations, %zu of unknown outcome: %s\n", operations.size(),
              static_cast<size_t>(unknown),
              result.linearizable() ? "linearizable" : result.explanation.c_str());
  return result.linearizable();
}

// The keys' revision after one more write, which the watcher gets as its last one.
int64_t WriteTheLast(MemberProcesses& members) {
  etcdserverpb::PutRequest request;
  etcdserverpb::PutResponse response;
  request.set_key("k/the last");
  for (int i = 0; response.header().revision() == 0; i = (i + 1) % members.size()) {
    grpc::ClientContext context;
    members.keys(i).Put(&context, request, &response);
  }
  return response.header().revision();
}

bool SawEverything(Watcher& watcher, int64_t last, const History& history) {
  const std::vector<std::string> complaints = watcher.Finish(last, history.writes());
  std::printf("watch: %zu events over %d streams, %zu acknowledged writes\n", watcher.events(),
              watcher.streams(), history.writes().size());
  for (const std::string& complaint : complaints) std::printf("watch: %s\n", complaint.c_str());
  return complaints.empty();
}

// Everybody's hash of everything, at the same revision.
bool SameHashes(MemberProcesses& members) {
  std::vector<std::string> hashes;
  for (int i = 0; i < members.size(); ++i) {
    grpc::ClientContext context;
    etcdserverpb::HashKVResponse response;
    const grpc::Status asked =
        members.maintenance(i).HashKV(&context, etcdserverpb::HashKVRequest(), &response);
    hashes.push_back(asked.ok()
                         ? absl::StrCat(response.hash(), " at ", response.header().revision())
                         : asked.error_message());
  }
  std::printf("hashes: %s\n", absl::StrJoin(hashes, ", ").c_str());
  return std::all_of(hashes.begin(), hashes.end(),
                     [&](const std::string& hash) { return hash == hashes.front(); });
}

// --- The run -------------------------------------------------------------------------------------

bool MakeTroubles(const std::vector<Trouble>& kinds, Troublemaker& troublemaker, Clients& clients) {
  const int cycles = absl::GetFlag(FLAGS_cycles);
  std::minstd_rand random(absl::GetFlag(FLAGS_seed));
  for (int cycle = 1; cycle <= cycles; ++cycle, clients.NextCycle()) {
    absl::SleepFor(absl::Seconds(absl::GetFlag(FLAGS_pause_seconds) * (random() % 200) / 100));
    if (!troublemaker.Make(kinds[random() % kinds.size()])) return false;
    if (cycle % 50 != 0) continue;
    std::printf("%d troubles\n", cycle);
    std::fflush(stdout);
  }
  return true;
}

int Run(const std::vector<Trouble>& kinds, Networks* networks) {
  const std::string directory =
      absl::StrCat(absl::GetFlag(FLAGS_directory), "/troubles.", getpid());
  std::filesystem::create_directories(directory);
  const uint64_t seed = absl::GetFlag(FLAGS_seed);
  MemberProcesses members({.server = absl::GetFlag(FLAGS_server),
                           .members = absl::GetFlag(FLAGS_members),
                           .directory = directory,
                           .flags = absl::GetFlag(FLAGS_server_flags),
                           .slow_disk = absl::GetFlag(FLAGS_slow_disk),
                           .networks = networks,
                           .timeout = kTimeout});
  for (int i = 0; i < members.size(); ++i) members.Start(i);
  if (!members.AwaitAllServing()) return 1;

  Clients clients(&members, absl::GetFlag(FLAGS_clients), seed);
  Watcher watcher(&members, seed);
  Troublemaker troublemaker(&members, networks, seed);
  const bool survived = MakeTroubles(kinds, troublemaker, clients);
  clients.Stop();
  if (!survived) {
    std::printf("0 passed, 1 failed\n");
    std::fflush(stdout);
    for (int i = 0; i < members.size(); ++i) members.Kill(i);
    _exit(1);  // The watcher still waits for what will not come.
  }
  const int64_t last = WriteTheLast(members);
  if (!members.AwaitAllServing()) return 1;

  int passed = 0;
  for (bool holds : {IsLinearizable(clients.history()),
                     SawEverything(watcher, last, clients.history()), SameHashes(members)}) {
    passed += holds;
  }
  troublemaker.PrintTimes();
  if (passed == 3) {
    for (int i = 0; i < members.size(); ++i) members.Kill(i);
    std::filesystem::remove_all(directory);
  } else {
    std::printf("the members' data and logs are in %s\n", directory.c_str());
  }
  std::printf("%d passed, %d failed\n", passed, 3 - passed);
  return passed == 3 ? 0 : 1;
}

absl::StatusOr<std::vector<Trouble>> TroublesAskedFor() {
  std::vector<Trouble> kinds;
  for (const std::string& name : absl::GetFlag(FLAGS_troubles)) {
    const absl::StatusOr<Trouble> kind = TroubleNamed(name);
    if (!kind.ok()) return kind.status();
    if (*kind == Trouble::kSlowDisk && absl::GetFlag(FLAGS_slow_disk).empty()) {
      return absl::InvalidArgumentError("slow_disk needs --slow_disk");
    }
    kinds.push_back(*kind);
  }
  return kinds;
}

int Main() {
  const absl::StatusOr<std::vector<Trouble>> kinds = TroublesAskedFor();
  if (!kinds.ok()) {
    std::fprintf(stderr, "troubles: %s\n", std::string(kinds.status().message()).c_str());
    return 2;
  }
  if (!absl::c_linear_search(*kinds, Trouble::kPartition)) return Run(*kinds, nullptr);
  const auto networks = Networks::Create(absl::GetFlag(FLAGS_members));
  if (networks.ok()) return Run(*kinds, networks->get());
  std::printf("troubles: skipped, %s\n", std::string(networks.status().message()).c_str());
  return 0;
}

}  // namespace
}  // namespace raftexample

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("makes trouble for a cluster under load, and checks what it said");
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1 || absl::GetFlag(FLAGS_server).empty()) {
    std::fprintf(stderr,
                 "usage: troubles --server=PATH [--cycles=N] [--troubles=...] [--seed=N]\n");
    return 2;
  }
  return raftexample::Main();
}
