// The stable log of a node, as compact and raft-log print it.
#ifndef RAFT_RAFTTEST_COMMANDS_PRINT_LOG_H_
#define RAFT_RAFTTEST_COMMANDS_PRINT_LOG_H_

#include "rafttest/script_node.h"
#include "rafttest/script_output.h"

namespace rafttest {

void PrintLog(const ScriptNode& node, ScriptOutput& output);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_COMMANDS_PRINT_LOG_H_
