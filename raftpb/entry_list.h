// A sequence of log entries that is shared, not copied, by everybody who holds a part of it.
//
// An entry is written once, when the leader appends it or a message is decoded; the log, the
// messages to all peers, Ready, the storage and the state machine then hold EntryLists over the
// same memory. Taking a sub-list, dropping a prefix or a suffix, and concatenating cost time in
// the number of chunks, never of entries or bytes.
#ifndef RAFT_RAFTPB_ENTRY_LIST_H_
#define RAFT_RAFTPB_ENTRY_LIST_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <new>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "raftpb/entry.h"

namespace raftpb {

// A value: copies are cheap and independent of each other. Entries in it never change, and stay
// where they are in memory for as long as some list shows them.
//
// Memory: entries live in reference-counted chunks that grow with the list (from 1 entry to
// kMaxChunkEntries, or fewer once their payloads add up to kMaxChunkPayload bytes) and are freed
// when the last list that shows any of their entries goes. Holding one entry of a chunk therefore
// keeps its neighbours; Detached() makes a list that has none. A list that was emptied by
// DropFront or DropBack keeps its last chunk, to push into without allocating; Clear() does not.
//
// Threads: like any value, one list belongs to one thread at a time; but lists over the same
// chunks may be read, extended and dropped on different threads at the same time.
class EntryList {
 public:
  class const_iterator;
  using iterator = const_iterator;
  using value_type = Entry;

  static constexpr uint32_t kMaxChunkEntries = 256;
  static constexpr uint32_t kMaxChunkPayload = 64 * 1024;

  EntryList() = default;
  EntryList(std::initializer_list<Entry> entries);
  EntryList(const EntryList& other);
  EntryList(EntryList&& other) noexcept;
  EntryList& operator=(const EntryList& other);
  EntryList& operator=(EntryList&& other) noexcept;
  ~EntryList() { Clear(); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Require a position inside the list. Constant time while the list has one chunk, logarithmic
  // in the number of chunks otherwise.
  const Entry& operator[](size_t i) const;
  const Entry& front() const;
  const Entry& back() const;

  const_iterator begin() const;
  const_iterator end() const;

  // Appends one entry. Writes into the free end of the last chunk if nobody else has, so that
  // earlier copies of this list keep sharing it; else starts a new chunk.
  void PushBack(Entry entry) { new (ClaimBack(entry.data.size())) Entry(std::move(entry)); }

  // The same with the Entry that `make()` returns, which is built in its place. Its data will have
  // `data_size` bytes.
  template <typename Make>
  void EmplaceBack(size_t data_size, Make make) {
    new (ClaimBack(data_size)) Entry(make());
  }

  // Appends all of `other`, sharing its chunks.
  void Append(const EntryList& other);

  // If the next push has to start a chunk, that chunk gets room for `n` entries. For a list that
  // is filled once with a known number of entries, so that they share one chunk of that size.
  void Reserve(size_t n);

  // The entries [begin, end), shared. Requires begin <= end <= size().
  EntryList Slice(size_t begin, size_t end) const;

  void DropFront(size_t n);  // Requires n <= size().
  void DropBack(size_t n);   // Requires n <= size().
  void Clear();              // Also gives back the memory.

  // The same entries in chunks of their own, to outlive neighbours without pinning them. Payloads
  // are still shared.
  EntryList Detached() const;

  friend bool operator==(const EntryList& a, const EntryList& b);

 private:
  struct Chunk;

  // The part of a chunk that this list shows: slots [begin, end). `first` is the position of
  // slots[begin], counted from where the list once began: dropping entries at the front renumbers
  // nothing. Each piece holds one reference to its chunk.
  struct Piece {
    Chunk* chunk;
    uint32_t begin;
    uint32_t end;
    size_t first;

    size_t size() const { return end - begin; }
  };

  const Piece& PieceAt(size_t position) const;
  Entry* ClaimBack(size_t data_size);
  void AddPiece(Chunk* chunk, uint32_t begin, uint32_t end);
  void Drain();
  void ExpectMoreThan(uint32_t entries);
  void ReleaseBefore(size_t kept);

  // Pieces [head_, size) are the list, none of them empty; except that a list without entries may
  // keep one empty piece, whose chunk has room. Those before head_ are gone, and leave the vector
  // in bulk.
  absl::InlinedVector<Piece, 1> pieces_;
  size_t size_ = 0;
  uint32_t head_ = 0;
  uint32_t next_capacity_ = 1;  // Of the next chunk that this list starts, at least.
};

// A block of entries. Slots [0, used) are constructed, and do not change as long as anybody else
// can see them; the list that moves `used` from its own end claims the next slot.
struct alignas(Entry) EntryList::Chunk {
  std::atomic<uint32_t> refs{1};
  std::atomic<uint32_t> used{0};
  std::atomic<uint32_t> payload{0};  // Bytes of the entries in use; stays at its maximum.
  const uint32_t capacity;           // Slots.

