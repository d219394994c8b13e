// What a LogStore remembers about one group: its state, where its entries are on disk, and the
// newest of them in memory.
#ifndef RAFT_STORAGE_GROUP_LOG_H_
#define RAFT_STORAGE_GROUP_LOG_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "raft/types.h"
#include "raftpb/entry_list.h"
#include "raftpb/hard_state.h"
#include "raftpb/snapshot.h"
#include "storage/run.h"

namespace storage {

inline constexpr size_t kCacheLine = 64;  // Bytes, of most processors; others lose time only.

// A log that starts behind compacted() and is a list of runs. Not thread-safe.
//
// While a log is replayed from the middle (older segments are gone) a group may not make sense yet:
// entries without those before them, which a later compaction then covers. Problem() says at
// the end whether it does.
class alignas(kCacheLine) GroupLog {
 public:
  // --- Changes, as the log records them; `segment` is where, 0 if they are not written yet. ---

  // Replaces everything from run.first on.
  void Append(const Run& run) {
    if (run.first != last_.index + 1) return AppendElsewhere(run);
    known_ = true;
    runs_.push_back(run);
    live_bytes_ += run.bytes;
    last_ = {run.term, run.last};
  }
  void SetHardState(const raftpb::HardState& hard_state, uint64_t segment);
  // A snapshot is of committed entries: both raise the commit index to it.
  void MarkSnapshot(std::shared_ptr<const raftpb::SnapshotMetadata> snapshot, uint64_t segment);
  void RestoreSnapshot(std::shared_ptr<const raftpb::SnapshotMetadata> snapshot, uint64_t segment);
  void Compact(raft::EntryId compacted, uint64_t segment);

  // Everything has been written again, in order: the entries are at `runs` now.
  void Relocate(std::vector<Run> runs, uint64_t segment);

  // --- What it is now ---

  bool known() const { return known_; }  // Whether anything was ever recorded.

  const raftpb::HardState& hard_state() const { return hard_state_; }
  raft::EntryId compacted() const { return compacted_; }
  const std::shared_ptr<const raftpb::SnapshotMetadata>& snapshot() const { return snapshot_; }
  raft::Index first_index() const { return compacted_.index + 1; }
  raft::Index last_index() const { return last_.index; }
  raft::Term last_term() const { return last_.term; }
  // Requires an index of [compacted().index, last_index()].
  raft::Term TermAt(raft::Index index) const;

  // The runs that hold [first, last], in order. Requires that they exist.
  absl::Span<const Run> RunsOf(raft::Index first, raft::Index last) const;

  uint64_t live_bytes() const { return live_bytes_; }  // Of all runs.
  // The oldest segment that something of this group is in; 0 if nothing is anywhere.
  uint64_t oldest_segment() const;

  // Why the group cannot be what was once acknowledged: empty if it can. `gap` says that something
  // is missing rather than wrong.
  std::string Problem(bool& gap) const;

  // --- The newest entries, in memory ---

  const raftpb::EntryList& cache() const { return cache_; }
  uint64_t cached_bytes() const { return cached_bytes_; }  // Of payloads.
  raft::Index cache_first() const { return last_index() + 1 - cache_.size(); }

  // To be called after the Append of the runs that hold them. They have so many bytes of payload.
  void Cache(const raftpb::EntryList& entries, uint64_t payload_bytes) {
    cached_bytes_ += payload_bytes;
    cache_.Append(entries);
  }
  // Forgets the oldest until at most this many bytes are held.
  void ShrinkCache(uint64_t max_bytes) {
    if (cached_bytes_ > max_bytes) ShrinkCacheNow(max_bytes);
  }

  // --- For who goes through many groups: asks for memory that will be needed soon ---

  void PrefetchForCheck() const { PrefetchLines(0, 2); }
  void PrefetchForPublish() const { PrefetchLines(1, 3); }
  void PrefetchEnd() const {  // Where the next run goes; reads the group.
    const char* const end = reinterpret_cast<const char*>(runs_.data() + runs_.size());
    __builtin_prefetch(end, 1);
    __builtin_prefetch(end + sizeof(Run) - 1, 1);
  }

  // --- Scratch of LogStore ---

  // What the group would be after the batch that is being checked.
  struct Draft {
    static constexpr raft::Index kNotLookedUp = std::numeric_limits<raft::Index>::max();

    uint64_t batch = 0;  // Valid while it is this batch.
    raft::Index compacted = 0;
    raft::Index last = 0;
    raft::Term last_term = 0;
    raft::Index intact = 0;  // Up to here the entries are those of the group.
    raft::Index commit = 0;
    raft::Index snapshot = kNotLookedUp;  // The newest that is marked; looked up when it matters.
  };
  Draft draft;
  bool hard_state_staged = false;
  bool compaction_staged = false;

 private:
  void PrefetchLines(size_t first, size_t end) const {
    for (size_t line = first; line < end; ++line) {
      __builtin_prefetch(reinterpret_cast<const char*>(this) + kCacheLine * line, 1);
    }
  }
  absl::Span<const Run> runs() const { return absl::MakeConstSpan(runs_).subspan(dropped_runs_); }
  void AppendElsewhere(const Run& run);
  void ShrinkCacheNow(uint64_t max_bytes);
  void DropRunsFrom(raft::Index index);
  void DropRunsUpTo(raft::Index index);
  void FindLast();
  void TrimCache(raft::Index last);
  void DropCacheFront(size_t n);

  // In the order of use, by lines of the processor's cache: what a batch is checked against (with
  // the draft), what it changes, and the rest.
  bool known_ = false;

  raftpb::HardState hard_state_;
  raft::EntryId compacted_;
  raft::EntryId last_;         // Of the last run, or compacted_.
  uint64_t cached_bytes_ = 0;  // Of cache_.

  std::vector<Run> runs_;
  uint64_t live_bytes_ = 0;
  raftpb::EntryList cache_;  // The last entries, up to last_index().

  size_t dropped_runs_ = 0;          // At the front of runs_: compacted.
  uint64_t hard_state_segment_ = 0;  // 0: nowhere; likewise below.
  uint64_t compacted_segment_ = 0;
  std::shared_ptr<const raftpb::SnapshotMetadata> snapshot_;
  uint64_t snapshot_segment_ = 0;
};

}  // namespace storage

#endif  // RAFT_STORAGE_GROUP_LOG_H_
