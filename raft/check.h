// RAFT_CHECK: for promises of our own code and of the local caller. No message from a peer and no
// byte from a disk may ever reach a failing one; those meet an absl::Status.
#ifndef RAFT_RAFT_CHECK_H_
#define RAFT_RAFT_CHECK_H_

#include <ostream>

namespace raft::internal {

// The explanation of a failed check, begun. It lives outside of the function that checks, for which
// a check that holds is a comparison and nothing else: no room on the stack, nothing to destroy.
std::ostream& BeginExplanation(const char* file, int line, const char* condition);

// Prints the explanation to stderr and aborts. An operator that binds weaker than << and stronger
// than ?:, and gives both branches of RAFT_CHECK the type void.
struct Abort {
  [[noreturn]] void operator&(std::ostream& explanation) const;
};

}  // namespace raft::internal

// RAFT_CHECK(n > 0) << "why that matters, with the values";
#define RAFT_CHECK(condition)               \
  (condition) ? static_cast<void>(0)        \
              : ::raft::internal::Abort() & \
                    ::raft::internal::BeginExplanation(__FILE__, __LINE__, #condition)

#endif  // RAFT_RAFT_CHECK_H_
