// Where entries are on disk.
#ifndef RAFT_STORAGE_RUN_H_
#define RAFT_STORAGE_RUN_H_

#include <cstdint>

#include "raft/types.h"

namespace storage {

// Consecutive entries of one term that stand together in one record.
struct Run {
  raft::Index first = 0;  // Of those that count; the record may hold more, before and after.
  raft::Index last = 0;
  raft::Term term = 0;
  uint64_t segment = 0;
  uint64_t frame = 0;       // Offset of the record in the segment.
  uint32_t item = 0;        // Offset of the item in the record's payload.
  uint32_t bytes : 31 = 0;  // Of the item,
  uint32_t is_cut : 1 = 0;  // of which some entries do not count.
};

}  // namespace storage

#endif  // RAFT_STORAGE_RUN_H_
