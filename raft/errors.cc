#include "raft/errors.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "raft/check.h"

namespace raft {
namespace {

// A status of ours carries the name of its reason under this key. Texts are for people and may
// change; the name does not.
constexpr absl::string_view kReasonUrl = "raft.Reason";

constexpr absl::string_view kProposalDropped = "ProposalDropped";
constexpr absl::string_view kCompacted = "Compacted";
constexpr absl::string_view kUnavailable = "Unavailable";
constexpr absl::string_view kSnapshotOutOfDate = "SnapshotOutOfDate";
constexpr absl::string_view kSnapshotTemporarilyUnavailable = "SnapshotTemporarilyUnavailable";
constexpr absl::string_view kLocalMessage = "LocalMessage";
constexpr absl::string_view kPeerNotFound = "PeerNotFound";
constexpr absl::string_view kInvalidMessage = "InvalidMessage";
constexpr absl::string_view kPromiseBroken = "PromiseBroken";

// Why a proposal was dropped is a second name, under a key of its own.
constexpr absl::string_view kDropReasonUrl = "raft.DropReason";

struct NamedDropReason {
  DropReason reason;
  absl::string_view name;
  absl::StatusCode code;  // kUnavailable: worth trying again here, once something has moved on.
};
constexpr NamedDropReason kDropReasons[] = {
    {DropReason::kNoLeader, "NoLeader", absl::StatusCode::kUnavailable},
    {DropReason::kTransferring, "Transferring", absl::StatusCode::kUnavailable},
    {DropReason::kOverQuota, "OverQuota", absl::StatusCode::kUnavailable},
    {DropReason::kNotMember, "NotMember", absl::StatusCode::kFailedPrecondition},
    {DropReason::kForwardingDisabled, "ForwardingDisabled", absl::StatusCode::kFailedPrecondition},
};

absl::Status Make(absl::StatusCode code, absl::string_view reason, absl::string_view text) {
  absl::Status status(code, text);
  status.SetPayload(kReasonUrl, absl::Cord(reason));
  return status;
}

bool Is(const absl::Status& status, absl::string_view reason) {
  if (status.ok()) return false;
  const absl::optional<absl::Cord> found = status.GetPayload(kReasonUrl);
  return found.has_value() && *found == reason;
}

}  // namespace

absl::Status ProposalDropped(DropReason reason) {
  for (const NamedDropReason& known : kDropReasons) {
    if (known.reason != reason) continue;
    absl::Status status = Make(known.code, kProposalDropped, "raft proposal dropped");
    status.SetPayload(kDropReasonUrl, absl::Cord(known.name));
    return status;
  }
  RAFT_CHECK(false) << "no such reason to drop a proposal: " << static_cast<int>(reason);
  return absl::OkStatus();
}

bool IsProposalDropped(const absl::Status& status) { return Is(status, kProposalDropped); }

DropReason DropReasonOf(const absl::Status& status) {
  RAFT_CHECK(IsProposalDropped(status)) << status.ToString();
  const absl::optional<absl::Cord> found = status.GetPayload(kDropReasonUrl);
  for (const NamedDropReason& known : kDropReasons) {
    if (found.has_value() && *found == known.name) return known.reason;
  }
  RAFT_CHECK(false) << "a dropped proposal of no known reason: " << status.ToString();
  return DropReason::kNoLeader;
}

absl::Status Compacted() {
  return Make(absl::StatusCode::kOutOfRange, kCompacted,
              "requested index is unavailable due to compaction");
}
bool IsCompacted(const absl::Status& status) { return Is(status, kCompacted); }

absl::Status Unavailable() {
  return Make(absl::StatusCode::kOutOfRange, kUnavailable,
              "requested entry at index is unavailable");
}
bool IsUnavailable(const absl::Status& status) { return Is(status, kUnavailable); }

absl::Status SnapshotOutOfDate() {
  return Make(absl::StatusCode::kFailedPrecondition, kSnapshotOutOfDate,
              "requested index is older than the existing snapshot");
}
bool IsSnapshotOutOfDate(const absl::Status& status) { return Is(status, kSnapshotOutOfDate); }

absl::Status SnapshotTemporarilyUnavailable() {
  return Make(absl::StatusCode::kUnavailable, kSnapshotTemporarilyUnavailable,
              "snapshot is temporarily unavailable");
}
bool IsSnapshotTemporarilyUnavailable(const absl::Status& status) {
  return Is(status, kSnapshotTemporarilyUnavailable);
}

absl::Status LocalMessage() {
  return Make(absl::StatusCode::kInvalidArgument, kLocalMessage,
              "raft: cannot step raft local message");
}
bool IsLocalMessageError(const absl::Status& status) { return Is(status, kLocalMessage); }

absl::Status PeerNotFound() {
  return Make(absl::StatusCode::kNotFound, kPeerNotFound, "raft: cannot step as peer not found");
}
bool IsPeerNotFound(const absl::Status& status) { return Is(status, kPeerNotFound); }

absl::Status InvalidMessage(absl::string_view why) {
  return Make(absl::StatusCode::kInvalidArgument, kInvalidMessage,
              absl::StrCat("raft: invalid message: ", why));
}
bool IsInvalidMessage(const absl::Status& status) { return Is(status, kInvalidMessage); }

absl::Status PromiseBroken(absl::string_view what) {
  return Make(absl::StatusCode::kDataLoss, kPromiseBroken,
              absl::StrCat("raft: a promise of the protocol is broken: ", what));
}
bool IsPromiseBroken(const absl::Status& status) { return Is(status, kPromiseBroken); }

}  // namespace raft
