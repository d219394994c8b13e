// What clients of a state machine did, and the machine that they should have seen: the words in
// which histories are written down.
#ifndef RAFT_RAFTTEST_OPERATION_H_
#define RAFT_RAFTTEST_OPERATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"

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

// As they are shown there: "a"; an absent result is `nothing`.
std::string Quoted(const std::string& text);
std::string QuotedResult(const absl::optional<std::string>& result);

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

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_OPERATION_H_
