#include "rafttest/hashed_log.h"

#include <cstring>
#include <string>

#include "absl/types/optional.h"
#include "raft/check.h"

namespace rafttest {

uint64_t HashBytes(uint64_t before, absl::string_view bytes) {
  uint64_t hash = Mix(before, bytes.size());
  while (!bytes.empty()) {
    uint64_t word = 0;
    const size_t n = std::min(bytes.size(), sizeof(word));
    std::memcpy(&word, bytes.data(), n);
    hash = Mix(hash, word);
    bytes.remove_prefix(n);
  }
  return hash;
}

uint64_t HashEntry(uint64_t before, const raftpb::Entry& entry) {
  const uint64_t hash = Mix(Mix(before, entry.term), static_cast<uint64_t>(entry.type));
  if (absl::optional<absl::string_view> flat = entry.data.TryFlat()) return HashBytes(hash, *flat);
  return HashBytes(hash, std::string(entry.data));
}

void HashedLog::Append(const raftpb::EntryList& entries) {
  if (entries.empty()) return;
  const raft::Index first = entries.front().index;
  RAFT_CHECK(first > base_ && first <= last() + 1)
      << "entry " << first << " leaves a gap behind " << last();
  positions_.resize(first - base_ - 1);
  uint64_t hash = At(first - 1).hash;
  for (const raftpb::Entry& entry : entries) {
    hash = HashEntry(hash, entry);
    positions_.push_back({entry.term, hash, raftpb::IsConfChange(entry)});
  }
}

}  // namespace rafttest
