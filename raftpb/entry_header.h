// The bytes of an entry inside a message that stand before its payload.
#ifndef RAFT_RAFTPB_ENTRY_HEADER_H_
#define RAFT_RAFTPB_ENTRY_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/base/optimization.h"
#include "raftpb/entry.h"
#include "raftpb/wire_tag.h"

namespace raftpb {

// Made for entries in a row. Neighbours mostly differ in their index alone, by one, and then their
// headers do in one byte: Set finds that out faster than it could encode five numbers.
//
//     tag and length of the entry | type, term, index | tag and length of the data
class EntryHeader {
 public:
  static constexpr size_t kMaxSize = 64;  // Five numbers with their tags, rounded up.

  // `field` is the number of the field that the entries are elements of.
  explicit EntryHeader(uint32_t field) : field_(field) {}

  void Set(const Entry& entry) {
    if (ABSL_PREDICT_TRUE(IsNext(entry))) {
      ++index_;
      ++low_index_;
    } else {
      Compose(entry);
    }
  }

  size_t size() const { return size_; }

  // Writes the header, where there is room for kMaxSize bytes, and returns the place after it.
  char* Put(char* out) const {
    std::memcpy(out, bytes_, kUsualSize);
    if (ABSL_PREDICT_FALSE(size_ > kUsualSize)) {
      std::memcpy(out + kUsualSize, bytes_ + kUsualSize, kMaxSize - kUsualSize);
    }
    out[low_index_at_] = low_index_;
    return out + size_;
  }

  // The same where there may be room for size() bytes only.
  char* PutExactly(char* out) const {
    std::memcpy(out, bytes_, size_);
    out[low_index_at_] = low_index_;
    return out + size_;
  }

  // The same without the tag and the length of the entry, for the one that Set was called with
  // first: an entry that stands alone.
  size_t size_alone() const { return size_ - prefix_; }
  char* PutAlone(char* out) const {
    std::memcpy(out, bytes_ + prefix_, size_alone());
    return out + size_alone();
  }

 private:
  static constexpr size_t kUsualSize = 16;

  // Whether adding one to a byte of the header makes it that of `entry`. The low seven bits of the
  // index, which that byte holds, must not have overflowed; and index 0 has no byte, so that 1 is
  // no step from it. (129 would be one from 128; testing seven bits for both takes one comparison.)
  bool IsNext(const Entry& entry) const {
    return entry.index == index_ + 1 && (entry.index & 0x7f) > 1 && entry.term == term_ &&
           entry.data.size() == data_size_ && entry.type == type_;
  }

  void Compose(const Entry& entry);

  // Of the entry that Set was called with.
  Index index_ = 0;
  char low_index_ = 0;  // The byte of the header that differs from entry to entry.

  // Of the entry that was composed last, and of all after it.
  Term term_ = 0;
  EntryType type_ = EntryType::kNormal;
  size_t data_size_ = 0;
  size_t low_index_at_ = 0;
  size_t size_ = 0;
  size_t prefix_ = 0;  // Bytes of the entry's tag and length.
  const uint32_t field_;
  char bytes_[kMaxSize] = {};
};

}  // namespace raftpb

#endif  // RAFT_RAFTPB_ENTRY_HEADER_H_
