// Where a WireReader gets its bytes from. Private to the decoder.
//
// A source reads forward; who uses it does not read past the end. Take() copies short stretches and
// shares long ones where it can, for the reason given at kCopiedPayloadBytes.
#ifndef RAFT_RAFTPB_WIRE_SOURCE_H_
#define RAFT_RAFTPB_WIRE_SOURCE_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "raftpb/varint.h"
#include "raftpb/wire.h"

namespace raftpb {

// Contiguous bytes.
class FlatSource {
 public:
  // What Take() returns is part of `owner`, whose bytes these are; or copied if that is null.
  explicit FlatSource(absl::string_view bytes, const absl::Cord* owner = nullptr)
      : bytes_(bytes), owner_(owner) {}

  size_t size() const { return bytes_.size(); }
  size_t at() const { return at_; }
  // Reads a varint from before `limit`; false if there is none.
  bool ReadNumber(size_t limit, uint64_t& value) {
    ByteRange range{bytes_.data() + at_, bytes_.data() + limit};
    const bool found = PopVarint(range, value);
    at_ = range.at - bytes_.data();
    return found;
  }
  unsigned char Peek() const { return static_cast<unsigned char>(bytes_.data()[at_]); }
  void Skip(size_t n) { at_ += n; }
  absl::Cord Take(size_t n);

  // The next bytes, which stay where they are as long as the source's do.
  absl::string_view Peek(size_t n) const { return absl::string_view(bytes_.data() + at_, n); }

 private:
  const absl::string_view bytes_;
  const absl::Cord* const owner_;
  size_t at_ = 0;
};

// The bytes of a Cord, in however many pieces.
class CordSource {
 public:
  explicit CordSource(const absl::Cord& bytes) : size_(bytes.size()), next_(bytes.char_begin()) {}

  size_t size() const { return size_; }
  size_t at() const { return at_; }
  bool ReadNumber(size_t limit, uint64_t& value) {
    struct {
      CordSource& source;
      size_t limit;
      bool empty() const { return source.at_ == limit; }
      unsigned char Pop() { return source.Pop(); }
    } range{*this, limit};
    return PopVarint(range, value);
  }
  unsigned char Peek() const { return static_cast<unsigned char>(*next_); }
  void Skip(size_t n) {
    absl::Cord::Advance(&next_, n);
    at_ += n;
  }
  absl::Cord Take(size_t n);

 private:
  unsigned char Pop() {
    const auto byte = static_cast<unsigned char>(*next_);
    ++next_;
    ++at_;
    return byte;
  }

  const size_t size_;
  absl::Cord::CharIterator next_;
  size_t at_ = 0;
};

inline absl::Cord FlatSource::Take(size_t n) {
  const absl::string_view bytes = Peek(n);
  at_ += n;
  if (n <= kCopiedPayloadBytes) return absl::Cord(bytes);
  if (owner_ != nullptr) return owner_->Subcord(at_ - n, n);
  return absl::Cord(std::string(bytes));  // One piece, where Cord(bytes) would make many.
}

inline absl::Cord CordSource::Take(size_t n) {
  at_ += n;
  if (n > kCopiedPayloadBytes) return absl::Cord::AdvanceAndRead(&next_, n);
  char copy[kCopiedPayloadBytes];
  for (size_t copied = 0; copied < n;) {
    const absl::string_view chunk = absl::Cord::ChunkRemaining(next_).substr(0, n - copied);
    std::memcpy(copy + copied, chunk.data(), chunk.size());
    absl::Cord::Advance(&next_, chunk.size());
    copied += chunk.size();
  }
  return absl::Cord(absl::string_view(copy, n));
}

}  // namespace raftpb

#endif  // RAFT_RAFTPB_WIRE_SOURCE_H_
