// Writes protobuf fields into memory. Private to the encoder (wire_encode.cc, frame.cc).
//
// Which fields a value has is said by wire_fields.h, to something with the members of WireWriter:
// numbers that are zero and bytes that are empty leave no trace; elements of repeated fields do,
// because they count.
#ifndef RAFT_RAFTPB_WIRE_WRITER_H_
#define RAFT_RAFTPB_WIRE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/base/optimization.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "raftpb/entry_header.h"
#include "raftpb/entry_list.h"
#include "raftpb/varint.h"
#include "raftpb/wire_fields.h"
#include "raftpb/wire_tag.h"

namespace raftpb {

// The first piece of the bytes of a Cord, which mostly is the only one. Never null, for memcpy.
inline absl::string_view FirstChunk(const absl::Cord& bytes) {
  return bytes.empty() ? absl::string_view("") : *bytes.chunk_begin();
}

// Calls `take` with the bytes of a Cord, piece by piece.
template <typename Take>
void ForEachChunk(const absl::Cord& bytes, Take take) {
  const absl::string_view first = FirstChunk(bytes);
  if (ABSL_PREDICT_TRUE(first.size() == bytes.size())) {
    if (!first.empty()) take(first);
  } else {
    for (const absl::string_view chunk : bytes.Chunks()) take(chunk);
  }
}

// Adds up the bytes that a WireWriter will write.
class WireSizer {
 public:
  template <typename T>
  static size_t SizeOf(const T& value) {
    WireSizer sizer;
    Fields(value, sizer);
    return sizer.size_;
  }

  void Number(uint32_t, uint64_t value) {
    if (value != 0) size_ += kTagBytes + VarintSize(value);
  }
  void Bytes(uint32_t, const absl::Cord& bytes) {
    if (!bytes.empty()) AddDelimited(bytes.size());
  }
  void RepeatedNumber(uint32_t, uint64_t value) { size_ += kTagBytes + VarintSize(value); }
  template <typename T>
  void Embedded(uint32_t, const T& value) {
    AddDelimited(SizeOf(value));
  }
  void Entries(uint32_t field, const EntryList& entries) {
    EntryHeader header(field);
    for (const Entry& entry : entries) {
      header.Set(entry);
      size_ += header.size() + entry.data.size();
    }
  }

 private:
  void AddDelimited(size_t length) { size_ += kTagBytes + VarintSize(length) + length; }

  size_t size_ = 0;
};

// Writes into memory that has the size a WireSizer found.
class WireWriter {
 public:
  explicit WireWriter(char* out) : out_(out) {}

  void Number(uint32_t field, uint64_t value) { out_ = PutNumber(field, value, out_); }
  void Bytes(uint32_t field, const absl::Cord& bytes) {
    if (bytes.empty()) return;
    out_ = PutLength(field, bytes.size(), out_);
    Copy(bytes);
  }
  void RepeatedNumber(uint32_t field, uint64_t value) {
    out_ = PutVarint(value, PutTag(field, kVarint, out_));
  }
  template <typename T>
  void Embedded(uint32_t field, const T& value) {
    out_ = PutLength(field, WireSizer::SizeOf(value), out_);
    Fields(value, *this);
  }
  void Entries(uint32_t field, const EntryList& entries) {
    EntryHeader header(field);
    for (const Entry& entry : entries) {
      header.Set(entry);
      out_ = header.PutExactly(out_);
      Copy(entry.data);
    }
  }

  // Bytes without tag and length.
  void Copy(const absl::Cord& bytes) {
    ForEachChunk(bytes, [this](absl::string_view chunk) {
      std::memcpy(out_, chunk.data(), chunk.size());
      out_ += chunk.size();
    });
  }

 private:
  char* out_;
};

}  // namespace raftpb

#endif  // RAFT_RAFTPB_WIRE_WRITER_H_
