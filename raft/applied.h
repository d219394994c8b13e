// What the application has done with the entries it was handed.
#ifndef RAFT_RAFT_APPLIED_H_
#define RAFT_RAFT_APPLIED_H_

#include <cstdint>

#include "raft/types.h"
#include "raftpb/entry_list.h"

namespace raft {

// It has applied entries up to `last`, of these sizes. All that the core needs to remember of them
// until then.
struct Applied {
  Index last = 0;  // 0: there were none.
  uint64_t encoded_size = 0;
  uint64_t payload_size = 0;

  Applied() = default;
  explicit Applied(const raftpb::EntryList& entries) {
    if (entries.empty()) return;
    last = entries.back().index;
    encoded_size = entries.EncodedSize();
    payload_size = entries.PayloadSize();
  }
};

}  // namespace raft

#endif  // RAFT_RAFT_APPLIED_H_
