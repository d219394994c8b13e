// Numbers as protobuf writes them: seven bits to a byte, the lowest first, the high bit set on all
// bytes but the last.
#ifndef RAFT_RAFTPB_VARINT_H_
#define RAFT_RAFTPB_VARINT_H_

#include <bit>
#include <cstddef>
#include <cstdint>

namespace raftpb {

inline constexpr size_t kMaxVarintBytes = 10;  // ceil(64 / 7)

constexpr size_t VarintSize(uint64_t value) {
  // bits * 9 / 64 is bits / 7, rounded up, for 1 to 64 bits; no division, no loop.
  return (static_cast<size_t>(std::bit_width(value | 1)) * 9 + 64) / 64;
}

// Writes at `out`, which has room, and returns the place after it.
inline char* PutVarint(uint64_t value, char* out) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

}  // namespace raftpb

#endif  // RAFT_RAFTPB_VARINT_H_
