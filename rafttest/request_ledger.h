// What clients asked for, and what became of it: a ghost that no server sees.
#ifndef RAFT_RAFTTEST_REQUEST_LEDGER_H_
#define RAFT_RAFTTEST_REQUEST_LEDGER_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "raft/types.h"

namespace rafttest {

// Proposals and reads are numbers that their clients use once. What comes to light is returned in
// words, empty if it may be so.
class RequestLedger {
 public:
  // The network may duplicate: a forwarded proposal may be applied twice, a forwarded read answered
  // twice.
  explicit RequestLedger(bool messages_may_repeat) : messages_may_repeat_(messages_may_repeat) {}

  // E1: a refused proposal is never applied; none is applied at two places (§6.3).
  void OnProposalRefused(uint64_t proposal) { refused_.insert(proposal); }
  std::string OnProposalApplied(raft::NodeId id, uint64_t proposal, raft::Index at);

  // R1: a read sees everything that was committed before it was asked for (§6.4), and is answered
  // once, where it was asked.
  void OnReadAsked(raft::NodeId id, uint64_t read, raft::Index committed) {
    reads_[read] = {.from = id, .at_least = committed};
  }
  std::string OnReadAnswered(raft::NodeId id, uint64_t read, raft::Index at);

 private:
  struct Read {
    raft::NodeId from = raft::kNone;
    raft::Index at_least = 0;
    bool answered = false;
  };

  const bool messages_may_repeat_;
  absl::flat_hash_set<uint64_t> refused_;
  absl::flat_hash_map<uint64_t, raft::Index> applied_at_;  // Where each was first seen.
  absl::flat_hash_map<uint64_t, Read> reads_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_REQUEST_LEDGER_H_
