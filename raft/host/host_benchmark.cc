// What very many groups cost: fleets of three hosts in one process and on one thread, without
// serialisation, over memory storage, with pre-vote and check quorum on. Every group has a server
// on each host. Nanoseconds are processor time; each benchmark says what its operation is.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "raft/check.h"
#include "raft/host/fleet.h"
#include "raft/host/host.h"
#include "raft/test_random.h"
#include "raft/testing/meter.h"

namespace raft {
namespace {

using testing::Fleet;
using testing::FleetOptions;
using testing::Meter;

// Memory of the whole process that is in use, as the kernel sees it, in bytes.
double ResidentBytes() {
  malloc_trim(0);
  long pages = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  RAFT_CHECK(file != nullptr && std::fscanf(file, "%*s %ld", &pages) == 1) << "no /proc";
  std::fclose(file);
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double HeapBytes() { return static_cast<double>(mallinfo2().uordblks + mallinfo2().hblkhd); }

FleetOptions Options(size_t groups, bool sleep) {
  FleetOptions options;
  options.groups = groups;
  options.host.sleep_after = sleep ? 10 : 0;
  options.host.max_round_groups = 1024;
  return options;
}

// Leaders spread evenly.
void ElectAll(Fleet& fleet, size_t groups) {
  for (GroupId group = 1; group <= groups; ++group) fleet.Campaign(1 + group % 3, group);
  fleet.Settle();
}

void FallAsleep(Fleet& fleet, size_t groups) {
  while (fleet.Asleep() < 3 * groups) fleet.Tick();
}

Meter MeterOf(benchmark::State& state, const Fleet& fleet) {
  return Meter(state, [&fleet] { return fleet.messages(); });
}

void EachSize(benchmark::internal::Benchmark* b) {
  b->ArgName("groups")->Arg(10'000)->Arg(100'000);
}

// For what can be done to a fleet only once.
void EachSizeOnce(benchmark::internal::Benchmark* b) {
  EachSize(b);
  b->Iterations(1)->Unit(benchmark::kMillisecond);
}

// An interval of a host, for each of its groups; all of them are asleep.
void BM_IntervalAsleep(benchmark::State& state) {
  const size_t groups = state.range(0);
  Fleet fleet(Options(groups, /*sleep=*/true));
  ElectAll(fleet, groups);
  FallAsleep(fleet, groups);
  Meter meter = MeterOf(state, fleet);
  for (auto _ : state) fleet.Tick();
  meter.Report(static_cast<double>(state.iterations()) * 3 * static_cast<double>(groups));
  RAFT_CHECK(fleet.Asleep() > 3 * groups * 9 / 10) << "that was not idle";
}
BENCHMARK(BM_IntervalAsleep)->Apply(EachSize);

// The same if nobody may sleep: every leader sends heartbeats, every follower answers.
void BM_IntervalAwake(benchmark::State& state) {
  const size_t groups = state.range(0);
  Fleet fleet(Options(groups, /*sleep=*/false));
  ElectAll(fleet, groups);
  fleet.Tick(30);
  const uint64_t messages = fleet.messages();
  Meter meter = MeterOf(state, fleet);
  for (auto _ : state) fleet.Tick();
  const double intervals = static_cast<double>(state.iterations()) * 3;
  meter.Report(intervals * static_cast<double>(groups));
  state.counters["msgs_per_interval"] =
      static_cast<double>(fleet.messages() - messages) / intervals;
}
BENCHMARK(BM_IntervalAwake)->Apply(EachSize);

// Ticks alone, of followers that are awake and whose patience is long: what the wheel costs for
// each group.
void BM_TickFollowers(benchmark::State& state) {
  const size_t groups = state.range(0);
  FleetOptions options = Options(groups, /*sleep=*/false);
  options.configure = [](Config& config) { config.election_tick = 1 << 20; };
  Fleet fleet(options);
  Meter meter = MeterOf(state, fleet);
  for (auto _ : state) fleet.host(1).Tick();
  meter.Report(static_cast<double>(state.iterations()) * static_cast<double>(groups));
}
BENCHMARK(BM_TickFollowers)->Apply(EachSize);

// Memory of one server: node, memory storage, and its part of the host. A follower asleep; and what
// a leader has on top of it.
void BM_Memory(benchmark::State& state) {
  const size_t groups = state.range(0);
  const double servers = 3 * static_cast<double>(groups);
  for (auto _ : state) {
    const double resident = ResidentBytes();
    const double heap = HeapBytes();
    Fleet fleet(Options(groups, /*sleep=*/true));
    const double founded = HeapBytes();
    ElectAll(fleet, groups);
    FallAsleep(fleet, groups);
    const double elected = HeapBytes();
    state.counters["heap_per_new_follower"] = (founded - heap) / servers;
    state.counters["heap_per_server"] = (elected - heap) / servers;
    state.counters["resident_per_server"] = (ResidentBytes() - resident) / servers;
  }
}
BENCHMARK(BM_Memory)->ArgName("groups")->Arg(100'000)->Iterations(1)->Unit(benchmark::kMillisecond);

// All groups at once, from the campaigns to every leader's first entry committed everywhere; for
// each group.
void BM_ElectAll(benchmark::State& state) {
  const size_t groups = state.range(0);
  Fleet fleet(Options(groups, /*sleep=*/true));
  Meter meter = MeterOf(state, fleet);
  for (auto _ : state) ElectAll(fleet, groups);
  meter.Report(static_cast<double>(groups));
  fleet.ExpectNothingLost();
  RAFT_CHECK(fleet.violations().empty()) << fleet.violations().front();
  RAFT_CHECK(fleet.applied_entries() == 3 * groups) << "everybody has applied the first entry";
}
BENCHMARK(BM_ElectAll)->Apply(EachSizeOnce);

// Whether others lead all groups that host 1 led.
bool AllLedByOthers(const Fleet& fleet, size_t groups) {
  for (GroupId group = 3; group <= groups; group += 3) {
    if (fleet.LeaderOf(group) == 0) return false;
  }
  return true;
}

// A host dies, and every group that it led is led by another, from the first tick on that it is
// missing: in ticks, and processor time for each of those groups.
void BM_FailOver(benchmark::State& state) {
  const size_t groups = state.range(0);
  Fleet fleet(Options(groups, /*sleep=*/true));
  ElectAll(fleet, groups);
  FallAsleep(fleet, groups);
  Meter meter = MeterOf(state, fleet);
  int ticks = 0;
  for (auto _ : state) {
    fleet.Crash(1);
    do {
      fleet.Tick();
      ++ticks;
    } while (!AllLedByOthers(fleet, groups));
  }
  meter.Report(static_cast<double>(groups / 3));
  state.counters["ticks"] = ticks;
}
BENCHMARK(BM_FailOver)->Apply(EachSizeOnce);

// Proposals of 128 bytes to groups in turn, `together` in each tick, until all three have applied
// them; for each of them. The fleet's own checking (a hash over every entry, three times) is part
// of the time.
void BM_SpreadCommits(benchmark::State& state) {
  const size_t groups = state.range(0);
  const size_t together = state.range(1);
  FleetOptions options = Options(groups, /*sleep=*/true);
  options.compact_every = 64;
  Fleet fleet(options);
  ElectAll(fleet, groups);
  FallAsleep(fleet, groups);
  const absl::Cord payload(std::string(128, 'x'));
  GroupId next = 0;
  const uint64_t applied = fleet.applied_entries();
  Meter meter = MeterOf(state, fleet);
  for (auto _ : state) {
    for (size_t i = 0; i < together; ++i) {
      next = next % groups + 1;
      RAFT_CHECK(fleet.Propose(next, payload)) << "no leader";
    }
    fleet.Tick();
  }
  fleet.Settle();
  const double commits = static_cast<double>(state.iterations()) * static_cast<double>(together);
  meter.Report(commits);
  RAFT_CHECK(static_cast<double>(fleet.applied_entries() - applied) == 3 * commits) << "not all";
  RAFT_CHECK(fleet.violations().empty()) << fleet.violations().front();
}
BENCHMARK(BM_SpreadCommits)
    ->ArgNames({"groups", "together"})
    ->Args({1, 1000})
    ->Args({10'000, 1000})
    ->Args({100'000, 1000})
    ->Args({100'000, 100'000});

// What can go wrong, often enough that everybody meets it.
FleetOptions FaultyOptions(size_t groups) {
  FleetOptions options = Options(groups, /*sleep=*/true);
  options.max_delay = 6;
  options.drop_one_in = 50;
  options.repeat_one_in = 50;
  options.fail_write_one_in = 200'000;
  options.configure = [](Config& config) { config.snapshot_patience = 5; };
  options.compact_every = 8;
  return options;
}

// A tick in which one group in a hundred gets a proposal, a host may crash, and one that is down
// may start again. How many proposals were taken.
uint64_t TickWithFaults(Fleet& fleet, size_t groups, bool crash, TestRandom& random) {
  uint64_t taken = 0;
  for (size_t i = 0; i < groups / 100; ++i) {
    taken += fleet.Propose(random.Between(1, groups), absl::Cord("some command"));
  }
  const HostId host = random.Between(1, 3);
  if (crash && fleet.IsUp(host)) fleet.Crash(host);
  for (HostId down = 1; down <= 3; ++down) {
    if (!fleet.IsUp(down) && random.OneIn(20)) fleet.Restart(down);
  }
  fleet.Tick();
  return taken;
}

// All of it with faults: lost, late and repeated messages, crashes of hosts (also in the middle of
// a write), sleep and waking. Whatever anybody has applied, and could have told a client, is at
// last applied by everybody, in the same order; and nearly all that was taken is among it, although
// a leader may die with what it took.
void BM_Simulation(benchmark::State& state) {
  const size_t groups = state.range(0);
  Fleet fleet(FaultyOptions(groups));
  TestRandom random(1);
  uint64_t taken = 0;
  for (auto _ : state) {
    for (int tick = 0; tick < 300; ++tick) {
      taken += TickWithFaults(fleet, groups, /*crash=*/tick % 60 == 30, random);
    }
    fleet.Heal();
    for (int i = 0; i < 300 && fleet.Asleep() < 3 * groups; ++i) fleet.Tick();
  }
  fleet.ExpectNothingLost();
  RAFT_CHECK(fleet.violations().empty()) << fleet.violations().front();
  RAFT_CHECK(fleet.Asleep() == 3 * groups) << "somebody finds no sleep";
  RAFT_CHECK(fleet.crashes() >= 5) << "that was too easy";
  RAFT_CHECK(fleet.committed_commands() <= taken) << "somebody made commands up";
  RAFT_CHECK(fleet.committed_commands() > taken * 9 / 10) << "most of it came to nothing";
  state.counters["taken"] = static_cast<double>(taken);
  state.counters["committed"] = static_cast<double>(fleet.committed_commands());
  state.counters["applied"] = static_cast<double>(fleet.applied_entries());
  state.counters["crashes"] = static_cast<double>(fleet.crashes());
}
BENCHMARK(BM_Simulation)
    ->ArgName("groups")
    ->Arg(1000)
    ->Arg(100'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace raft
