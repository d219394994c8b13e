// Scripts about the arithmetic of majorities alone.
#ifndef RAFT_RAFTTEST_QUORUM_ENV_H_
#define RAFT_RAFTTEST_QUORUM_ENV_H_

#include <string>

#include "absl/status/statusor.h"
#include "rafttest/datadriven.h"

namespace rafttest {

// Nothing is remembered from one directive to the next. The commands:
//
//     committed cfg=(1,2) [cfgj=(..)|zero] idx=(..)    the index that the quorum has acknowledged
//     vote cfg=(1,2) [cfgj=(..)|zero] votes=(..)       the outcome of a vote
//
// With cfgj the quorum is joint, with `zero` joint with the empty set. The values of idx and votes
// belong to the voters in the order in which cfg and cfgj first name them; `_` is none.
// `committed` also checks laws of the arithmetic, and prints a line for each that does not hold.
class QuorumEnv {
 public:
  // Fails only for mistakes of the script.
  absl::StatusOr<std::string> Handle(const Directive& directive) const;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_QUORUM_ENV_H_
