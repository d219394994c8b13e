#include "raft/log/unstable.h"

#include <algorithm>
#include <utility>

#include "raft/check.h"

namespace raft::log {

absl::optional<Index> Unstable::LastIndex() const {
  if (!entries_.empty()) return end() - 1;
  if (snapshot_ != nullptr) return snapshot_->metadata.index;
  return absl::nullopt;
}

raftpb::EntryList Unstable::Slice(IndexRange range) const {
  RAFT_CHECK(offset_ <= range.begin && range.begin <= range.end && range.end <= end())
      << "[" << range.begin << ", " << range.end << ") is not within [" << offset_ << ", " << end()
      << ")";
  return entries_.Slice(range.begin - offset_, range.end - offset_);
}

// --- Storing -------------------------------------------------------------------------------------

void Unstable::StableTo(EntryId id) {
  const absl::optional<Term> term = TermAt(id.index);
  if (!term.has_value()) {
    RAFT_LOG(logger_, kInfo, "entry at index ", id.index, " missing from unstable log; ignoring");
    return;
  }
  if (id.index < offset_) {
    RAFT_LOG(logger_, kInfo, "entry at index ", id.index, " matched unstable snapshot; ignoring");
    return;
  }
  if (*term != id.term) {
    RAFT_LOG(logger_, kInfo, "entry at (index,term)=(", id.index, ",", id.term,
             ") mismatched with entry at (", id.index, ",", *term, ") in unstable log; ignoring");
    return;
  }
  entries_.DropFront(id.index + 1 - offset_);
  offset_ = id.index + 1;
  in_progress_ = std::max(in_progress_, offset_);
}

void Unstable::StableSnapshotTo(Index index) {
  if (snapshot_ == nullptr || snapshot_->metadata.index != index) return;
  snapshot_ = nullptr;
  snapshot_in_progress_ = false;
}

// --- Growing -------------------------------------------------------------------------------------

void Unstable::Restore(raftpb::SnapshotPtr snapshot) {
  offset_ = snapshot->metadata.index + 1;
  in_progress_ = offset_;
  entries_.Clear();
  snapshot_ = std::move(snapshot);
  snapshot_in_progress_ = false;
}

void Unstable::TruncateAndAppend(const raftpb::EntryList& entries) {
  const Index from = entries.front().index;
  RAFT_CHECK(from <= end()) << "a gap between " << end() << " and " << from;
  if (from == end()) {
    entries_.Append(entries);
  } else if (from <= offset_) {
    RAFT_LOG(logger_, kInfo, "replace the unstable entries from index ", from);
    entries_ = entries;
    offset_ = from;
    in_progress_ = from;
  } else {
    // What was handed out and is replaced now has to be handed out again.
    RAFT_LOG(logger_, kInfo, "truncate the unstable entries before index ", from);
    entries_.DropBack(end() - from);
    entries_.Append(entries);
    in_progress_ = std::min(in_progress_, from);
  }
}

void Unstable::PushBack(raftpb::Entry&& entry) {
  RAFT_CHECK(entry.index == end()) << entry.index << " does not follow " << end() - 1;
  entries_.PushBack(std::move(entry));
}

}  // namespace raft::log
