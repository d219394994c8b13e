// The errors a caller may want to tell apart, in pairs: a maker and a question.
//
// Each is an absl::Status with a typed reason in its payload; the code alone already says whether
// trying again can help (kUnavailable) or not. Asking a status of another origin is fine.
#ifndef RAFT_RAFT_ERRORS_H_
#define RAFT_RAFT_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "raft/types.h"

namespace raft {

// Why a proposal or a read was not taken. Nothing of it will ever happen on its account: it is
// not in the log, and the caller may send it again, here or to another server.
enum class DropReason {
  kNoLeader,           // This server knows no leader in its term (or is campaigning).
  kTransferring,       // The leader is handing its office over (§3.10).
  kOverQuota,          // Config::max_uncommitted_size or max_pending_reads, or a driver's limit.
  kNotMember,          // The leader was removed from the configuration.
  kForwardingDisabled  // This server is not the leader, and must not forward.
};
absl::Status ProposalDropped(DropReason reason);
bool IsProposalDropped(const absl::Status& status);
// The reason; requires IsProposalDropped.
DropReason DropReasonOf(const absl::Status& status);

// A storage no longer has this position: a snapshot replaced it. Only Storage makes it.
absl::Status Compacted();
bool IsCompacted(const absl::Status& status);

// A storage does not have this position yet. Only Storage makes it. Asked as raft::IsUnavailable:
// absl has a question of the same name about status codes.
absl::Status Unavailable();
bool IsUnavailable(const absl::Status& status);

// A storage is asked to take a snapshot older than the one it has.
absl::Status SnapshotOutOfDate();
bool IsSnapshotOutOfDate(const absl::Status& status);

// A storage is still preparing its snapshot; ask again later.
absl::Status SnapshotTemporarilyUnavailable();
bool IsSnapshotTemporarilyUnavailable(const absl::Status& status);

// A message that must not come from the network: of a local type.
absl::Status LocalMessage();
bool IsLocalMessageError(const absl::Status& status);

// A response from somebody who is not in the configuration.
absl::Status PeerNotFound();
bool IsPeerNotFound(const absl::Status& status);

// A message that no correct peer sends. State is unchanged; count it and look at the sender.
absl::Status InvalidMessage(absl::string_view why);
bool IsInvalidMessage(const absl::Status& status);

// A promise of the protocol is broken, and going on could lose or falsify acknowledged data: a
// peer's or our own disk lost what it had confirmed. The log is unchanged. The only safe answer is
// to stop this server and restore it from its peers.
absl::Status PromiseBroken(absl::string_view what);
bool IsPromiseBroken(const absl::Status& status);

}  // namespace raft

#endif  // RAFT_RAFT_ERRORS_H_
