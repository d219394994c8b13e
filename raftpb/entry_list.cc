#include "raftpb/entry_list.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <memory>
#include <new>
#include <utility>

namespace raftpb {

// --- Chunk -----------------------------------------------------------------------------------

EntryList::Chunk* EntryList::Chunk::New(uint32_t capacity) {
  void* memory = ::operator new (sizeof(Chunk) + size_t{capacity} * sizeof(Entry));
  return new (memory) Chunk(capacity);
}

void EntryList::Chunk::Unref() {
  if (refs.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  std::destroy_n(slots(), used.load(std::memory_order_relaxed));
  this->~Chunk();
  ::operator delete(this);
}

// The order of memory operations: a slot is read only through a list that has it inside a piece,
// and such lists come from the one that claimed it, by whatever means hands a list from thread to
// thread. So claiming needs atomicity only, and not even that for the only one who could. The last
// reference is dropped after all that, which Unref and IsUnique see by their acquire.
bool EntryList::Chunk::TryClaim(uint32_t slot, size_t data_size) {
  if (IsUnique()) {
    Truncate(slot);
    if (!HasRoomAt(slot)) return false;
    used.store(slot + 1, std::memory_order_relaxed);
  } else {
    if (!HasRoomAt(slot)) return false;
    uint32_t expected = slot;
    if (!used.compare_exchange_strong(expected, slot + 1, std::memory_order_relaxed)) return false;
  }
  AddPayload(data_size);
  return true;
}

bool EntryList::Chunk::HasRoomAt(uint32_t slot) const {
  return slot < capacity && used.load(std::memory_order_relaxed) == slot &&
         payload.load(std::memory_order_relaxed) < kMaxChunkPayload;
}

// Only the owner of the newest slot gets here: no two at a time.
void EntryList::Chunk::AddPayload(size_t bytes) {
  const size_t sum = payload.load(std::memory_order_relaxed) + bytes;
  payload.store(std::min<size_t>(sum, kMaxChunkPayload), std::memory_order_relaxed);
}

void EntryList::Chunk::Truncate(uint32_t slot) {
  const uint32_t end = used.load(std::memory_order_relaxed);
  if (slot == end) return;
  std::destroy(slots() + slot, slots() + end);
  used.store(slot, std::memory_order_relaxed);
  payload.store(0, std::memory_order_relaxed);
  for (uint32_t i = 0; i < slot; ++i) AddPayload(slots()[i].data.size());
}

// --- Construction ----------------------------------------------------------------------------

EntryList::EntryList(std::initializer_list<Entry> entries) {
  Reserve(entries.size());
  for (const Entry& entry : entries) PushBack(entry);
}

EntryList::EntryList(const EntryList& other) : size_(other.size_) {
  if (other.empty()) return;
  pieces_.assign(other.pieces_.begin() + other.head_, other.pieces_.end());
  for (const Piece& piece : pieces_) piece.chunk->Ref();
}

EntryList::EntryList(EntryList&& other) noexcept
    : pieces_(std::move(other.pieces_)),
      size_(std::exchange(other.size_, 0)),
      head_(std::exchange(other.head_, 0)),
      next_capacity_(std::exchange(other.next_capacity_, 1)) {
  other.pieces_.clear();
}

EntryList& EntryList::operator=(const EntryList& other) {
  if (this != &other) {
    EntryList copy(other);
    *this = std::move(copy);
  }
  return *this;
}

EntryList& EntryList::operator=(EntryList&& other) noexcept {
  if (this != &other) {
    Clear();
    pieces_ = std::move(other.pieces_);
    other.pieces_.clear();
    size_ = std::exchange(other.size_, 0);
    head_ = std::exchange(other.head_, 0);
    next_capacity_ = std::exchange(other.next_capacity_, 1);
  }
  return *this;
}

// --- Growing ---------------------------------------------------------------------------------

// A slot at the end, that counts as part of the list from now on.
Entry* EntryList::ClaimBack(size_t data_size) {
  if (!pieces_.empty()) {
    Piece& last = pieces_.back();
    if (last.chunk->TryClaim(last.end, data_size)) {
      ++size_;
      return last.chunk->slots() + last.end++;
    }
    ExpectMoreThan(last.end);
    if (empty()) ReleaseBefore(pieces_.size());
  }
  Chunk* chunk = Chunk::New(std::exchange(next_capacity_, 1));
  chunk->TryClaim(0, data_size);
  AddPiece(chunk, 0, 1);
  chunk->Unref();
  return chunk->slots();
}

// A chunk that took this many entries will not take more: the next may be twice as large.
void EntryList::ExpectMoreThan(uint32_t entries) {
  next_capacity_ = std::max(next_capacity_, std::clamp(2 * entries, 1u, kMaxChunkEntries));
}

void EntryList::Reserve(size_t n) {
  constexpr size_t kMost = std::numeric_limits<uint32_t>::max() / sizeof(Entry);
  n = std::clamp<size_t>(n, 1, kMost);
  if (empty() && !pieces_.empty()) {
    const Piece& kept = pieces_.back();
    if (kept.chunk->capacity - kept.end < n) Clear();
  }
  next_capacity_ = std::max(next_capacity_, static_cast<uint32_t>(n));
}

void EntryList::Append(const EntryList& other) {
  if (other.empty()) return;
  if (empty()) ReleaseBefore(pieces_.size());
  // By position: `other` may be this list, whose vector grows meanwhile.
  const size_t stop = other.pieces_.size();
  for (size_t i = other.head_; i < stop; ++i) {
    const Piece piece = other.pieces_[i];
    AddPiece(piece.chunk, piece.begin, piece.end);
  }
}

// Adds a piece that is not empty, and a reference for it. A piece that continues the last one
// becomes part of it, so that a list put together from neighbouring slices is as short as the
// one they came from.
void EntryList::AddPiece(Chunk* chunk, uint32_t begin, uint32_t end) {
  size_ += end - begin;
  if (pieces_.size() > head_) {
    Piece& last = pieces_.back();
    if (last.chunk == chunk && last.end == begin) {
      last.end = end;
      return;
    }
    const size_t first = last.first + (last.end - last.begin);
    pieces_.push_back({chunk, begin, end, first});
  } else {
    pieces_.push_back({chunk, begin, end, 0});
  }
  chunk->Ref();
}

// --- Taking parts ----------------------------------------------------------------------------

const EntryList::Piece& EntryList::PieceAt(size_t position) const {
  const Piece& last = pieces_.back();
  if (position >= last.first) return last;
  const auto after = std::upper_bound(pieces_.begin() + head_, pieces_.end(), position,
                                      [](size_t p, const Piece& piece) { return p < piece.first; });
  return *(after - 1);
}

EntryList EntryList::Slice(size_t begin, size_t end) const {
  assert(begin <= end && end <= size_);
  EntryList slice;
  if (begin == end) return slice;
  const size_t base = pieces_[head_].first;
  const Piece* piece = &PieceAt(base + begin);
  const Piece* last = &PieceAt(base + end - 1);
  slice.pieces_.reserve(last - piece + 1);
  for (; piece <= last; ++piece) {
    // The part of the piece that is inside, as offsets from its first slot.
    const size_t from = std::max(base + begin, piece->first) - piece->first;
    const size_t to = std::min<size_t>(base + end - piece->first, piece->end - piece->begin);
    slice.AddPiece(piece->chunk, piece->begin + static_cast<uint32_t>(from),
                   piece->begin + static_cast<uint32_t>(to));
  }
  return slice;
}

void EntryList::DropFront(size_t n) {
  assert(n <= size_);
  if (n == size_) return Drain();
  size_ -= n;
  size_t gone = head_;
  for (; n >= pieces_[gone].size(); ++gone) n -= pieces_[gone].size();
  pieces_[gone].begin += static_cast<uint32_t>(n);
  pieces_[gone].first += n;
  ReleaseBefore(gone);
}

void EntryList::DropBack(size_t n) {
  assert(n <= size_);
  if (n == size_) return Drain();
  size_ -= n;
  for (; n >= pieces_.back().size(); pieces_.pop_back()) {
    n -= pieces_.back().size();
    pieces_.back().chunk->Unref();
  }
  pieces_.back().end -= static_cast<uint32_t>(n);
}

void EntryList::Clear() {
  for (size_t i = head_; i < pieces_.size(); ++i) pieces_[i].chunk->Unref();
  pieces_.clear();
  pieces_.shrink_to_fit();
  size_ = 0;
  head_ = 0;
  next_capacity_ = 1;
}

// Drops all entries, and keeps the last chunk if more can be put into it: a list that empties
// and fills in turn, like a log that is soon stable, then allocates once per chunk, not per turn.
void EntryList::Drain() {
  size_ = 0;
  if (pieces_.empty()) return;
  ReleaseBefore(pieces_.size() - 1);
  Piece& last = pieces_.back();
  if (last.chunk->IsUnique() && last.chunk->capacity <= kMaxChunkEntries) {
    last.chunk->Truncate(0);
    last.begin = last.end = 0;
  } else if (last.chunk->HasRoomAt(last.end)) {
    last.begin = last.end;
  } else {
    ExpectMoreThan(last.end);
    ReleaseBefore(pieces_.size());
  }
}

// Gives up the pieces before position `kept` of the vector. They leave the vector once they are
// half of it: amortised, dropping a piece does not move the others.
void EntryList::ReleaseBefore(size_t kept) {
  for (; head_ < kept; ++head_) pieces_[head_].chunk->Unref();
  if (2 * size_t{head_} < pieces_.size()) return;
  pieces_.erase(pieces_.begin(), pieces_.begin() + head_);
  head_ = 0;
}

EntryList EntryList::Detached() const {
  EntryList own;
  own.Reserve(size_);
  for (const Entry& entry : *this) own.PushBack(entry);
  return own;
}

bool operator==(const EntryList& a, const EntryList& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

}  // namespace raftpb
