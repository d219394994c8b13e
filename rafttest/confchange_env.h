// Scripts about the arithmetic of membership changes alone, without a group around it.
#ifndef RAFT_RAFTTEST_CONFCHANGE_ENV_H_
#define RAFT_RAFTTEST_CONFCHANGE_ENV_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "raft/confchange/changer.h"
#include "raft/tracker/config.h"
#include "raft/tracker/progress_map.h"
#include "raftpb/conf_change.h"
#include "rafttest/datadriven.h"

namespace rafttest {

// One configuration and the progress of its members, both empty at first. The commands:
//
//     simple                       the operations of the input, as one simple change
//     enter-joint [autoleave=..]   enters a joint configuration with them
//     leave-joint                  leaves it
//
// Output is the configuration and the progress of its members, or the error, and then nothing has
// changed.
class ConfchangeEnv {
 public:
  // Fails only for mistakes of the script.
  absl::StatusOr<std::string> Handle(const Directive& directive);

 private:
  absl::StatusOr<raft::confchange::Outcome> Change(const Directive& directive) const;
  std::string Describe() const;

  raft::tracker::Config config_;
  raft::tracker::ProgressMap progress_{raft::tracker::ProgressLimits{}};
  raft::Index last_index_ = 0;  // Of an imagined log, in which every directive is an entry.
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_CONFCHANGE_ENV_H_
