// The application of a test: remembers every command it was given, in order.
#ifndef RAFT_RAFT_TESTING_STATE_MACHINE_H_
#define RAFT_RAFT_TESTING_STATE_MACHINE_H_

#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "raft/types.h"
#include "raftpb/conf_state.h"
#include "raftpb/entry.h"
#include "raftpb/snapshot.h"

namespace raft::testing {

// A command is the payload of a normal entry, not empty and without a line break. Durable: what was
// applied is still there after a restart, together with the membership at that position.
struct StateMachine {
  Index applied = 0;
  raftpb::ConfState conf_state;
  std::vector<std::string> commands;

  absl::Cord Save() const { return absl::Cord(absl::StrJoin(commands, "\n")); }

  void Restore(const raftpb::Snapshot& snapshot) {
    applied = snapshot.metadata.index;
    conf_state = snapshot.metadata.conf_state;
    commands = absl::StrSplit(std::string(snapshot.data), '\n', absl::SkipEmpty());
  }
};

}  // namespace raft::testing

#endif  // RAFT_RAFT_TESTING_STATE_MACHINE_H_
