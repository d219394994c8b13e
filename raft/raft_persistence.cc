// Room: persistence. What the disk and the application have confirmed (thesis §10.2.1;
// docs/ready-loop.md).
// Changes: what is stable and applied, the quota; may propose to leave a joint configuration.
#include <algorithm>

#include "raft/raft.h"
#include "raftpb/describe.h"

namespace raft {

void Raft::OnStored(Term term, absl::optional<EntryId> last, const raftpb::SnapshotPtr& snapshot) {
  if (last.has_value() && term == term_) {
    log_.StableTo(*last);
    RecordTrace(TraceAction::kStable);
  } else if (last.has_value()) {
    // Entries stored for an old term may have been overwritten since, and even written again with
    // the same index and term: their confirmation says nothing about those (etcd/raft issue 8, the
    // ABA).
    RAFT_LOG(config_.logger, kInfo, raftpb::Hex(id()), " [term: ", term_,
             "] ignored entry appends from a MsgStorageAppendResp message with lower term [term: ",
             term, "]");
  }
  if (snapshot != nullptr) OnSnapshotStored(*snapshot);  // A stored snapshot stays stored.
}

// A stored snapshot is an applied one: it is the state machine.
void Raft::OnSnapshotStored(const raftpb::Snapshot& snapshot) {
  log_.StableSnapshotTo(snapshot.metadata.index);
  OnAppliedTo(snapshot.metadata.index, /*size=*/0);
}

void Raft::OnApplied(const Applied& applied) {
  if (applied.last == 0) return;
  OnAppliedTo(applied.last, applied.encoded_size);
  if (leading_) leading_->quota.Return(applied.payload_size);
}

void Raft::OnAppliedTo(Index index, uint64_t size) {
  log_.AppliedTo(std::max(index, log_.applied()), size);
  RecordTrace(TraceAction::kApply);
  MaybeLeaveJoint();
}

}  // namespace raft
