// Chance as a function of a seed, the same on every machine and in every build.
#ifndef RAFT_RAFTTEST_RANDOM_H_
#define RAFT_RAFTTEST_RANDOM_H_

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace rafttest {

// SplitMix64 (Steele, Lea, Flood 2014). <random>'s distributions differ between libraries, so the
// few that are needed are here.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // In [0, n). Requires n > 0.
  uint64_t Below(uint64_t n) { return Next() % n; }
  // In [low, high].
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }
  // In [0, 1).
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  bool Chance(double probability) { return probability > 0 && Unit() < probability; }
  // Waiting time of a process without memory, in the unit of the mean.
  uint64_t Exponential(double mean) {
    return static_cast<uint64_t>(-mean * std::log(1.0 - Unit()));
  }

  // An independent stream.
  Random Fork() { return Random(Next()); }

 private:
  uint64_t state_;
};

// Folds a value into a hash: order matters. Not for adversaries.
inline uint64_t Mix(uint64_t hash, uint64_t value) {
  uint64_t z = hash ^ (value + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2));
  z = (z ^ (z >> 32)) * 0xd6e8feb86659fd93;
  return z ^ (z >> 32);
}

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_RANDOM_H_
