// A block of entries that several lists share. Furniture of EntryList, which has the story.
#ifndef RAFT_RAFTPB_ENTRY_CHUNK_H_
#define RAFT_RAFTPB_ENTRY_CHUNK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "raftpb/entry.h"

namespace raftpb {

// Slots [0, used) hold entries, which do not change as long as anybody else can see them; the list
// that moves `used` from its own end claims the next slot. Each slot also knows how many bytes
// stand before it in the chunk, so that nobody has to visit entries to find out how large they are.
//
// The order of memory operations: a slot is read only through a list that has it inside a piece,
// and such lists come from the one that claimed it, by whatever means hands a list from thread to
// thread. So claiming needs atomicity only, and not even that for the only one who could. The last
// reference is dropped after all that, which Unref and IsUnique see by their acquire.
class alignas(Entry) EntryChunk {
 public:
  static constexpr uint32_t kMaxPayload =
      64 * 1024;  // Bytes; the entry that passes it is the last.

  struct Slot {
    union {
      Entry entry;  // Constructed by whoever claims the slot.
    };
    // Sums over the slots before this one. 32 bits suffice: of the payloads because of
    // kMaxPayload, of the rest because no more slots fit into a chunk.
    uint32_t encoded_before;
    uint32_t payload_before;

    Slot() {}
    ~Slot() {}
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

  // Takes a slot to construct an entry in, if there is room and nobody else has taken it. The
  // caller shows the slot before it, or has shown it.
  bool TryClaim(uint32_t slot) {
    if (IsUnique()) {
      if (used_.load(std::memory_order_relaxed) != slot) Truncate(slot);
      if (!NoteSizesAt(slot)) return false;
      used_.store(slot + 1, std::memory_order_relaxed);
      return true;
    }
    return TryClaimShared(slot);
  }
  // Whether an entry can be put into a slot: the next one, and not too many bytes before it.
  bool HasRoomAt(uint32_t slot);
  // Destroys the entries from `slot` on. Only for the one who holds the last reference.
  void Truncate(uint32_t slot);

  // EncodedSize and PayloadSize of the entries in the slots [begin, end), in constant time.
  uint64_t EncodedSize(uint32_t begin, uint32_t end) {
    if (begin == end) return 0;
    const Slot& last = slots()[end - 1];
    return last.encoded_before - slots()[begin].encoded_before + raftpb::EncodedSize(last.entry);
  }
  uint64_t PayloadSize(uint32_t begin, uint32_t end) {
    if (begin == end) return 0;
    const Slot& last = slots()[end - 1];
    return last.payload_before - slots()[begin].payload_before + raftpb::PayloadSize(last.entry);
  }

 private:
  explicit EntryChunk(uint32_t capacity) : capacity_(capacity) {}

  // Sums up what stands before a slot. False if there is no room for another entry.
  bool NoteSizesAt(uint32_t slot) {
    if (slot >= capacity_) return false;
    Slot& next = slots()[slot];
    if (slot == 0) {
      next.encoded_before = next.payload_before = 0;
      return true;
    }
    const uint64_t payload = PayloadSize(0, slot);
    if (payload >= kMaxPayload) return false;
    next.payload_before = static_cast<uint32_t>(payload);
    next.encoded_before = static_cast<uint32_t>(EncodedSize(0, slot));
    return true;
  }
  bool TryClaimShared(uint32_t slot);
  void Delete();

  std::atomic<uint32_t> refs_{1};
  std::atomic<uint32_t> used_{0};
  const uint32_t capacity_;  // Slots.
};

}  // namespace raftpb

#endif  // RAFT_RAFTPB_ENTRY_CHUNK_H_
