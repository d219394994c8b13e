// Tries every run of three servers within bounds: `exhaustive --terms=3 --entries=3`. The last line
// is `N passed, N failed`.
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "rafttest/exhaustive.h"

ABSL_FLAG(int, terms, 2, "terms in which somebody can lead");
ABSL_FLAG(int, entries, 2, "a leader with so many entries takes no more proposals");
ABSL_FLAG(int, proposals, 1, "proposals in a run");
ABSL_FLAG(int, crashes, 1, "crashes in a run");
ABSL_FLAG(bool, pre_vote, false, "servers ask before they campaign");
ABSL_FLAG(bool, slow_disk, true,
          "a server can get messages, and crash, before it has written what it must");
ABSL_FLAG(uint64_t, most_states, 0, "give up after so many; 0: never");

namespace rafttest {
namespace {

int Main() {
  SmallScope scope;
  scope.terms = absl::GetFlag(FLAGS_terms);
  scope.entries = absl::GetFlag(FLAGS_entries);
  scope.proposals = absl::GetFlag(FLAGS_proposals);
  scope.crashes = absl::GetFlag(FLAGS_crashes);
  scope.most_states = absl::GetFlag(FLAGS_most_states);
  scope.servers.pre_vote = absl::GetFlag(FLAGS_pre_vote);
  scope.servers.slow_disk = absl::GetFlag(FLAGS_slow_disk);
  const ExhaustiveResult result = SearchExhaustively(scope, [](uint64_t states, uint64_t edges) {
    std::fprintf(stderr, "%llu states, %llu edges\n", static_cast<unsigned long long>(states),
                 static_cast<unsigned long long>(edges));
  });
  const bool passed = !result.violation && (result.complete || scope.most_states != 0);
  std::printf("%s\n%.1f s of processor\n%d passed, %d failed\n", Describe(result).c_str(),
              static_cast<double>(std::clock()) / CLOCKS_PER_SEC, passed ? 1 : 0, passed ? 0 : 1);
  return passed ? 0 : 1;
}

}  // namespace
}  // namespace rafttest

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Tries every run of three servers within bounds.");
  absl::ParseCommandLine(argc, argv);
  return rafttest::Main();
}
