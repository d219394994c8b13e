#include "raftpb/entry_list.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <memory>
#include <utility>

namespace raftpb {

// --- The pieces before the last --------------------------------------------------------------

EntryList::Pieces::Pieces(const Pieces& other)
    : placed_(other.placed_.begin() + other.head_, other.placed_.end()),
      begin_(other.begin_),
      end_(other.end_) {
  for (const Placed& placed : placed_) placed.piece.chunk->Ref();
}

void EntryList::Pieces::PushBack(Piece piece) {
  placed_.push_back({piece, end_});
  end_ += piece.size();
}

EntryList::Piece EntryList::Pieces::PopBack() {
  const Piece piece = placed_.back().piece;
  placed_.pop_back();
  end_ -= piece.size();
  return piece;
}

// Pieces leave the vector once those that are gone are half of it: amortised, dropping a piece does
// not move the others.
void EntryList::Pieces::DropFront(size_t n) {
  begin_ += n;
  while (head_ < placed_.size() && placed_[head_].first + placed_[head_].piece.size() <= begin_) {
    placed_[head_++].piece.chunk->Unref();
  }
  if (head_ < placed_.size()) {
    Placed& first = placed_[head_];
    first.piece.begin += static_cast<uint32_t>(begin_ - first.first);
    first.first = begin_;
  }
  if (2 * head_ < placed_.size()) return;
  placed_.erase(placed_.begin(), placed_.begin() + head_);
  head_ = 0;
}

EntryList::Pieces::Place EntryList::Pieces::Find(size_t i) const {
  const auto after = std::upper_bound(placed_.begin() + head_, placed_.end(), begin_ + i,
                                      [](size_t at, const Placed& p) { return at < p.first; });
  const auto found = after - 1;
  return {static_cast<size_t>(found - placed_.begin()) - head_, found->first - begin_};
}

// --- Construction ----------------------------------------------------------------------------

EntryList::EntryList(std::initializer_list<Entry> entries) {
  Reserve(entries.size());
  for (const Entry& entry : entries) PushBack(entry);
}

void EntryList::CopyEarlier(const EntryList& other) {
  if (!other.earlier_->empty()) earlier_ = new Pieces(*other.earlier_);
}

EntryList& EntryList::operator=(const EntryList& other) {
  if (this != &other) *this = EntryList(other);
  return *this;
}

// --- Growing ---------------------------------------------------------------------------------

// Begins a new tail, and claims its first slot.
void EntryList::StartChunk() {
  if (tail_.chunk != nullptr) {
    ExpectMoreThan(tail_.end);
    AddPiece({});
  }
  tail_.chunk = EntryChunk::New(std::exchange(next_capacity_, 1));
  tail_.chunk->TryClaim(0);
}

void EntryList::DeleteEarlier() { delete std::exchange(earlier_, nullptr); }

// A chunk that took this many entries will not take more: the next may be twice as large.
void EntryList::ExpectMoreThan(uint32_t entries) {
  next_capacity_ = std::max(next_capacity_, std::clamp(2 * entries, 1u, kMaxChunkEntries));
}

void EntryList::Reserve(size_t n) {
  constexpr size_t kMost = std::numeric_limits<uint32_t>::max() / sizeof(EntryChunk::Slot);
  n = std::clamp<size_t>(n, 1, kMost);
  if (empty() && tail_.chunk != nullptr && tail_.chunk->capacity() - tail_.end < n) Clear();
  next_capacity_ = std::max(next_capacity_, static_cast<uint32_t>(n));
}

// `other` may be this list: what is to be appended is the pieces that it has now.
void EntryList::AppendPieces(const EntryList& other) {
  if (other.empty()) return;
  const Piece last = other.tail_;
  const size_t count = other.earlier_ == nullptr ? 0 : other.earlier_->count();
  for (size_t i = 0; i < count; ++i) {
    const Piece piece = (*other.earlier_)[i];
    piece.chunk->Ref();
    AddPiece(piece);
  }
  last.chunk->Ref();
  AddPiece(last);
}

// Makes a piece the tail, and takes over its reference. If it continues the last one it becomes
// part of it, so that a list put together from neighbouring slices is as short as the one they came
// from.
void EntryList::AddPiece(Piece piece) {
  if (piece.Continues(tail_)) {
    tail_.end = piece.end;
    piece.chunk->Unref();
    return;
  }
  if (!empty()) {
    if (earlier_ == nullptr) earlier_ = new Pieces();
    earlier_->PushBack(tail_);
  } else if (tail_.chunk != nullptr) {
    tail_.chunk->Unref();
  }
  tail_ = piece;
}

// --- Looking ---------------------------------------------------------------------------------

template <typename Visit>
void EntryList::VisitPieces(size_t begin, size_t end, Visit visit) const {
  const size_t before_tail = SizeBeforeTail();
  if (begin < before_tail) {
    auto [i, before] = earlier_->Find(begin);
    for (; before < std::min(end, before_tail); ++i) {
      Piece piece = (*earlier_)[i];
      const size_t next = before + piece.size();
      if (end < next) piece.end -= static_cast<uint32_t>(next - end);
      if (begin > before) piece.begin += static_cast<uint32_t>(begin - before);
      if (!visit(piece)) return;
      before = next;
    }
  }
  if (end <= before_tail || begin == end) return;
  Piece piece = tail_;
  piece.end = piece.begin + static_cast<uint32_t>(end - before_tail);
  piece.begin += static_cast<uint32_t>(std::max(begin, before_tail) - before_tail);
  visit(piece);
}

uint64_t EntryList::EncodedSizeOfPieces(size_t begin, size_t end) const {
  uint64_t sum = 0;
  VisitPieces(begin, end, [&sum](const Piece& piece) {
    sum += piece.chunk->EncodedSizeOf(piece.begin, piece.end);
    return true;
  });
  return sum;
}

uint64_t EntryList::PayloadSizeOfPieces() const {
  uint64_t sum = 0;
  VisitPieces(0, size(), [&sum](const Piece& piece) {
    sum += piece.chunk->PayloadSizeOf(piece.begin, piece.end);
    return true;
  });
  return sum;
}

size_t EntryList::CountInPieces(size_t begin, size_t end, uint64_t encoded_size) const {
  if (encoded_size == std::numeric_limits<uint64_t>::max()) return end - begin;
  size_t count = 0;
  VisitPieces(begin, end, [&](const Piece& piece) {
    const auto size_up_to = [&piece](uint32_t slot) {
      return piece.chunk->EncodedSizeOf(piece.begin, slot);
    };
    if (const uint64_t whole = size_up_to(piece.end); whole <= encoded_size) {
      encoded_size -= whole;
      count += piece.size();
      return true;
    }
    uint32_t within = piece.begin;
    uint32_t beyond = piece.end;
    while (beyond - within > 1) {
      const uint32_t middle = within + (beyond - within) / 2;
      (size_up_to(middle) <= encoded_size ? within : beyond) = middle;
    }
    count += within - piece.begin;
    return false;
  });
  return count;
}

// --- Taking parts ----------------------------------------------------------------------------

EntryList EntryList::SliceOfPieces(size_t begin, size_t end) const {
  assert(begin <= end && end <= size());
  EntryList slice;
  VisitPieces(begin, end, [&slice](const Piece& piece) {
    piece.chunk->Ref();
    slice.AddPiece(piece);
    return true;
  });
  return slice;
}

void EntryList::DropFront(size_t n) {
  assert(n <= size());
  const size_t before_tail = SizeBeforeTail();
  if (n == before_tail + tail_.size()) return Drain();
  if (before_tail > 0) earlier_->DropFront(std::min(n, before_tail));
  if (n > before_tail) tail_.begin += static_cast<uint32_t>(n - before_tail);
}

void EntryList::DropSomeBack(size_t n) {
  assert(n <= size());
  if (n == size()) return Drain();
  for (; n >= tail_.size(); tail_ = earlier_->PopBack()) {
    n -= tail_.size();
    tail_.chunk->Unref();
  }
  tail_.end -= static_cast<uint32_t>(n);
}

// Drops all entries, and keeps the last chunk if more can be put into it: a list that empties
// and fills in turn, like a log that is soon stable, then allocates once per chunk, not per turn.
void EntryList::Drain() {
  if (tail_.chunk == nullptr) return;
  if (earlier_ != nullptr) earlier_->DropFront(earlier_->size());
  if (tail_.chunk->IsUnique() && tail_.chunk->capacity() <= kMaxChunkEntries) {
    tail_.chunk->Truncate(0);
    tail_.begin = tail_.end = 0;
  } else if (tail_.chunk->HasRoomAt(tail_.end)) {
    tail_.begin = tail_.end;
  } else {
    ExpectMoreThan(tail_.end);
    std::exchange(tail_, {}).chunk->Unref();
  }
}

EntryList EntryList::Detached() const {
  EntryList own;
  own.Reserve(size());
  for (const Entry& entry : *this) own.PushBack(entry);
  return own;
}

bool operator==(const EntryList& a, const EntryList& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

}  // namespace raftpb
