// Proposals and reads of a simulation are numbers, so that each can be recognised wherever it turns
// up.
#ifndef RAFT_RAFTTEST_PROPOSAL_NUMBER_H_
#define RAFT_RAFTTEST_PROPOSAL_NUMBER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/cord.h"

namespace rafttest {

// At least `size` bytes, of which the first are the number.
inline absl::Cord EncodeNumber(uint64_t number, size_t size) {
  std::string bytes(std::max(size, sizeof(number)), 'x');
  std::memcpy(bytes.data(), &number, sizeof(number));
  return absl::Cord(std::move(bytes));
}

// 0 if there is none.
inline uint64_t DecodeNumber(const absl::Cord& data) {
  if (data.size() < sizeof(uint64_t)) return 0;
  uint64_t number = 0;
  char bytes[sizeof(number)];
  size_t filled = 0;
  for (absl::string_view chunk : data.Chunks()) {
    const size_t taken = std::min(chunk.size(), sizeof(number) - filled);
    std::memcpy(bytes + filled, chunk.data(), taken);
    filled += taken;
    if (filled == sizeof(number)) break;
  }
  std::memcpy(&number, bytes, sizeof(number));
  return number;
}

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_PROPOSAL_NUMBER_H_
