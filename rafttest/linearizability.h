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

#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace rafttest {

// What one client did. An operation that certainly never happened (it was refused) does not belong
// in a history at all.
struct Operation {
  uint64_t client = 0;  // For people only.
  std::string key;      // Operations on different keys never influence each other.
  std::string action;   // "put": words of the model.
  std::vector<std::string> arguments;

  // On any one clock, in any unit. One operation is over before another if it returned earlier
  // than the other was called; at the same moment they overlap.
  uint64_t called = 0;
  // Nothing: the client never learned the outcome, and it may have happened at any time since, or
  // may happen yet, or never will.
  absl::optional<uint64_t> returned;
  absl::optional<std::string> result;  // Of the model; not looked at if the outcome is unknown.
};

// put("a") = ok [10, 20] by 3
std::string Describe(const Operation& operation);

// The machine that does one thing at a time, as it is for one key.
class SequentialModel {
 public:
  virtual ~SequentialModel() = default;

  // The state before the first operation. States are equal if their texts are, and the texts are
  // shown to people.
  virtual std::string Initial() const = 0;

  // Whether the operation, in this state, gives the result it had; if so, `state` becomes what it
  // is afterwards. Must be a function of its arguments. An operation of unknown outcome is always
  // possible (it may change nothing).
  virtual bool Apply(const Operation& operation, std::string& state) const = 0;

  // Only for speed. Whether the operation, with the result that it had, never changes a state;
  virtual bool OnlyReads(const Operation&) const { return false; }
  // whether the state afterwards is the same whatever it was before.
  virtual bool Overwrites(const Operation&) const { return false; }
};

// A key of a key-value store. An absent result or argument is "no such key".
//   put(v)      result not looked at
//   get()       result: the value
//   delete()    result not looked at
//   cas(a, b)   result "true" if the value was a, and is b now, else "false"; cas(b) expects that
//               there is no such key
class KeyValueModel : public SequentialModel {
 public:
  std::string Initial() const override { return "nothing"; }
  bool Apply(const Operation& operation, std::string& state) const override;
  bool OnlyReads(const Operation& operation) const override;
  bool Overwrites(const Operation& operation) const override;
};

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
