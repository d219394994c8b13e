// Runs seeded simulations: `simulate --seeds=1..2000`. A failure prints its seed, what was
// violated, the last events, and the command that replays it. The last line is `N passed, N
// failed`.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "rafttest/callers_folder.h"
#include "rafttest/key_value_application.h"
#include "rafttest/picture.h"
#include "rafttest/recording.h"
#include "rafttest/shrink.h"
#include "rafttest/simulation.h"

ABSL_FLAG(std::string, seeds, "1..100", "seeds to run, as FIRST..LAST or one number");
ABSL_FLAG(uint64_t, ticks, 1000, "ticks with faults, before the cluster is healed");
ABSL_FLAG(uint64_t, nodes, 5, "servers in the founding configuration");
ABSL_FLAG(uint64_t, spares, 2, "further servers, for changes of membership");
ABSL_FLAG(
    std::string, disk, "memory",
    "memory: a model of a disk, fast; wal: the real log of storage/ on files that fail, below a "
    "key-value store whose clients' history must be linearizable");
ABSL_FLAG(bool, trace, false, "print every event");
ABSL_FLAG(bool, hashes, false, "print the trace hash of every seed");
ABSL_FLAG(uint64_t, max_failures, 0, "stop after this many failing seeds; 0: run all");
ABSL_FLAG(std::string, faults, "", "these instead of drawn ones, as a failure prints them");
ABSL_FLAG(bool, shrink, false, "look for a smaller run that fails like the first one that does");
ABSL_FLAG(std::string, html, "",
          "write a picture of the first failing run, or else of the last run");
ABSL_FLAG(uint64_t, last_events, 60, "events to print before a violation");

namespace rafttest {
namespace {

struct SeedRange {
  uint64_t first = 0;
  uint64_t last = 0;
};

bool ParseSeeds(const std::string& text, SeedRange& range) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits("..", 1));
  if (!absl::SimpleAtoi(parts[0], &range.first)) return false;
  range.last = range.first;
  return parts.size() == 1 ||
         (absl::SimpleAtoi(parts[1], &range.last) && range.first <= range.last);
}

SimulationOptions OptionsFor(uint64_t seed) {
  SimulationOptions options;
  options.seed = seed;
  options.ticks = absl::GetFlag(FLAGS_ticks);
  options.servers = absl::GetFlag(FLAGS_nodes);
  options.spares = absl::GetFlag(FLAGS_spares);
  if (absl::GetFlag(FLAGS_disk) == "wal") {
    static const KeyValueApplication* const application = new KeyValueApplication();
    options.wal = true;
    options.application = application;
  }
  if (!absl::GetFlag(FLAGS_faults).empty()) {
    options.faults = *Faults::Parse(absl::GetFlag(FLAGS_faults));  // Main has looked at it.
  }
  return options;
}

std::string ReplayCommand(const SimulationOptions& options) {
  return absl::StrCat(
      "bazel run -c opt //rafttest:simulate -- --seeds=", options.seed, " --ticks=", options.ticks,
      " --nodes=", options.servers, " --spares=", options.spares, options.wal ? " --disk=wal" : "",
      options.faults ? absl::StrCat(" --faults=", options.faults->Describe()) : "", " --trace");
}

void PrintFailure(uint64_t seed, const SimulationResult& result) {
  std::vector<std::string> trace;
  SimulationOptions options = OptionsFor(seed);
  options.trace = &trace;
  Simulation(options).Run();  // The same again: it is a function of the seed.
  const size_t last = absl::GetFlag(FLAGS_last_events);
  const size_t from = trace.size() > last ? trace.size() - last : 0;
  for (size_t i = from; i < trace.size(); ++i) std::printf("%s\n", trace[i].c_str());
  std::printf("seed %llu violates %s at tick %.3f: %s\n", static_cast<unsigned long long>(seed),
              result.violation->invariant.c_str(), static_cast<double>(result.when) / kTick,
              result.violation->what.c_str());
  std::printf("faults: %s\n", result.faults.Describe().c_str());
  std::printf("replay: %s\n", ReplayCommand(OptionsFor(seed)).c_str());
}

