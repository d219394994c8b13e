// A block of entries that several lists share. Furniture of EntryList, which has the story.
#ifndef RAFT_RAFTPB_ENTRY_CHUNK_H_
#define RAFT_RAFTPB_ENTRY_CHUNK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "raftpb/entry.h"

namespace raftpb {

// Slots [0, used) hold entries, which do not change as long as anybody else can see them; the list
// that moves `used` from its own end claims the next slot. Each slot also knows how many bytes
// the chunk has up to it, so that nobody has to visit entries to find out how large they are.
//
// The order of memory operations: a slot is read only through a list that has it inside a piece,
// and such lists come from the one that claimed it, by whatever means hands a list from thread to
// thread. So claiming needs atomicity only, and not even that for the only one who could. The last
// reference is dropped after all that, which Unref and IsUnique see by their acquire.
class alignas(Entry) EntryChunk {
 public:
  static constexpr uint32_t kMaxPayload = 64 * 1024;  // Bytes; who passes it is the last.

  struct Slot {
    // Where `make()` makes the entry. `before` is the slot before it; null for the first.
    template <typename Make>
    Slot(Make& make, const Slot* before)
        : entry(make()),
          encoded_up_to((before == nullptr ? 0 : before->encoded_up_to) + EncodedSize(entry)),
          payload_up_to((before == nullptr ? 0 : before->payload_up_to) + PayloadSize(entry)) {}

    const Entry entry;
    const uint64_t encoded_up_to;  // Sums over the slots up to this one.
    const uint64_t payload_up_to;
  };

  // With one reference, for the caller, and room for so many entries.
  static EntryChunk* New(uint32_t capacity);

  Slot* slots() { return reinterpret_cast<Slot*>(this + 1); }
  uint32_t capacity() const { return capacity_; }
  bool IsUnique() const { return refs_.load(std::memory_order_acquire) == 1; }
  void Ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) Delete();
  }

  // Takes a slot, if there is room and nobody else has taken it, for the caller to construct with
  // Fill. The caller shows the slot before it, or has shown it.
  bool TryClaim(uint32_t slot) {
    if (!IsUnique()) return TryClaimShared(slot);
    if (used_.load(std::memory_order_relaxed) != slot) Truncate(slot);
    if (!HasRoomAt(slot)) return false;
    used_.store(slot + 1, std::memory_order_relaxed);
    return true;
  }
  template <typename Make>
  void Fill(uint32_t slot, Make& make) {
    new (slots() + slot) Slot(make, slot == 0 ? nullptr : slots() + slot - 1);
  }
  // Whether an entry can be put into a slot: the next one, and not too many bytes before it.
  bool HasRoomAt(uint32_t slot) {
    return slot < capacity_ && used_.load(std::memory_order_relaxed) == slot &&
           (slot == 0 || slots()[slot - 1].payload_up_to < kMaxPayload);
  }
  // Destroys the entries from `slot` on. Only for the one who holds the last reference.
  void Truncate(uint32_t slot);

  // EncodedSize and PayloadSize of the entries in the slots [begin, end), in constant time.
  uint64_t EncodedSizeOf(uint32_t begin, uint32_t end) {
    return Sum(&Slot::encoded_up_to, begin, end);
  }
  uint64_t PayloadSizeOf(uint32_t begin, uint32_t end) {
    return Sum(&Slot::payload_up_to, begin, end);
  }

 private:
  explicit EntryChunk(uint32_t capacity) : capacity_(capacity) {}

  uint64_t Sum(const uint64_t Slot::*up_to, uint32_t begin, uint32_t end) {
    if (begin == end) return 0;
    return slots()[end - 1].*up_to - (begin == 0 ? 0 : slots()[begin - 1].*up_to);
  }
  bool TryClaimShared(uint32_t slot);
  void Delete();

  std::atomic<uint32_t> refs_{1};
  std::atomic<uint32_t> used_{0};
  const uint32_t capacity_;  // Slots.
};

}  // namespace raftpb

#endif  // RAFT_RAFTPB_ENTRY_CHUNK_H_
