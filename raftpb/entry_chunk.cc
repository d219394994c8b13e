#include "raftpb/entry_chunk.h"

#include <memory>
#include <new>

namespace raftpb {

EntryChunk* EntryChunk::New(uint32_t capacity) {
  void* memory = ::operator new (sizeof(EntryChunk) + size_t{capacity} * sizeof(Slot));
  return new (memory) EntryChunk(capacity);
}

void EntryChunk::Delete() {
  Truncate(0);
  this->~EntryChunk();
  ::operator delete(this);
}

bool EntryChunk::HasRoomAt(uint32_t slot) {
  return slot < capacity_ && used_.load(std::memory_order_relaxed) == slot &&
         PayloadSize(0, slot) < kMaxPayload;
}

// Two lists that end at the same slot may want the next one at the same time: the sums before it
// are noted by the one that gets it.
bool EntryChunk::TryClaimShared(uint32_t slot) {
  if (!HasRoomAt(slot)) return false;
  uint32_t expected = slot;
  if (!used_.compare_exchange_strong(expected, slot + 1, std::memory_order_relaxed)) return false;
  return NoteSizesAt(slot);
}

void EntryChunk::Truncate(uint32_t slot) {
  const uint32_t end = used_.load(std::memory_order_relaxed);
  for (uint32_t i = slot; i < end; ++i) std::destroy_at(&slots()[i].entry);
  used_.store(slot, std::memory_order_relaxed);
}

}  // namespace raftpb
