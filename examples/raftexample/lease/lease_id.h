// The IDs of leases that the server chooses.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_LEASE_LEASE_ID_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_LEASE_LEASE_ID_H_

#include <cstdint>
#include <random>

namespace raftexample {

// Positive, and as unlikely to meet another one as 62 bits allow. The high one is set: IDs are
// printed in hexadecimal, with and without leading zeros.
inline int64_t NewLeaseId() {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  return static_cast<int64_t>((random() >> 1) | uint64_t{1} << 62);
}

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_LEASE_LEASE_ID_H_
