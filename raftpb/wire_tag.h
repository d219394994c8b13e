// What stands before the value of a field in protobuf's format.
#ifndef RAFT_RAFTPB_WIRE_TAG_H_
#define RAFT_RAFTPB_WIRE_TAG_H_

#include <cstddef>
#include <cstdint>

#include "raftpb/varint.h"

namespace raftpb {

// How a value is written.
enum WireType : uint32_t {
  kVarint = 0,
  kFixed64 = 1,
  kLengthDelimited = 2,  // A length and so many bytes: strings, messages, packed numbers.
  kGroupStart = 3,       // Fields up to a kGroupEnd with the same number; no longer in use.
  kGroupEnd = 4,
  kFixed32 = 5,
};

// A tag is written as a varint.
constexpr uint32_t Tag(uint32_t field, WireType type) { return field << 3 | type; }

inline constexpr size_t kTagBytes = 1;  // Of all fields that we write.
inline constexpr size_t kMaxNumberBytes = kTagBytes + kMaxVarintBytes;  // Of a field with a number.
static_assert(VarintSize(Tag(15, kLengthDelimited)) == kTagBytes);

// The Put functions write at `out`, which has room, and return the place after it.

inline char* PutTag(uint32_t field, WireType type, char* out) {
  *out = static_cast<char>(Tag(field, type));
  return out + kTagBytes;
}

// Nothing for zero.
inline char* PutNumber(uint32_t field, uint64_t value, char* out) {
  return value == 0 ? out : PutVarint(value, PutTag(field, kVarint, out));
}

// The beginning of a field of `length` bytes.
inline char* PutLength(uint32_t field, size_t length, char* out) {
  return PutVarint(length, PutTag(field, kLengthDelimited, out));
}

// An enum is written like its number with 64 bits and a sign.
template <typename Enum>
constexpr uint64_t Code(Enum value) {
  return static_cast<uint64_t>(static_cast<int64_t>(value));
}

}  // namespace raftpb

#endif  // RAFT_RAFTPB_WIRE_TAG_H_
