// The commands of interaction scripts: one file each, named like the command, and a table.
//
// To add one: write commands/<name>.cc, declare it here, and give it a line in registry.cc.
// docs/scripts.md describes what they do; each file says what its command takes.
#ifndef RAFT_RAFTTEST_COMMANDS_COMMANDS_H_
#define RAFT_RAFTTEST_COMMANDS_COMMANDS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rafttest/datadriven.h"

namespace rafttest {

class InteractionEnv;

// Prints into the environment's output. An error is part of what the script shows, unless it is a
// script error.
using Command = absl::Status (*)(InteractionEnv& env, const Directive& directive);

// Null if there is none of this name.
Command FindCommand(absl::string_view name);

// The group.
absl::Status AddNodes(InteractionEnv& env, const Directive& directive);
absl::Status Bootstrap(InteractionEnv& env, const Directive& directive);
absl::Status Restart(InteractionEnv& env, const Directive& directive);

// What the application asks for.
absl::Status Campaign(InteractionEnv& env, const Directive& directive);
absl::Status ForgetLeader(InteractionEnv& env, const Directive& directive);
absl::Status Propose(InteractionEnv& env, const Directive& directive);
absl::Status ProposeBatch(InteractionEnv& env, const Directive& directive);
absl::Status ProposeConfChange(InteractionEnv& env, const Directive& directive);
absl::Status ReadIndex(InteractionEnv& env, const Directive& directive);
absl::Status TransferLeadership(InteractionEnv& env, const Directive& directive);

// Time.
absl::Status SetRandomizedElectionTimeout(InteractionEnv& env, const Directive& directive);
absl::Status TickElection(InteractionEnv& env, const Directive& directive);
absl::Status TickHeartbeat(InteractionEnv& env, const Directive& directive);

// The caller's half of Ready.
absl::Status Compact(InteractionEnv& env, const Directive& directive);
absl::Status LoseEntries(InteractionEnv& env, const Directive& directive);
absl::Status ProcessAppendThread(InteractionEnv& env, const Directive& directive);
absl::Status ProcessApplyThread(InteractionEnv& env, const Directive& directive);
absl::Status ProcessReady(InteractionEnv& env, const Directive& directive);
absl::Status SetSnapshotUnavailable(InteractionEnv& env, const Directive& directive);
absl::Status Stabilize(InteractionEnv& env, const Directive& directive);

// The network.
absl::Status DeliverMsgs(InteractionEnv& env, const Directive& directive);
absl::Status DupMsgs(InteractionEnv& env, const Directive& directive);
absl::Status ReorderMsgs(InteractionEnv& env, const Directive& directive);
absl::Status ReportSnapshot(InteractionEnv& env, const Directive& directive);
absl::Status ReportUnreachable(InteractionEnv& env, const Directive& directive);
absl::Status SendSnapshot(InteractionEnv& env, const Directive& directive);
absl::Status StepMessage(InteractionEnv& env, const Directive& directive);

// Looking.
absl::Status ShowBasicStatus(InteractionEnv& env, const Directive& directive);
absl::Status Breakpoint(InteractionEnv& env, const Directive& directive);
absl::Status RaftLog(InteractionEnv& env, const Directive& directive);
absl::Status RaftState(InteractionEnv& env, const Directive& directive);
absl::Status SetLogLevel(InteractionEnv& env, const Directive& directive);
absl::Status ShowStatus(InteractionEnv& env, const Directive& directive);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_COMMANDS_COMMANDS_H_
