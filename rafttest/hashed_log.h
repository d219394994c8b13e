// A log reduced to what the checkers need: for each index the term, and one number for everything
// up to it.
#ifndef RAFT_RAFTTEST_HASHED_LOG_H_
#define RAFT_RAFTTEST_HASHED_LOG_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "raft/types.h"
#include "raftpb/entry_list.h"
#include "rafttest/random.h"

namespace rafttest {

// The hash of a log that ended with `before` and goes on with `entry`. Equal hashes at an index
// mean equal logs up to it.
uint64_t HashBytes(uint64_t before, absl::string_view bytes);
uint64_t HashEntry(uint64_t before, const raftpb::Entry& entry);

// Comparing two logs up to an index takes constant time (Log Matching, §3.5, made checkable).
class HashedLog {
 public:
  struct Position {
    raft::Term term = 0;
    uint64_t hash = 0;
    bool conf_change = false;

    friend bool operator==(const Position&, const Position&) = default;
  };

  raft::Index first() const { return base_ + 1; }
  raft::Index last() const { return base_ + positions_.size(); }
  // Whether the position is known: the base, or an index behind it.
  bool Has(raft::Index index) const { return index >= base_ && index <= last(); }
  // Requires Has(index).
  const Position& At(raft::Index index) const {
    return index == base_ ? base_position_ : positions_[index - base_ - 1];
  }

  // Replaces what stands at the first new index and behind it. Requires no gap.
  void Append(const raftpb::EntryList& entries);
  // Takes over what another log, which equals this one as far as this one goes, has up to `to`.
  void Extend(const HashedLog& other, raft::Index to) {
    for (raft::Index index = last() + 1; index <= to; ++index)
      positions_.push_back(other.At(index));
  }
  // Starts again behind a snapshot.
  void Restore(raft::Index index, Position position) {
    base_ = index;
    base_position_ = position;
    positions_.clear();
  }
  // Forgets what is before `index`, which becomes the base. Requires Has(index).
  void Compact(raft::Index index) {
    const Position base = At(index);
    positions_.erase(positions_.begin(),
                     positions_.begin() + static_cast<ptrdiff_t>(index - base_));
    base_ = index;
    base_position_ = base;
  }

 private:
  raft::Index base_ = 0;
  Position base_position_;
  std::vector<Position> positions_;  // base_+1, ..
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_HASHED_LOG_H_
