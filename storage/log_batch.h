// What is to become durable together, for any number of groups.
#ifndef RAFT_STORAGE_LOG_BATCH_H_
#define RAFT_STORAGE_LOG_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "raft/types.h"
#include "raftpb/entry_list.h"
#include "raftpb/hard_state.h"
#include "raftpb/snapshot.h"

namespace storage {

// Names one of the groups that share a log. Any number; a server of one group uses any constant.
using GroupId = uint64_t;

// A list of changes, in order. After a crash either all of them are there or none. A value that
// shares entries and copies nothing; Clear() keeps the memory for the next batch. Entries are
// looked at once, here, while whoever made them still has them at hand: LogStore goes by what was
// noted.
class LogBatch {
 public:
  // Replaces the group's log from the first of `entries` on. Requires consecutive indexes.
  void Append(GroupId group, const raftpb::EntryList& entries);

  // Replaces term, vote and commit.
  void SetHardState(GroupId group, const raftpb::HardState& hard_state);

  // The state machine has a durable snapshot at this position (snapshot_store.h). The log stays.
  // Nothing if there is a newer one, or the log begins behind it.
  void MarkSnapshot(GroupId group, const raftpb::SnapshotMetadata& snapshot);

  // The same, received from a leader: it replaces the log, which then starts behind it.
  void RestoreSnapshot(GroupId group, const raftpb::SnapshotMetadata& snapshot);

  // Drops the entries up to `index`, which should not be above the newest marked snapshot: the log
  // does not refuse, but the group could not be started from it. Nothing if they are gone already.
  void Compact(GroupId group, raft::Index index);

  // Forgets everything about the group.
  void Forget(GroupId group);

  // Takes over what another batch wants, after what this one does. The other is empty then.
  void Add(LogBatch& other);

  // The changes from `first` on, `count` of them, as a batch of their own.
  LogBatch Slice(size_t first, size_t count) const;

  bool empty() const { return changes_.empty(); }
  size_t size() const { return changes_.size(); }               // In changes.
  size_t payload_bytes() const { return sums_.payload_bytes; }  // Of all entries.
  void Clear();

 private:
  friend class LogStore;

  enum class Kind : uint8_t {
    kAppend,
    kHardState,
    kMarkSnapshot,
    kRestoreSnapshot,
    kCompact,
    kForget
  };

  // By lines of the processor's cache: what writing and publishing entries needs, and the rest.
  struct alignas(64) Change {
    Kind kind = Kind::kAppend;
    bool is_sequence = true;       // kAppend: indexes without gaps, terms that do not fall.
    uint32_t largest_payload = 0;  // kAppend. The largest number stands for all above it, too.
    GroupId group = 0;
    raftpb::EntryList entries;   // kAppend.
    raft::Index last_index = 0;  // kAppend, kCompact.
    uint64_t payload_bytes = 0;  // kAppend.

    raft::EntryId first;                                       // kAppend.
    raft::Term last_term = 0;                                  // kAppend.
    raftpb::HardState hard_state;                              // kHardState.
    std::shared_ptr<const raftpb::SnapshotMetadata> snapshot;  // kMarkSnapshot, kRestoreSnapshot.

    // For who goes through many changes: asks for memory that will be needed soon.
    void PrefetchEntries() const {
      if (kind == Kind::kAppend) __builtin_prefetch(&entries.back());
    }
  };

  // Sums over the changes, for who needs to know how long they can become on disk.
  struct Sums {
    size_t entries = 0;
    size_t terms = 0;  // How often the term changes within a change, its first included.
    size_t payload_bytes = 0;
    size_t snapshot_bytes = 0;

    void Add(const Sums& other);
  };
  Change& AddChange(Kind kind, GroupId group);
  void AddCopy(const Change& change);

  std::vector<Change> changes_;
  Sums sums_;
};

}  // namespace storage

#endif  // RAFT_STORAGE_LOG_BATCH_H_