  explicit Chunk(uint32_t room) : capacity(room) {}
  static Chunk* New(uint32_t capacity);

  Entry* slots() { return reinterpret_cast<Entry*>(this + 1); }
  bool IsUnique() const { return refs.load(std::memory_order_acquire) == 1; }
  void Ref() { refs.fetch_add(1, std::memory_order_relaxed); }
  void Unref();

  // Whether an entry can be put into a slot: the next one, and not too many bytes before it.
  bool HasRoomAt(uint32_t slot) const;
  // Takes a slot to construct an entry in, if there is room and nobody else has taken it.
  bool TryClaim(uint32_t slot, size_t data_size);
  void AddPayload(size_t bytes);
  // Destroys the entries from `slot` on. Only for the one who holds the last reference.
  void Truncate(uint32_t slot);
};

class EntryList::const_iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = Entry;
  using difference_type = std::ptrdiff_t;
  using pointer = const Entry*;
  using reference = const Entry&;

  const_iterator() = default;

  reference operator*() const { return *entry_; }
  pointer operator->() const { return entry_; }
  const_iterator& operator++() {
    if (++entry_ == stop_) Enter(piece_ + 1);
    return *this;
  }
  const_iterator operator++(int) {
    const_iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const const_iterator& a, const const_iterator& b) {
    return a.entry_ == b.entry_ && a.piece_ == b.piece_;
  }

 private:
  friend class EntryList;
  const_iterator(const Piece* piece, const Piece* last) : last_(last) { Enter(piece); }

  void Enter(const Piece* piece) {
    piece_ = piece;
    entry_ = piece == last_ ? nullptr : piece->chunk->slots() + piece->begin;
    stop_ = piece == last_ ? nullptr : piece->chunk->slots() + piece->end;
  }

  const Entry* entry_ = nullptr;
  const Entry* stop_ = nullptr;  // Where the piece ends.
  const Piece* piece_ = nullptr;
  const Piece* last_ = nullptr;
};

inline EntryList::const_iterator EntryList::begin() const {
  const Piece* last = pieces_.data() + pieces_.size();
  return {empty() ? last : pieces_.data() + head_, last};
}

inline EntryList::const_iterator EntryList::end() const {
  const Piece* last = pieces_.data() + pieces_.size();
  return {last, last};
}

inline const Entry& EntryList::front() const {
  const Piece& first = pieces_[head_];
  return first.chunk->slots()[first.begin];
}

inline const Entry& EntryList::back() const {
  const Piece& last = pieces_.back();
  return last.chunk->slots()[last.end - 1];
}

inline const Entry& EntryList::operator[](size_t i) const {
  const size_t position = pieces_[head_].first + i;
  const Piece& piece = PieceAt(position);
  return piece.chunk->slots()[piece.begin + (position - piece.first)];
}

}  // namespace raftpb

#endif  // RAFT_RAFTPB_ENTRY_LIST_H_
