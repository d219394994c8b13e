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
#include <utility>

#include "absl/container/inlined_vector.h"
#include "raftpb/entry.h"

namespace raftpb {

// A value: copies are cheap and independent of each other. Entries in it never change.
//
// Memory: entries live in reference-counted chunks that grow with the list (from 1 entry to 256)
// and are freed when the last list that shows any of their entries goes. Holding one entry of a
// chunk therefore keeps its neighbours; Detached() makes a list that shares nothing.
//
// Threads: like any value, one list belongs to one thread at a time; but lists over the same
// chunks may be read, extended and dropped on different threads at the same time.
class EntryList {
 public:
  class const_iterator;
  using value_type = Entry;

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
  const Entry& front() const { return pieces_.front().chunk->slots()[pieces_.front().begin]; }
  const Entry& back() const { return pieces_.back().chunk->slots()[pieces_.back().end - 1]; }

  const_iterator begin() const;
  const_iterator end() const;

  // Appends one entry. Writes into the free end of the last chunk if nobody else has, so that
  // earlier copies of this list keep sharing it; else starts a new chunk.
  void PushBack(Entry entry);

  // Appends all of `other`, sharing its chunks.
  void Append(const EntryList& other);

  // Makes room so that the next `n` entries pushed share one chunk.
  void Reserve(size_t n);

  // The entries [begin, end), shared. Requires begin <= end <= size().
  EntryList Slice(size_t begin, size_t end) const;

  void DropFront(size_t n);  // Requires n <= size().
  void DropBack(size_t n);   // Requires n <= size().
  void Clear();

  // The same entries in one chunk of their own, to outlive neighbours without pinning them.
  EntryList Detached() const;

  friend bool operator==(const EntryList& a, const EntryList& b);

 private:
  // A block of entries. Slots [0, used) are constructed and never change again; the list that
  // moves `used` from its own end claims the next slot.
  struct Chunk {
    std::atomic<uint32_t> refs;
    std::atomic<uint32_t> used;
    uint32_t capacity;

    Entry* slots() { return reinterpret_cast<Entry*>(this + 1); }
    static Chunk* New(uint32_t capacity);
    void Ref() { refs.fetch_add(1, std::memory_order_relaxed); }
    void Unref();
  };

  // The part of a chunk that this list shows: slots [begin, end). `first` is the position of
  // slots[begin], counted from where the list once began, so that DropFront touches one piece.
  struct Piece {
    Chunk* chunk;
    uint32_t begin;
    uint32_t end;
    size_t first;
  };

  const Piece& PieceAt(size_t position) const;

  absl::InlinedVector<Piece, 1> pieces_;
  size_t base_ = 0;  // Position of the first entry, in the count of Piece::first.
  size_t size_ = 0;
};

class EntryList::const_iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = Entry;
  using difference_type = std::ptrdiff_t;
  using pointer = const Entry*;
  using reference = const Entry&;

  const_iterator() = default;

  reference operator*() const { return piece_->chunk->slots()[slot_]; }
  pointer operator->() const { return &**this; }
  const_iterator& operator++() {
    if (++slot_ == piece_->end) {
      ++piece_;
      slot_ = piece_ == last_ ? 0 : piece_->begin;
    }
    return *this;
  }
  const_iterator operator++(int) {
    const_iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const const_iterator& a, const const_iterator& b) {
    return a.piece_ == b.piece_ && a.slot_ == b.slot_;
  }

 private:
  friend class EntryList;
  const_iterator(const Piece* piece, const Piece* last, uint32_t slot)
      : piece_(piece), last_(last), slot_(slot) {}

  const Piece* piece_ = nullptr;
  const Piece* last_ = nullptr;
  uint32_t slot_ = 0;
};

inline EntryList::const_iterator EntryList::begin() const {
  const Piece* first = pieces_.data();
  return {first, first + pieces_.size(), pieces_.empty() ? 0 : first->begin};
}

inline EntryList::const_iterator EntryList::end() const {
  const Piece* last = pieces_.data() + pieces_.size();
  return {last, last, 0};
}

}  // namespace raftpb

#endif  // RAFT_RAFTPB_ENTRY_LIST_H_
