// What an embedder brings to have its own state machine run by a simulated cluster: the machine,
// what clients ask of it, and what they may see (docs/testing.md has an example).
#ifndef RAFT_RAFTTEST_APPLICATION_H_
#define RAFT_RAFTTEST_APPLICATION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "rafttest/linearizability.h"
#include "rafttest/random.h"

namespace rafttest {

// One replica. The simulator has one for each server, makes it anew after a crash, and compares the
// saved states of all replicas after each command: whatever is not a function of the commands
// (a clock, a pointer, the order of a hash map) is found.
class StateMachine {
 public:
  virtual ~StateMachine() = default;

  // Executes a command of Application::NextRequest; what its client gets.
  virtual std::string Apply(absl::string_view command) = 0;

  // Answers a query of Application::NextRequest.
  virtual std::string Query(absl::string_view query) const = 0;

  // The whole state, for snapshots and for comparing: equal states have equal texts.
  virtual std::string Save() const = 0;

  // Becomes what another replica saved.
  virtual void Load(absl::string_view saved) = 0;
};

// What a client does next.
struct Request {
  // As the history is to have it: key, action and arguments. The simulator fills in the rest; the
  // result is what the state machine answered.
  Operation operation;
  bool only_reads = false;  // Asked of a state machine after a linearizable read, not replicated.
  std::string text;         // The command or query.
};

class Application {
 public:
  virtual ~Application() = default;

  virtual std::unique_ptr<StateMachine> NewStateMachine() const = 0;

  // `number` is different each time, to make values that say where they come from.
  virtual Request NextRequest(uint64_t number, Random& random) const = 0;

  // What clients may see: each command and query must have its counterpart here.
  virtual const SequentialModel& model() const = 0;

  // Turns the answer into the operation's result.
  virtual void OnAnswer(absl::string_view answer, Operation& operation) const {
    operation.result = std::string(answer);
  }
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_APPLICATION_H_
