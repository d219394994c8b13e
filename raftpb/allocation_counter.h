// Counts what the current thread allocates with operator new. Linking this replaces the global
// operator: for tests that promise an exact number of allocations, and for benchmarks.
#ifndef RAFT_RAFTPB_ALLOCATION_COUNTER_H_
#define RAFT_RAFTPB_ALLOCATION_COUNTER_H_

#include <cstddef>
#include <cstdint>

namespace raftpb {

class AllocationCounter {
 public:
  AllocationCounter();  // Counts from now on.

  uint64_t allocations() const;
  uint64_t bytes() const;  // Sum of what was asked for; what was freed is not taken off.

 private:
  const uint64_t allocations_before_;
  const uint64_t bytes_before_;
};

}  // namespace raftpb

#endif  // RAFT_RAFTPB_ALLOCATION_COUNTER_H_
