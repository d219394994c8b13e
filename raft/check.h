// RAFT_CHECK: for promises of our own code and of the local caller. No message from a peer and no
// byte from a disk may ever reach a failing one; those meet an absl::Status.
#ifndef RAFT_RAFT_CHECK_H_
#define RAFT_RAFT_CHECK_H_

#include <sstream>

namespace raft::internal {

// Collects the explanation of a failed check, prints it to stderr and aborts when destroyed.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  [[noreturn]] ~CheckFailure();
  std::ostream& stream() { return stream_; }

 private:
  std::ostringstream stream_;
};

// Gives both branches of RAFT_CHECK the type void; & binds weaker than << and stronger than ?:.
struct Voidify {
  void operator&(std::ostream&) const {}
};

}  // namespace raft::internal

// RAFT_CHECK(n > 0) << "why that matters, with the values";
#define RAFT_CHECK(condition)                 \
  (condition) ? static_cast<void>(0)          \
              : ::raft::internal::Voidify() & \
                    ::raft::internal::CheckFailure(__FILE__, __LINE__, #condition).stream()

#endif  // RAFT_RAFT_CHECK_H_
