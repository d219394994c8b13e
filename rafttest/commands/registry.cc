#include <algorithm>
#include <iterator>

#include "rafttest/commands/commands.h"

namespace rafttest {
namespace {

struct NamedCommand {
  absl::string_view name;
  Command command;
};

constexpr NamedCommand kCommands[] = {
    {"_breakpoint", Breakpoint},
    {"add-nodes", AddNodes},
    {"basic-status", ShowBasicStatus},
    {"bootstrap", Bootstrap},
    {"campaign", Campaign},
    {"compact", Compact},
    {"deliver-msgs", DeliverMsgs},
    {"dup-msgs", DupMsgs},
    {"forget-leader", ForgetLeader},
    {"log-level", SetLogLevel},
    {"lose-entries", LoseEntries},
    {"process-append-thread", ProcessAppendThread},
    {"process-apply-thread", ProcessApplyThread},
    {"process-ready", ProcessReady},
    {"propose", Propose},
    {"propose-batch", ProposeBatch},
    {"propose-conf-change", ProposeConfChange},
    {"raft-log", RaftLog},
    {"raft-state", RaftState},
    {"read-index", ReadIndex},
    {"reorder-msgs", ReorderMsgs},
    {"report-snapshot", ReportSnapshot},
    {"report-unreachable", ReportUnreachable},
    {"restart", Restart},
    {"send-snapshot", SendSnapshot},
    {"set-randomized-election-timeout", SetRandomizedElectionTimeout},
    {"set-snapshot-unavailable", SetSnapshotUnavailable},
    {"stabilize", Stabilize},
    {"status", ShowStatus},
    {"step", StepMessage},
    {"tick-election", TickElection},
    {"tick-heartbeat", TickHeartbeat},
    {"transfer-leadership", TransferLeadership},
};

}  // namespace

Command FindCommand(absl::string_view name) {
  const auto* found =
      std::find_if(std::begin(kCommands), std::end(kCommands),
                   [name](const NamedCommand& candidate) { return candidate.name == name; });
  return found == std::end(kCommands) ? nullptr : found->command;
}

}  // namespace rafttest
