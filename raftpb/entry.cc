#include "raftpb/entry.h"

#include "raftpb/varint.h"

namespace raftpb {

size_t EncodedSize(const Entry& entry) {
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
