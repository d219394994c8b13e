// Situations that are known to be hard, by name: a cluster, what goes wrong, and the moment it is
// about, which must come.
#ifndef RAFT_RAFTTEST_SCENARIO_H_
#define RAFT_RAFTTEST_SCENARIO_H_

#include <cstddef>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "rafttest/coverage.h"
#include "rafttest/faults.h"
#include "rafttest/random.h"
#include "rafttest/stage.h"

namespace rafttest {

struct Scenario {
  absl::string_view name;
  absl::string_view shows;
  size_t servers = 5;
  size_t spares = 0;
  // Faults that go on all the time, from none.
  void (*arrange)(Faults& faults, Random& random) = nullptr;
  // What happens one after the other, if anything does; scripts mark their moment themselves.
  std::unique_ptr<Script> (*script)() = nullptr;
  Seen moment = Seen::kCount;  // Of those without a script.
  // A violation that some seeds must show: the promise does not hold here, and the checker must be
  // able to tell. Empty: nothing may be violated.
  absl::string_view shows_violation = "";
};

absl::Span<const Scenario> Scenarios();
// Null if there is none of this name.
const Scenario* FindScenario(absl::string_view name);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SCENARIO_H_
