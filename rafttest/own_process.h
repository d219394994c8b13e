// Running something that may crash.
#ifndef RAFT_RAFTTEST_OWN_PROCESS_H_
#define RAFT_RAFTTEST_OWN_PROCESS_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace rafttest {

// Runs `task` in a process of its own, a copy of this one, and waits for it. The result is that of
// the task, with its text only; or, if the process died (a failed RAFT_CHECK, say), an error with
// the signal and what it printed to stderr. Nothing the task changes in memory is seen here.
// Requires that this process has one thread.
absl::Status InOwnProcess(absl::FunctionRef<absl::Status()> task);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_OWN_PROCESS_H_
