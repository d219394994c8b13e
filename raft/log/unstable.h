// The end of the log that the disk has not confirmed yet, and a snapshot on its way there.
#ifndef RAFT_RAFT_LOG_UNSTABLE_H_
#define RAFT_RAFT_LOG_UNSTABLE_H_

#include <algorithm>

#include "absl/types/optional.h"
#include "raft/logger.h"
#include "raft/types.h"
#include "raftpb/entry_list.h"
#include "raftpb/snapshot.h"

namespace raft::log {

// Entries from offset() on, of which those below in_progress() were handed out for storing.
// The log in storage may overlap with it; what is here counts.
class Unstable {
 public:
  Unstable(Index offset, Logger* logger) : offset_(offset), in_progress_(offset), logger_(logger) {}

  Index offset() const { return offset_; }
  Index in_progress() const { return in_progress_; }  // First entry not yet handed out.
  Index end() const { return offset_ + entries_.size(); }
  const raftpb::EntryList& entries() const { return entries_; }
  const raftpb::SnapshotPtr& snapshot() const { return snapshot_; }
  bool snapshot_in_progress() const { return snapshot_in_progress_; }

  absl::optional<Index> FirstIndex() const {  // Behind the snapshot, if there is one.
    if (snapshot_ == nullptr) return absl::nullopt;
    return snapshot_->metadata.index + 1;
  }
  absl::optional<Index> LastIndex() const;  // Of the entries, else of the snapshot.
  absl::optional<Term> TermAt(Index index) const {
    if (index >= offset_ && index < end()) return entries_[index - offset_].term;
    if (snapshot_ == nullptr || index != snapshot_->metadata.index) return absl::nullopt;
    return snapshot_->metadata.term;
  }
  // The entries of a range that lies within [offset(), end()).
  raftpb::EntryList Slice(IndexRange range) const;
  // The first of them within max_size of EncodedSize, but at least one. Not of an empty range.
  raftpb::EntryList SliceWithin(IndexRange range, uint64_t max_size) const {
    const size_t begin = range.begin - offset_;
    const size_t within = entries_.CountWithin(begin, range.end - offset_, max_size);
    return entries_.Slice(begin, begin + std::max<size_t>(within, 1));
  }

  // What was not handed out yet.
  bool HasNext() const {
    return in_progress_ < end() || (snapshot_ != nullptr && !snapshot_in_progress_);
  }
  raftpb::EntryList NextEntries() const {
    return entries_.Slice(in_progress_ - offset_, entries_.size());
  }
  raftpb::SnapshotPtr NextSnapshot() const {  // Null if none.
    return snapshot_in_progress_ ? nullptr : snapshot_;
  }
  void AcceptInProgress() {  // Now it was.
    in_progress_ = end();
    snapshot_in_progress_ = snapshot_ != nullptr;
  }

  // The disk has confirmed the log up to `id`. Ignored, with a log line, if the entry there has
  // another term by now (the ABA of etcd/raft issue 8) or is gone.
  void StableTo(EntryId id);
  void StableSnapshotTo(Index index);

  void ReleaseMemory() {  // That is kept for entries to come.
    if (entries_.empty()) entries_.Clear();
  }

  // Replaces everything by a snapshot.
  void Restore(raftpb::SnapshotPtr snapshot);
  // Appends, replacing what stands at the first new index and behind it. Requires no gap.
  void TruncateAndAppend(const raftpb::EntryList& entries);
  // A leader's new entry at end(); nothing is replaced.
  void PushBack(raftpb::Entry&& entry);

 private:
  raftpb::SnapshotPtr snapshot_;
  raftpb::EntryList entries_;
  Index offset_;
  Index in_progress_;  // offset_ <= in_progress_ <= end().
  bool snapshot_in_progress_ = false;
  Logger* logger_;
};

}  // namespace raft::log

#endif  // RAFT_RAFT_LOG_UNSTABLE_H_
