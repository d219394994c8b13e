// Whether what clients saw could have come from one machine that does one thing at a time
// (Herlihy & Wing 1990; §6.3).
//
// Whoever drives a cluster, simulated or real, writes down when each operation was called, when it
// returned and with what, and asks here afterwards. The search is Wing & Gong's, with what Lowe
// ("Testing for linearizability", 2017) and Porcupine added: each key is a history by itself, and
// no pair of (operations done, state) is looked at twice. Operations whose outcome nobody knows,
// the many that a killed server leaves behind, are tried only where they make a difference.
#ifndef RAFT_RAFTTEST_LINEARIZABILITY_H_
#define RAFT_RAFTTEST_LINEARIZABILITY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "rafttest/key_value_model.h"
#include "rafttest/operation.h"

namespace rafttest {

struct LinearizabilityOptions {
  // Pairs of (operations done, state) after which a key is given up: histories can be made that
  // take exponential time. Each takes about 150 bytes.
  uint64_t max_configurations = 5'000'000;
  // Of a history that is not linearizable as few operations are shown as can be found by trying
  // operations on states so many times; 0: all of it.
  uint64_t max_shrinking = 5'000'000;
};

struct LinearizabilityResult {
  enum class Verdict : uint8_t { kLinearizable, kNotLinearizable, kGaveUp };
  Verdict verdict = Verdict::kLinearizable;
  uint64_t configurations = 0;  // Looked at, over all keys, without shrinking.

  // --- Unless it is linearizable ---

  std::string key;  // The first, in order of keys, that is not.
  // kNotLinearizable: operations of this key, by their positions in the history, that contradict
  // each other whichever of the others happened.
  std::vector<size_t> contradiction;
  std::string explanation;  // For people.

  bool linearizable() const { return verdict == Verdict::kLinearizable; }
};

LinearizabilityResult CheckLinearizability(absl::Span<const Operation> history,
                                           const SequentialModel& model = KeyValueModel(),
                                           const LinearizabilityOptions& options = {});

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_LINEARIZABILITY_H_
