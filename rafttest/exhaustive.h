// Every run of a very small cluster: three servers with the real core, a few terms, entries and
// crashes, and all orders in which their messages can arrive.
//
// There is no clock: a server may campaign at any time. A message that was sent may arrive at any
// time, any number of times, or never, so that a state in which more has been sent can do all that
// one with the same servers and less can: only the former is looked at. So it is with a state in
// which fewer crashes and proposals have been used up. States that differ in the names of the
// servers only are one. What can do nothing any more, and what no check needs any more, is
// forgotten. What must hold is checked in each state, and on each way from one to the next.
#ifndef RAFT_RAFTTEST_EXHAUSTIVE_H_
#define RAFT_RAFTTEST_EXHAUSTIVE_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/optional.h"
#include "rafttest/invariants.h"
#include "rafttest/server_states.h"

namespace rafttest {

// What bounds the search.
struct SmallScope {
  int terms = 2;      // In which anybody can lead.
  int entries = 2;    // A leader whose log has as many takes no proposal.
  int proposals = 1;  // In the whole run.
  int crashes = 1;
  uint64_t most_states = 0;  // Gives up after so many; 0: never.
  ServerSettings servers;
};

struct ExhaustiveResult {
  bool complete = false;  // All has been seen.
  absl::optional<Violation> violation;
  std::vector<std::string> way;  // What led to it, event by event.

  // Of the cluster, whatever the servers' names. What is not the network is told apart by 64 bits:
  // of ten million states, two are taken for one with a chance of one in 400,000.
  uint64_t states = 0;
  uint64_t edges = 0;            // From a state to the next, perhaps known already.
  uint64_t without_network = 0;  // States of the servers together.
  uint64_t deepest = 0;
  uint64_t server_states = 0;
  uint64_t server_steps = 0;  // Runs of the core.
  uint64_t messages = 0;      // That differ.

  // How far the runs came: states in which
  uint64_t two_leaders = 0;                // two servers lead, of different terms;
  uint64_t crashed = 0;                    // somebody has crashed;
  uint64_t rewritten = 0;                  // edges on which a server dropped entries of its log;
  std::array<uint64_t, 5> by_committed{};  // so many entries are committed.
};

// Called now and then with the states seen.
using ExhaustiveProgress = absl::FunctionRef<void(uint64_t states, uint64_t edges)>;

ExhaustiveResult SearchExhaustively(const SmallScope& scope, ExhaustiveProgress progress);
std::string Describe(const ExhaustiveResult& result);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_EXHAUSTIVE_H_