void PrintSmaller(uint64_t seed, const std::string& invariant) {
  const Shrunk shrunk = Shrink(OptionsFor(seed), [&](const SimulationResult& result) {
    return result.violation.has_value() && result.violation->invariant == invariant;
  });
  std::printf("smaller, after %zu runs: violates %s at tick %.3f: %s\nreplay: %s\n", shrunk.runs,
              invariant.c_str(), static_cast<double>(shrunk.result.when) / kTick,
              shrunk.result.violation->what.c_str(), ReplayCommand(shrunk.options).c_str());
}

void PrintCoverage(const Coverage& c, double seconds) {
  const double hours = static_cast<double>(c.ticks) / 36000.0;  // Ticks of 100 ms.
  std::printf(
      "ticks %llu, events %llu, delivered %llu, lost %llu, duplicated %llu, replayed %llu, "
      "refused %llu\n",
      static_cast<unsigned long long>(c.ticks), static_cast<unsigned long long>(c.events),
      static_cast<unsigned long long>(c.delivered), static_cast<unsigned long long>(c.dropped),
      static_cast<unsigned long long>(c.duplicated), static_cast<unsigned long long>(c.replayed),
      static_cast<unsigned long long>(c.refused));
  std::printf(
      "elections %llu, crashes %llu, partitions %llu, pauses %llu, transfers %llu, proposals %llu, "
      "committed %llu, reads answered %llu, snapshots sent %llu, membership changes applied %llu, "
      "joint %llu\n",
      static_cast<unsigned long long>(c.elections), static_cast<unsigned long long>(c.crashes),
      static_cast<unsigned long long>(c.partitions), static_cast<unsigned long long>(c.pauses),
      static_cast<unsigned long long>(c.transfers), static_cast<unsigned long long>(c.proposals),
      static_cast<unsigned long long>(c.committed),
      static_cast<unsigned long long>(c.reads_answered),
      static_cast<unsigned long long>(c.snapshots_sent),
      static_cast<unsigned long long>(c.membership_changes),
      static_cast<unsigned long long>(c.joint_configurations));
  if (c.operations > 0) {
    std::printf("operations answered %llu, of unknown outcome %llu, histories too hard %llu\n",
                static_cast<unsigned long long>(c.operations),
                static_cast<unsigned long long>(c.given_up),
                static_cast<unsigned long long>(c.histories_given_up));
  }
  if (c.disk.batches > 0) {
    std::printf(
        "batches %llu, power cuts %llu, while recovering %llu, processes killed %llu, torn tails "
        "%llu, servers stopped by their disks %llu, I/O errors %llu, syncs failed %llu, no space "
        "%llu, short %llu, one bit damaged: refused %llu, harmless %llu, taken for a torn tail "
        "%llu\n",
        static_cast<unsigned long long>(c.disk.batches),
        static_cast<unsigned long long>(c.disk.power_cuts),
        static_cast<unsigned long long>(c.disk.cuts_while_recovering),
        static_cast<unsigned long long>(c.disk.process_deaths),
        static_cast<unsigned long long>(c.disk.torn_tails),
        static_cast<unsigned long long>(c.disk_failures),
        static_cast<unsigned long long>(c.disk.io_errors),
        static_cast<unsigned long long>(c.disk.sync_failures),
        static_cast<unsigned long long>(c.disk.no_space),
        static_cast<unsigned long long>(c.disk.short_operations),
        static_cast<unsigned long long>(c.disk.rot_refused),
        static_cast<unsigned long long>(c.disk.rot_harmless),
        static_cast<unsigned long long>(c.disk.rot_cut));
  }
  std::printf("%.1f s, %.1f simulated server-hours per minute (ticks of 100 ms)\n", seconds,
              hours / seconds * 60);
}

// A broken promise inside the core ends the process (raft/check.h): then, too, say which seed it
// was.
volatile std::sig_atomic_t last_seed_high = 0;
volatile std::sig_atomic_t last_seed_low = 0;

