// Runs seeded simulations: `simulate --seeds=1..2000`. A failure prints its seed, what was
// violated, the last events, and the command that replays it. The last line is `N passed, N
// failed`.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "rafttest/callers_folder.h"
#include "rafttest/key_value_application.h"
#include "rafttest/picture.h"
#include "rafttest/recording.h"
#include "rafttest/scenario.h"
#include "rafttest/shrink.h"
#include "rafttest/simulation.h"
#include "rafttest/simulation_report.h"

ABSL_FLAG(std::string, seeds, "1..100", "seeds to run, as FIRST..LAST or one number");
ABSL_FLAG(uint64_t, ticks, 1000, "ticks with faults, before the cluster is healed");
ABSL_FLAG(absl::optional<uint64_t>, nodes, absl::nullopt,
          "servers in the founding configuration; 5, or the scenario's");
ABSL_FLAG(absl::optional<uint64_t>, spares, absl::nullopt,
          "further servers, for changes of membership; 2, or the scenario's");
ABSL_FLAG(
    std::string, disk, "memory",
    "memory: a model of a disk, fast; wal: the real log of storage/ on files that fail, below a "
    "key-value store whose clients' history must be linearizable");
ABSL_FLAG(std::string, scenario, "", "a situation that is known to be hard; `list` names them");
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
  options.scenario = FindScenario(absl::GetFlag(FLAGS_scenario));
  if (options.scenario != nullptr) {
    options.servers = options.scenario->servers;
    options.spares = options.scenario->spares;
  }
  options.servers = absl::GetFlag(FLAGS_nodes).value_or(options.servers);
  options.spares = absl::GetFlag(FLAGS_spares).value_or(options.spares);
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
      options.scenario != nullptr ? absl::StrCat(" --scenario=", options.scenario->name) : "",
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

// What a set of runs this large must have seen, or it was not thorough.
constexpr uint64_t kManyRuns = 2000;
constexpr uint64_t kManyScenarioRuns = 50;

// Whether the runs saw all that they must; says what is missing.
bool SawEnough(const SimulationReport& report, uint64_t runs, uint64_t shown) {
  const Scenario* scenario = FindScenario(absl::GetFlag(FLAGS_scenario));
  bool enough = true;
  if (scenario != nullptr && runs >= kManyScenarioRuns) {
    const uint64_t moments =
        scenario->script != nullptr ? report.scenario_marks() : report.coverage()[scenario->moment];
    std::printf("what the scenario is about happened %llu times\n",
                static_cast<unsigned long long>(moments));
    enough = moments > 0 && (scenario->shows_violation.empty() || shown > 0);
    if (!enough) std::printf("the scenario does not show what it is for\n");
  }
  const bool drawn = scenario == nullptr && absl::GetFlag(FLAGS_faults).empty() &&
                     absl::GetFlag(FLAGS_disk) == "memory";
  if (!drawn || runs < kManyRuns) return enough;
  for (absl::string_view missing : report.coverage().Missing()) {
    std::printf("never happened: %s\n", std::string(missing).c_str());
    enough = false;
  }
  return enough;
}

bool FlagsMakeSense(SeedRange& seeds) {
  const std::string scenario = absl::GetFlag(FLAGS_scenario);
  if (!scenario.empty() && FindScenario(scenario) == nullptr) {
    std::fprintf(stderr, "there is no scenario \"%s\"; --scenario=list names them\n",
                 scenario.c_str());
    return false;
  }
  if (!ParseSeeds(absl::GetFlag(FLAGS_seeds), seeds)) {
    std::fprintf(stderr, "--seeds wants FIRST..LAST, not \"%s\"\n",
                 absl::GetFlag(FLAGS_seeds).c_str());
    return false;
  }
  if (const auto faults = Faults::Parse(absl::GetFlag(FLAGS_faults)); !faults.ok()) {
    std::fprintf(stderr, "--faults: %s\n", std::string(faults.status().message()).c_str());
    return false;
  }
  return true;
}

