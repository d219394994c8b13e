// Writes the fields of protobuf messages into memory. Private to wire_encode.cc.
//
// Which fields a value has is said by wire_fields.h, to either a WireSizer or a WireWriter.
#ifndef RAFT_RAFTPB_WIRE_WRITER_H_
#define RAFT_RAFTPB_WIRE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/cord.h"
#include "raftpb/varint.h"
#include "raftpb/wire_reader.h"

namespace raftpb {

// Adds up the bytes that a WireWriter will write.
class WireSizer {
 public:
  size_t size() const { return size_; }

  // All field numbers of ours are below 16: their tags have one byte.
  void Number(uint32_t, uint64_t value) {
    if (value != 0) size_ += 1 + VarintSize(value);
  }
  void Bytes(uint32_t, const absl::Cord& bytes) {
    if (!bytes.empty()) size_ += 1 + VarintSize(bytes.size()) + bytes.size();
  }
  void RepeatedNumber(uint32_t, uint64_t value) { size_ += 1 + VarintSize(value); }
  template <typename T>
  void Message(uint32_t, const T& value) {
    const size_t size = SizeOf(value);
    size_ += 1 + VarintSize(size) + size;
  }

  template <typename T>
  static size_t SizeOf(const T& value) {
    WireSizer sizer;
    Fields(value, sizer);
    return sizer.size();
  }

 private:
  size_t size_ = 0;
};

// Writes into memory that has been made large enough.
class WireWriter {
 public:
  explicit WireWriter(char* out) : out_(out) {}
  char* out() const { return out_; }

  // Numbers and bytes leave no trace if they are zero or empty.
  void Number(uint32_t field, uint64_t value) {
    if (value != 0) RepeatedNumber(field, value);
  }
  void Bytes(uint32_t field, const absl::Cord& bytes) {
    if (bytes.empty()) return;
    Header(field, bytes.size());
    for (const absl::string_view piece : bytes.Chunks()) {
      std::memcpy(out_, piece.data(), piece.size());
      out_ += piece.size();
    }
  }
  // Elements of repeated fields do, because they count.
  void RepeatedNumber(uint32_t field, uint64_t value) {
    *out_++ = static_cast<char>(Tag(field, kVarint));
    out_ = PutVarint(value, out_);
  }
  template <typename T>
  void Message(uint32_t field, const T& value) {
    Header(field, WireSizer::SizeOf(value));
    Fields(value, *this);
  }

 private:
  void Header(uint32_t field, size_t length) {
    *out_++ = static_cast<char>(Tag(field, kLengthDelimited));
    out_ = PutVarint(length, out_);
  }

  char* out_;
};

}  // namespace raftpb

#endif  // RAFT_RAFTPB_WIRE_WRITER_H_
