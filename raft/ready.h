// What a server wants done, handed out in one piece.
#ifndef RAFT_RAFT_READY_H_
#define RAFT_RAFT_READY_H_

#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/types/optional.h"
#include "raft/types.h"
#include "raftpb/entry_list.h"
#include "raftpb/hard_state.h"
#include "raftpb/message.h"
#include "raftpb/snapshot.h"

namespace raft {

// Useful to know, not to store.
struct SoftState {
  NodeId lead = kNone;  // kNone while no leader is known.
  Role role = Role::kFollower;

  friend bool operator==(const SoftState&, const SoftState&) = default;
};

// A read asked for with RawNode::ReadIndex may be served once the state machine has applied
// `index` (§6.4). It stays valid: applying more never hurts.
struct ReadState {
  Index index = 0;
  absl::Cord context;  // As given to ReadIndex.

  friend bool operator==(const ReadState&, const ReadState&) = default;
};

// The work of one turn of the ready loop (docs/ready-loop.md). Unless storage writes are
// asynchronous the caller
//   1. may send `messages` right away,
//   2. stores `hard_state`, `snapshot` and `entries`, in one durable batch if must_sync,
//   3. sends `messages_after_write`, only now,
//   4. applies `snapshot` and `committed_entries` to the state machine, and
//   5. calls RawNode::Advance.
// Writes take effect in order: whatever makes one durable makes all before it durable, too, also
// those that need not be synced by themselves. Safety rests on it: a server that has a membership
// change on disk must not forget that the one before was committed (docs/membership.md).
//
// With asynchronous storage writes steps 2, 4 and 5 are messages to the local storage threads in
// `messages`, which carry what to send afterwards; `hard_state`, `snapshot`, `entries` and
// `committed_entries` are then for looking at only.
struct Ready {
  absl::optional<SoftState> soft_state;          // If it changed.
  absl::optional<raftpb::HardState> hard_state;  // If it changed and is not all zero.
  std::vector<ReadState> read_states;            // Reads that can be served once applied.
  raftpb::SnapshotPtr snapshot;                  // To replace log and state machine by, or null.
  // To append to the log, replacing what has the same index or a higher one.
  raftpb::EntryList entries;
  raftpb::EntryList committed_entries;    // To apply. Never handed out twice in one life.
  std::vector<raftpb::Message> messages;  // To peers; promise nothing unstored.
  std::vector<raftpb::Message> messages_after_write;  // To peers; promise what this Ready stores.
  // The write must be durable before step 3: entries, term, vote, or the commit of a membership
  // change. Of other commits nothing is lost with their write.
  bool must_sync = false;

  bool empty() const;
  // Empty again, keeping its memory for the next RawNode::TakeReady.
  void Clear() {
    soft_state.reset();
    hard_state.reset();
    read_states.clear();
    if (snapshot != nullptr) snapshot.reset();
    entries.Clear();
    committed_entries.Clear();
    messages.clear();
    messages_after_write.clear();
    must_sync = false;
  }
};

absl::string_view Name(Role role);             // "StateFollower", ..
std::string Describe(const SoftState& state);  // `Lead:1 State:StateLeader`
std::string Describe(const Ready& ready);      // Many lines, each ended; `<empty Ready>`.

}  // namespace raft

#endif  // RAFT_RAFT_READY_H_
