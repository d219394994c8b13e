// Passing errors on, in one line. For files of rafttest/ that read arguments; never in headers.
#ifndef RAFT_RAFTTEST_STATUS_MACROS_H_
#define RAFT_RAFTTEST_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns the status of `expression` unless it is ok.
#define RAFTTEST_RETURN_IF_ERROR(expression)                                  \
  do {                                                                        \
    if (::absl::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

// RAFTTEST_ASSIGN_OR_RETURN(int n, F()): declares n with the value of F(), an absl::StatusOr, or
// returns its status.
#define RAFTTEST_ASSIGN_OR_RETURN(declaration, expression) \
  RAFTTEST_ASSIGN_OR_RETURN_IMPL(RAFTTEST_JOIN(result_, __LINE__), declaration, expression)
#define RAFTTEST_ASSIGN_OR_RETURN_IMPL(result, declaration, expression) \
  auto result = (expression);                                           \
  if (!result.ok()) return result.status();                             \
  declaration = *std::move(result)
#define RAFTTEST_JOIN(a, b) RAFTTEST_JOIN_IMPL(a, b)
#define RAFTTEST_JOIN_IMPL(a, b) a##b

#endif  // RAFT_RAFTTEST_STATUS_MACROS_H_
