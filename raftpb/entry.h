// One entry of the replicated log (thesis §3.5).
#ifndef RAFT_RAFTPB_ENTRY_H_
#define RAFT_RAFTPB_ENTRY_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/cord.h"
#include "raftpb/ids.h"
#include "raftpb/varint.h"

namespace raftpb {

// What the payload of an entry means. Numbers that are not listed can arrive from a newer peer;
// they are kept, and applied like normal entries.
enum class EntryType : int32_t {
  kNormal = 0,        // Bytes of the application; empty ones make a new leader's first entry.
  kConfChange = 1,    // A ConfChange.
  kConfChangeV2 = 2,  // A ConfChangeV2; without data it is the empty change (leave joint).
};

// A value. The payload is immutable and shared: copying an entry copies no byte of it.
struct Entry {
  Term term = 0;
  Index index = 0;
  EntryType type = EntryType::kNormal;
  // On the wire, "normal" may be written or left out. Both mean the same; the difference is two
  // bytes of EncodedSize, which size limits count. Set where the type was written deliberately.
  bool type_is_explicit = false;
  absl::Cord data;

  EntryId id() const { return {term, index}; }

  // Compares what the entry says, not how it was written.
  friend bool operator==(const Entry& a, const Entry& b) {
    return a.term == b.term && a.index == b.index && a.type == b.type && a.data == b.data;
  }
};

// Whether the entry changes the membership.
inline bool IsConfChange(const Entry& entry) {
  return entry.type == EntryType::kConfChange || entry.type == EntryType::kConfChangeV2;
}

// Bytes of the application in the entry. Counts for what is uncommitted and what is in flight.
inline size_t PayloadSize(const Entry& entry) { return entry.data.size(); }

// Bytes of the entry in the wire format: term and index always, the type if it is explicit or
// not normal, the data if there is any. Counts for the message and apply size limits.
inline size_t EncodedSize(const Entry& entry) {
  size_t size = 1 + VarintSize(entry.term) + 1 + VarintSize(entry.index);
  if (entry.type_is_explicit || entry.type != EntryType::kNormal) {
    // Negative numbers are written as if they had 64 bits.
    size += 1 + VarintSize(static_cast<uint64_t>(static_cast<int64_t>(entry.type)));
  }
  const size_t bytes = entry.data.size();
  if (bytes > 0) size += 1 + VarintSize(bytes) + bytes;
  return size;
}

}  // namespace raftpb

#endif  // RAFT_RAFTPB_ENTRY_H_