void OnAbort(int) {
  const uint64_t seed =
      uint64_t{static_cast<uint32_t>(last_seed_high)} << 32 | static_cast<uint32_t>(last_seed_low);
  std::fprintf(stderr, "seed %llu violates CHECK: see above\n",
               static_cast<unsigned long long>(seed));
}

void RememberSeed(uint64_t seed) {
  last_seed_high = static_cast<std::sig_atomic_t>(seed >> 32);
  last_seed_low = static_cast<std::sig_atomic_t>(seed);
}

bool DrawPicture(uint64_t seed, const SimulationResult& result) {
  Recording recording;
  SimulationOptions options = OptionsFor(seed);
  options.recording = &recording;
  Simulation(options).Run();
  const std::string file = absl::GetFlag(FLAGS_html);
  const absl::Status written =
      WritePicture(FromCallersFolder(file), recording, absl::StrCat("Simulation of seed ", seed),
                   absl::StrCat("faults: ", result.faults.Describe()));
  if (!written.ok()) {
    std::fprintf(stderr, "%s\n", std::string(written.message()).c_str());
    return false;
  }
  std::printf("picture of seed %llu: %s\n", static_cast<unsigned long long>(seed), file.c_str());
  return true;
}

int Main() {
  std::signal(SIGABRT, OnAbort);
  SeedRange seeds;
  if (!ParseSeeds(absl::GetFlag(FLAGS_seeds), seeds)) {
    std::fprintf(stderr, "--seeds wants FIRST..LAST, not \"%s\"\n",
                 absl::GetFlag(FLAGS_seeds).c_str());
    return 2;
  }
  if (const auto faults = Faults::Parse(absl::GetFlag(FLAGS_faults)); !faults.ok()) {
    std::fprintf(stderr, "--faults: %s\n", std::string(faults.status().message()).c_str());
    return 2;
  }
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  double next_report = 5;
  uint64_t passed = 0;
  uint64_t failed = 0;
  Coverage coverage;
  for (uint64_t seed = seeds.first; seed <= seeds.last; ++seed) {
    RememberSeed(seed);
    std::vector<std::string> trace;
    SimulationOptions options = OptionsFor(seed);
    if (absl::GetFlag(FLAGS_trace)) options.trace = &trace;
    const SimulationResult result = Simulation(options).Run();
    for (const std::string& line : trace) std::printf("%s\n", line.c_str());
    coverage.Add(result.coverage);
    if (absl::GetFlag(FLAGS_hashes)) {
      std::printf("seed %llu hash %016llx\n", static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(result.trace_hash));
    }
    if (result.violation) {
      ++failed;
      PrintFailure(seed, result);
      if (failed == 1 && absl::GetFlag(FLAGS_shrink)) {
        PrintSmaller(seed, result.violation->invariant);
      }
      std::fflush(stdout);  // Whoever waits for it may not wait for the end.
    } else {
      ++passed;
    }
    const bool of_this = result.violation ? failed == 1 : failed == 0 && seed == seeds.last;
    if (of_this && !absl::GetFlag(FLAGS_html).empty() && !DrawPicture(seed, result)) return 2;
    const uint64_t enough = absl::GetFlag(FLAGS_max_failures);
    if (enough != 0 && failed >= enough) break;
    if (seconds() >= next_report) {
      const double rate = static_cast<double>(passed + failed) / seconds();
      std::fprintf(stderr, "%llu of %llu seeds, %.0f per second, %.0f s left, %llu failed\n",
                   static_cast<unsigned long long>(passed + failed),
                   static_cast<unsigned long long>(seeds.last - seeds.first + 1), rate,
                   static_cast<double>(seeds.last - seed) / rate,
                   static_cast<unsigned long long>(failed));
      next_report = seconds() + 5;
    }
  }
  PrintCoverage(coverage, seconds());
  std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(passed),
              static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace rafttest

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Runs seeded cluster simulations of the Raft core.");
  absl::ParseCommandLine(argc, argv);
  return rafttest::Main();
}
