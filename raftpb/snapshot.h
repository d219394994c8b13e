// The state machine at one log position, standing in for the log up to it (thesis §5).
#ifndef RAFT_RAFTPB_SNAPSHOT_H_
#define RAFT_RAFTPB_SNAPSHOT_H_

#include <memory>

#include "absl/strings/cord.h"
#include "raftpb/conf_state.h"
#include "raftpb/ids.h"

namespace raftpb {

struct SnapshotMetadata {
  ConfState conf_state;  // The membership after the last entry that the snapshot covers.
  Index index = 0;       // The last entry it covers, and
  Term term = 0;         // the term of that entry.

  EntryId id() const { return {term, index}; }
  friend bool operator==(const SnapshotMetadata&, const SnapshotMetadata&) = default;
};

// A value. `data` is the application's, and may be a mere reference to where the state is kept.
struct Snapshot {
  SnapshotMetadata metadata;
  absl::Cord data;

  bool empty() const { return metadata.index == 0; }
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

// A snapshot passes through many hands and never changes: it is shared. Null means none.
using SnapshotPtr = std::shared_ptr<const Snapshot>;

}  // namespace raftpb

#endif  // RAFT_RAFTPB_SNAPSHOT_H_
