// Chance for property tests: the same numbers for a seed on every machine, cheap in debug builds.
#ifndef RAFT_RAFT_TEST_RANDOM_H_
#define RAFT_RAFT_TEST_RANDOM_H_

#include <cstdint>

namespace raft {

// The generator splitmix64.
class TestRandom {
 public:
  explicit TestRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t n) { return Next() % n; }  // In [0, n).
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }  // Both in.
  bool OneIn(uint64_t n) { return Below(n) == 0; }

 private:
  uint64_t state_;
};

}  // namespace raft

#endif  // RAFT_RAFT_TEST_RANDOM_H_
