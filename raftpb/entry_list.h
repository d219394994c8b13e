// A sequence of log entries that is shared, not copied, by everybody who holds a part of it.
//
// An entry is written once, when the leader appends it or a message is decoded; the log, the
// messages to all peers, Ready, the storage and the state machine then hold EntryLists over the
// same memory. Taking a sub-list, dropping a prefix or a suffix, and concatenating cost time in
// the number of chunks, never of entries or bytes.
#ifndef RAFT_RAFTPB_ENTRY_LIST_H_
#define RAFT_RAFTPB_ENTRY_LIST_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <new>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "raftpb/entry.h"
#include "raftpb/entry_chunk.h"

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
  static constexpr uint32_t kMaxChunkPayload = EntryChunk::kMaxPayload;

  EntryList() = default;
  EntryList(std::initializer_list<Entry> entries);
  EntryList(const EntryList& other) {
    if (other.empty()) return;
    tail_ = other.tail_;
    tail_.chunk->Ref();
    if (other.earlier_ != nullptr) CopyEarlier(other);
  }
  EntryList(EntryList&& other) noexcept
      : earlier_(std::exchange(other.earlier_, nullptr)),
        tail_(std::exchange(other.tail_, {})),
        next_capacity_(std::exchange(other.next_capacity_, 1)) {}
  EntryList& operator=(const EntryList& other);
  EntryList& operator=(EntryList&& other) noexcept {
    if (this == &other) return *this;
    Clear();
    earlier_ = std::exchange(other.earlier_, nullptr);
    tail_ = std::exchange(other.tail_, {});
    next_capacity_ = std::exchange(other.next_capacity_, 1);
    return *this;
  }
  ~EntryList() { Clear(); }

  size_t size() const { return tail_.size() + (earlier_ == nullptr ? 0 : earlier_->size()); }
  bool empty() const { return tail_.size() == 0; }

  // Require a position inside the list. Constant time in its last chunk, logarithmic in the number
  // of chunks otherwise.
  const Entry& operator[](size_t i) const;
  const Entry& front() const;
  const Entry& back() const { return tail_.chunk->slots()[tail_.end - 1].entry; }

  const_iterator begin() const;
  const_iterator end() const;

  // Sums over the entries [begin, end), or all, and how many of them are within a sum, counted from
  // the first. Cost time in the number of chunks, never of entries.
  uint64_t EncodedSize() const { return EncodedSize(0, size()); }
  uint64_t EncodedSize(size_t begin, size_t end) const;
  uint64_t PayloadSize() const;
  size_t CountWithin(size_t begin, size_t end, uint64_t encoded_size) const;

  // Appends one entry. Writes into the free end of the last chunk if nobody else has, so that
  // earlier copies of this list keep sharing it; else starts a new chunk.
  void PushBack(Entry&& entry) {
    EmplaceBack([&entry]() -> Entry&& { return std::move(entry); });
  }
  void PushBack(const Entry& entry) {
    EmplaceBack([&entry]() -> const Entry& { return entry; });
  }

  // The same with the Entry that `make()` returns, which is built in its place.
  template <typename Make>
  void EmplaceBack(Make make) {
    if (tail_.chunk == nullptr || !tail_.chunk->TryClaim(tail_.end)) StartChunk();
    tail_.chunk->Fill(tail_.end++, make);
  }

  // Appends all of `other`, sharing its chunks.
  void Append(const EntryList& other) {
    if (other.earlier_ == nullptr && other.tail_.Continues(tail_)) {
      tail_.end = other.tail_.end;
    } else {
      AppendPieces(other);
    }
  }

  // If the next push has to start a chunk, that chunk gets room for `n` entries. For a list that
  // is filled once with a known number of entries, so that they share one chunk of that size.
  void Reserve(size_t n);

  // The entries [begin, end), shared. Requires begin <= end <= size().
  EntryList Slice(size_t begin, size_t end) const;

  void DropFront(size_t n);  // Requires n <= size().
  void DropBack(size_t n) {  // Requires n <= size().
    if (n > 0) DropSomeBack(n);
  }
  void Clear() {  // Also gives back the memory.
    if (tail_.chunk != nullptr) std::exchange(tail_, {}).chunk->Unref();
    if (earlier_ != nullptr) DeleteEarlier();
    next_capacity_ = 1;
  }

  // The same entries in chunks of their own, to outlive neighbours without pinning them. Payloads
  // are still shared.
  EntryList Detached() const;

  friend bool operator==(const EntryList& a, const EntryList& b);

 private:
  // The part of a chunk that this list shows: slots [begin, end). Holds one reference.
  struct Piece {
    EntryChunk* chunk = nullptr;
    uint32_t begin = 0;
    uint32_t end = 0;

    size_t size() const { return end - begin; }
    const Entry& operator[](size_t i) const { return chunk->slots()[begin + i].entry; }
    // Whether this piece begins where another one ends.
    bool Continues(const Piece& other) const {
      return chunk != nullptr && chunk == other.chunk && begin == other.end;
    }
  };

  // The pieces before the last one. A list that was never longer than a chunk has none.
  class Pieces {
   public:
    Pieces() = default;
    Pieces(const Pieces& other);
    Pieces& operator=(const Pieces&) = delete;
    ~Pieces() { DropFront(size()); }

    size_t size() const { return end_ - begin_; }  // Entries.
    bool empty() const { return size() == 0; }
    size_t count() const { return placed_.size() - head_; }  // Pieces.
    const Piece& operator[](size_t i) const { return placed_[head_ + i].piece; }

    void PushBack(Piece piece);  // Takes over its reference.
    Piece PopBack();             // Gives the reference away.
    void DropFront(size_t n);    // Requires n <= size().

    // Which piece has the i-th entry, and how many entries stand before that piece.
    struct Place {
      size_t piece;
      size_t before;
    };
    Place Find(size_t i) const;

   private:
    // `first` is the position of the piece's first entry, counted from where the list once began:
    // dropping entries at the front renumbers nothing.
    struct Placed {
      Piece piece;
      size_t first;
    };
    // Those before head_ are gone, and leave the vector in bulk.
    absl::InlinedVector<Placed, 2> placed_;
    size_t head_ = 0;
    size_t begin_ = 0;  // The position of the first entry, and
    size_t end_ = 0;    // of the one behind the last.
  };

  void StartChunk();
  void DeleteEarlier();
  void CopyEarlier(const EntryList& other);
  void ExpectMoreThan(uint32_t entries);
  // The part [begin, end) of the tail, if all of that lies there.
  bool IsInTail(size_t begin, size_t end) const { return begin >= SizeBeforeTail() && begin < end; }
  Piece PartOfTail(size_t begin, size_t end) const {
    const size_t before = SizeBeforeTail();
    return {tail_.chunk, tail_.begin + static_cast<uint32_t>(begin - before),
            tail_.begin + static_cast<uint32_t>(end - before)};
  }
  size_t SizeBeforeTail() const { return earlier_ == nullptr ? 0 : earlier_->size(); }
  void AppendPieces(const EntryList& other);
  void AddPiece(Piece piece);
  void DropSomeBack(size_t n);
  void Drain();
  // What the functions of the same names do when not all lies in the tail.
  EntryList SliceOfPieces(size_t begin, size_t end) const;
  uint64_t EncodedSizeOfPieces(size_t begin, size_t end) const;
  uint64_t PayloadSizeOfPieces() const;
  size_t CountInPieces(size_t begin, size_t end, uint64_t encoded_size) const;
  // Calls visit(piece) for the parts of pieces that make up [begin, end), until it returns false.
  template <typename Visit>
  void VisitPieces(size_t begin, size_t end, Visit visit) const;

  // The list is the earlier pieces and the tail. Either all of them have entries; or there are
  // none, and the tail may keep a chunk that has room.
  Pieces* earlier_ = nullptr;  // Owned. Nearly always null, and then no more than that test.
  Piece tail_;
  uint32_t next_capacity_ = 1;  // Of the next chunk that this list starts, at least.
};

