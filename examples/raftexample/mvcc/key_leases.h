// What the key space must know about leases, without knowing leases.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_KEY_LEASES_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_KEY_LEASES_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace raftexample {

inline constexpr int64_t kNoLease = 0;

// Which key goes when which lease ends. Called by the thread that applies; lease/ implements it.
class KeyLeases {
 public:
  virtual ~KeyLeases() = default;
  virtual bool Exists(int64_t lease) const = 0;
  // The key now belongs to this lease and to no other; to none, if it is kNoLease or does not
  // exist.
  virtual void SetLease(absl::string_view key, int64_t lease) = 0;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_KEY_LEASES_H_