// Runs the seeds one after the other.
class Runner {
 public:
  // Whether to go on.
  bool Run(uint64_t seed) {
    RememberSeed(seed);
    std::vector<std::string> trace;
    SimulationOptions options = OptionsFor(seed);
    if (absl::GetFlag(FLAGS_trace)) options.trace = &trace;
    last_ = Simulation(options).Run();
    for (const std::string& line : trace) std::printf("%s\n", line.c_str());
    report_.Add(last_);
    if (absl::GetFlag(FLAGS_hashes)) {
      std::printf("seed %llu hash %016llx\n", static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(last_.trace_hash));
    }
    if (IsShown(options)) {
      ++shown_;
      ++passed_;
    } else if (last_.violation) {
      Fail(seed);
    } else {
      ++passed_;
    }
    const uint64_t enough = absl::GetFlag(FLAGS_max_failures);
    return enough == 0 || failed_ < enough;
  }

  // Whether the last run is the one to draw: the first that failed, or else the very last.
  bool IsToBeDrawn(bool very_last) const {
    return last_.violation ? failed_ == 1 || very_last : failed_ == 0 && very_last;
  }
  const SimulationResult& last() const { return last_; }
  const SimulationReport& report() const { return report_; }
  uint64_t passed() const { return passed_; }
  uint64_t failed() const { return failed_; }
  uint64_t shown() const { return shown_; }  // Violations that were to be shown.

 private:
  bool IsShown(const SimulationOptions& options) const {
    return options.scenario != nullptr && last_.violation &&
           last_.violation->invariant == options.scenario->shows_violation;
  }
  void Fail(uint64_t seed) {
    ++failed_;
    PrintFailure(seed, last_);
    if (failed_ == 1 && absl::GetFlag(FLAGS_shrink)) {
      PrintSmaller(seed, last_.violation->invariant);
    }
    std::fflush(stdout);  // Whoever waits for it may not wait for the end.
  }

  SimulationReport report_;
  SimulationResult last_;
  uint64_t passed_ = 0;
  uint64_t failed_ = 0;
  uint64_t shown_ = 0;
};

// Says every few seconds how far it is.
class Progress {
 public:
  explicit Progress(const SeedRange& seeds) : seeds_(seeds) {}

  void MaybePrint(uint64_t seed, uint64_t failed) {
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    if (seconds < next_) return;
    next_ = seconds + 5;
    const double rate = static_cast<double>(seed - seeds_.first + 1) / seconds;
    std::fprintf(stderr, "%llu of %llu seeds, %.0f per second, %.0f s left, %llu failed\n",
                 static_cast<unsigned long long>(seed - seeds_.first + 1),
                 static_cast<unsigned long long>(seeds_.last - seeds_.first + 1), rate,
                 static_cast<double>(seeds_.last - seed) / rate,
                 static_cast<unsigned long long>(failed));
  }

 private:
  using Clock = std::chrono::steady_clock;
  const SeedRange seeds_;
  const Clock::time_point start_ = Clock::now();
  double next_ = 5;
};

int ListScenarios() {
  for (const Scenario& each : Scenarios()) {
    std::printf("%-24s %s\n", std::string(each.name).c_str(), std::string(each.shows).c_str());
  }
  return 0;
}

int Main() {
  std::signal(SIGABRT, OnAbort);
  if (absl::GetFlag(FLAGS_scenario) == "list") return ListScenarios();
  SeedRange seeds;
  if (!FlagsMakeSense(seeds)) return 2;
  Progress progress(seeds);
  Runner runner;
  for (uint64_t seed = seeds.first; seed <= seeds.last; ++seed) {
    const bool go_on = runner.Run(seed);
    if (!absl::GetFlag(FLAGS_html).empty() && runner.IsToBeDrawn(seed == seeds.last) &&
        !DrawPicture(seed, runner.last())) {
      return 2;
    }
    if (!go_on) break;
    progress.MaybePrint(seed, runner.failed());
  }
  const double cpu_seconds = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  std::printf("%s\n", runner.report().Describe(cpu_seconds).c_str());
  const bool enough = SawEnough(runner.report(), runner.passed() + runner.failed(), runner.shown());
  std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(runner.passed()),
              static_cast<unsigned long long>(runner.failed()));
  return runner.failed() == 0 && enough ? 0 : 1;
}

}  // namespace
}  // namespace rafttest

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Runs seeded cluster simulations of the Raft core.");
  absl::ParseCommandLine(argc, argv);
  return rafttest::Main();
}
