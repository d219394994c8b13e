// A short cut for decoding entries. Private to the decoder.
#ifndef RAFT_RAFTPB_USUAL_ENTRY_H_
#define RAFT_RAFTPB_USUAL_ENTRY_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "raftpb/entry.h"
#include "raftpb/wire_tag.h"

namespace raftpb {

// The fields of an entry before its data, and the size of that.
struct UsualEntry {
  bool is_usual = true;
  bool has_type = false;
  EntryType type = EntryType::kNormal;
  Term term = 0;
  Index index = 0;
  size_t data_size = 0;  // The data are the last of the bytes.
};

// Reads an entry in the form that encoders give it: each field at most once, in order. Any other
// form, and what is malformed, is not usual, and has to be read the general way.
inline UsualEntry ReadUsualEntry(absl::string_view bytes) {
  UsualEntry entry;
  ByteRange in{bytes.data(), bytes.data() + bytes.size()};
  const auto found = [&](uint32_t tag) {
    if (in.empty() || static_cast<unsigned char>(*in.at) != tag) return false;
    in.Pop();
    return true;
  };
  const auto number = [&] {
    uint64_t value;
    entry.is_usual &= PopVarint(in, value);
    return value;
  };

  if (found(Tag(1, kVarint))) {
    entry.type = static_cast<EntryType>(static_cast<int32_t>(number()));
    entry.has_type = true;
  }
  if (found(Tag(2, kVarint))) entry.term = number();
  if (found(Tag(3, kVarint))) entry.index = number();
  if (found(Tag(4, kLengthDelimited))) entry.data_size = number();
  entry.is_usual &= entry.data_size == static_cast<size_t>(in.end - in.at);
  return entry;
}

}  // namespace raftpb

#endif  // RAFT_RAFTPB_USUAL_ENTRY_H_
