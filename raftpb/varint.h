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

// Bytes to read from the front.
struct ByteRange {
  const char* at;
  const char* end;

  bool empty() const { return at == end; }
  unsigned char Pop() { return static_cast<unsigned char>(*at++); }
};

// Reads a number from `bytes`, a ByteRange or something like it. False if they end before it does,
// or if it has more than 64 bits. Superfluous zeros are taken, up to ten bytes.
template <typename Bytes>
bool PopVarint(Bytes& bytes, uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const uint64_t byte = bytes.Pop();
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return shift < 63 || byte <= 1;
  }
  return false;
}

}  // namespace raftpb

#endif  // RAFT_RAFTPB_VARINT_H_
