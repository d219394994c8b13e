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

bool EntryChunk::TryClaimShared(uint32_t slot) {
  if (!HasRoomAt(slot)) return false;
  uint32_t expected = slot;
  return used_.compare_exchange_strong(expected, slot + 1, std::memory_order_relaxed);
}

void EntryChunk::Truncate(uint32_t slot) {
  const uint32_t end = used_.load(std::memory_order_relaxed);
  std::destroy(slots() + slot, slots() + end);
  used_.store(slot, std::memory_order_relaxed);
}

}  // namespace raftpb
