// Whose data it is.
#ifndef RAFT_STORAGE_IDENTITY_H_
#define RAFT_STORAGE_IDENTITY_H_

#include <cstdint>

#include "raft/types.h"

namespace storage {

// Written into every file and compared at every opening: a disk that was swapped, or a directory
// copied from another server, is refused instead of being believed.
struct Identity {
  uint64_t cluster_id = 0;
  raft::NodeId node_id = raft::kNone;

  friend bool operator==(const Identity&, const Identity&) = default;
};

}  // namespace storage

#endif  // RAFT_STORAGE_IDENTITY_H_