class EntryList::const_iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = Entry;
  using difference_type = std::ptrdiff_t;
  using pointer = const Entry*;
  using reference = const Entry&;

  const_iterator() = default;

  reference operator*() const { return slot_->entry; }
  pointer operator->() const { return &slot_->entry; }
  const_iterator& operator++() {
    if (++slot_ == stop_) Enter(piece_ + 1);
    return *this;
  }
  const_iterator operator++(int) {
    const_iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const const_iterator& a, const const_iterator& b) {
    return a.slot_ == b.slot_ && a.piece_ == b.piece_;
  }

 private:
  friend class EntryList;
  // Pieces are counted from the last: 0 is the tail, -1 the one before it, 1 the end of the list.
  const_iterator(const EntryList* list, std::ptrdiff_t piece) : list_(list) { Enter(piece); }

  void Enter(std::ptrdiff_t number) {
    piece_ = number;
    if (number > 0) {
      slot_ = stop_ = nullptr;
      return;
    }
    const Piece& piece =
        number == 0 ? list_->tail_ : (*list_->earlier_)[list_->earlier_->count() + number];
    slot_ = piece.chunk->slots() + piece.begin;
    stop_ = piece.chunk->slots() + piece.end;
  }

  const EntryChunk::Slot* slot_ = nullptr;
  const EntryChunk::Slot* stop_ = nullptr;  // Where the piece ends.
  std::ptrdiff_t piece_ = 1;
  const EntryList* list_ = nullptr;
};

inline EntryList::const_iterator EntryList::begin() const {
  if (empty()) return end();
  return {this, earlier_ == nullptr ? 0 : -static_cast<std::ptrdiff_t>(earlier_->count())};
}

inline EntryList::const_iterator EntryList::end() const { return {this, 1}; }

inline const Entry& EntryList::front() const {
  return earlier_ == nullptr || earlier_->empty() ? tail_[0] : (*earlier_)[0][0];
}

inline const Entry& EntryList::operator[](size_t i) const {
  const size_t before = SizeBeforeTail();
  if (i >= before) return tail_[i - before];
  const Pieces::Place place = earlier_->Find(i);
  return (*earlier_)[place.piece][i - place.before];
}

inline EntryList EntryList::Slice(size_t begin, size_t end) const {
  if (!IsInTail(begin, end)) return SliceOfPieces(begin, end);
  EntryList slice;
  slice.tail_ = PartOfTail(begin, end);
  slice.tail_.chunk->Ref();
  return slice;
}

inline uint64_t EntryList::EncodedSize(size_t begin, size_t end) const {
  if (!IsInTail(begin, end)) return EncodedSizeOfPieces(begin, end);
  const Piece part = PartOfTail(begin, end);
  return part.chunk->EncodedSizeOf(part.begin, part.end);
}

inline uint64_t EntryList::PayloadSize() const {
  if (empty()) return 0;
  if (!IsInTail(0, size())) return PayloadSizeOfPieces();
  return tail_.chunk->PayloadSizeOf(tail_.begin, tail_.end);
}

inline size_t EntryList::CountWithin(size_t begin, size_t end, uint64_t encoded_size) const {
  if (IsInTail(begin, end) && EncodedSize(begin, end) <= encoded_size) return end - begin;
  return CountInPieces(begin, end, encoded_size);
}

}  // namespace raftpb

#endif  // RAFT_RAFTPB_ENTRY_LIST_H_
