// What the core may ask of stable storage.
#ifndef RAFT_RAFT_STORAGE_H_
#define RAFT_RAFT_STORAGE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "raft/types.h"
#include "raftpb/conf_state.h"
#include "raftpb/entry_list.h"
#include "raftpb/hard_state.h"
#include "raftpb/snapshot.h"

namespace raft {

// The core only reads, and only the log of one group; writing is the caller's half of Ready
// (docs/ready-loop.md). What it holds is a snapshot position (0, 0 in a new group) and the entries
// that follow it without a gap: FirstIndex()-1 is the snapshot position, whose term stays known.
//
// Answers change only by what the caller does between two calls into the core: storing what a
// Ready asked for, and compacting up to an index it has applied. Calls come on the thread that
// drives the core. The core keeps what it was given (EntryList, SnapshotPtr) without copying it.
//
// An error other than those named is passed on to the caller of the core, which stays unchanged
// and may be asked again.
class Storage {
 public:
  struct InitialState {
    raftpb::HardState hard_state;  // As last stored; empty in a new group.
    raftpb::ConfState conf_state;  // The membership at the applied position; empty in a new group.
  };

  virtual ~Storage() = default;

  // What was there when the process started. Asked once, by the core's constructor.
  virtual absl::StatusOr<InitialState> Initial() const = 0;

  // The entries of `wanted`, or as many of the first as have an EncodedSize of at most max_bytes in
  // total, but at least one. Requires begin < end. IsCompacted() if the first is at or below the
  // snapshot position, IsUnavailable() if some are above LastIndex().
  virtual absl::StatusOr<raftpb::EntryList> Entries(IndexRange wanted,
                                                    uint64_t max_bytes) const = 0;

  // The term of the entry at an index of [FirstIndex()-1, LastIndex()]. IsCompacted() below,
  // IsUnavailable() above. An unknown term is never 0 (etcd/raft issue 31).
  virtual absl::StatusOr<Term> TermAt(Index index) const = 0;

  virtual Index FirstIndex() const = 0;  // Of the first entry, LastIndex()+1 if there is none.
  virtual Index LastIndex() const = 0;   // Of the last entry, FirstIndex()-1 if there is none.

  // A snapshot for a follower that needs entries we no longer have, at least as new as
  // FirstIndex()-1. IsSnapshotTemporarilyUnavailable() while one is being made: the core asks
  // again on the follower's next heartbeat response.
  virtual absl::StatusOr<raftpb::SnapshotPtr> Snapshot() const = 0;
};

}  // namespace raft

#endif  // RAFT_RAFT_STORAGE_H_
