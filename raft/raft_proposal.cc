// Room: proposal. Was my write accepted? (§3.5, §6.2 for forwarding.)
// Changes: the own log, the quota, the last pending membership change. Every refusal has a reason.
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/message_check.h"
#include "raft/raft.h"
#include "raftpb/describe.h"
#include "raftpb/wire.h"

namespace raft {

using raftpb::Entry;
using raftpb::EntryList;
using raftpb::EntryType;
using raftpb::Hex;
using raftpb::Message;
using raftpb::MessageType;

namespace {

// The change that an entry asks for, in the newer form. CheckProposal has seen that it can be read.
raftpb::ConfChangeV2 ConfChangeIn(const Entry& entry) {
  raftpb::ConfChangeV2 v2;
  if (entry.type == EntryType::kConfChangeV2) {
    raftpb::Decode(entry.data, v2).IgnoreError();
    return v2;
  }
  raftpb::ConfChange v1;
  raftpb::Decode(entry.data, v1).IgnoreError();
  return v1.AsV2();
}

}  // namespace

// A leader takes its own application's payloads as they are. Everybody else, and who is being
// watched, makes a message of them.
absl::Status Raft::Propose(absl::Cord data) {
  if (!leading_ || config_.tracer != nullptr) {
    return Step({.type = MessageType::kProp, .from = id(), .entries = {Entry{.data = data}}});
  }
  if (absl::Status refused = WhyNoProposals(); !refused.ok()) return refused;
  if (!TakeQuota(data.size())) return ProposalDropped(DropReason::kOverQuota);
  PushOwn({.data = std::move(data)});
  FinishOwn();
  BroadcastAppend();
  return absl::OkStatus();
}

absl::Status Raft::Propose(absl::Span<const absl::Cord> batch) {
  if (!leading_ || config_.tracer != nullptr || batch.empty()) {
    Message proposal = {.type = MessageType::kProp, .from = id()};
    proposal.entries.Reserve(batch.size());
    for (const absl::Cord& data : batch) proposal.entries.PushBack({.data = data});
    return Step(proposal);
  }
  if (absl::Status refused = WhyNoProposals(); !refused.ok()) return refused;
  uint64_t bytes = 0;
  for (const absl::Cord& data : batch) bytes += data.size();
  if (!TakeQuota(bytes)) return ProposalDropped(DropReason::kOverQuota);
  for (const absl::Cord& data : batch) PushOwn({.data = data});
  FinishOwn();
  BroadcastAppend();
  return absl::OkStatus();
}

absl::Status Raft::OnPropose(const Message& m) {
  if (absl::Status checked = CheckProposal(m.entries); !checked.ok()) return checked;
  if (absl::Status refused = WhyNoProposals(); !refused.ok()) return refused;
  if (!AppendOwn(ScreenConfChanges(m.entries))) return ProposalDropped(DropReason::kOverQuota);
  BroadcastAppend();
  return absl::OkStatus();
}

// Whether a leader takes proposals now.
absl::Status Raft::WhyNoProposals() const {
  if (leading_->progress.Find(id()) == nullptr) return ProposalDropped(DropReason::kNotMember);
  if (leading_->transferee == kNone) return absl::OkStatus();
  // After MsgTimeoutNow the target's log must stay complete (§3.10).
  RAFT_LOG(config_.logger, kDebug, Hex(id()), " [term ", term_, "] transfer leadership to ",
           Hex(leading_->transferee), " is in progress; dropping proposal");
  return ProposalDropped(DropReason::kTransferring);
}

// At a follower or candidate. The message keeps its first sender, who is told nothing more: if it
// is lost on the way, the proposal is.
absl::Status Raft::ForwardProposal(const Message& m) {
  if (absl::Status checked = CheckProposal(m.entries); !checked.ok()) return checked;
  if (role_ != Role::kFollower || lead_ == kNone) {
    RAFT_LOG(config_.logger, kInfo, Hex(id()), " no leader at term ", term_, "; dropping proposal");
    return ProposalDropped(DropReason::kNoLeader);
  }
  if (config_.disable_proposal_forwarding) {
    RAFT_LOG(config_.logger, kInfo, Hex(id()), " not forwarding to leader ", Hex(lead_),
             " at term ", term_, "; dropping proposal");
    return ProposalDropped(DropReason::kForwardingDisabled);
  }
  Message forwarded = m;
  forwarded.to = lead_;
  Send(std::move(forwarded));
  return absl::OkStatus();
}

bool Raft::TakeQuota(uint64_t bytes) {
  if (leading_->quota.TryTake(bytes)) return true;
  RAFT_LOG(config_.logger, kWarn, Hex(id()),
           " appending new entries to log would exceed uncommitted entry size limit; "
           "dropping proposal");
  return false;
}

// Gives the entries their places at the end of the leader's log. False, and nothing done, if the
// quota has no room for them.
bool Raft::AppendOwn(const EntryList& entries) {
  if (!TakeQuota(entries.PayloadSize())) return false;
  for (const Entry& entry : entries) PushOwn(Entry(entry));
  FinishOwn();
  return true;
}

void Raft::PushOwn(Entry&& entry) {
  entry.term = term_;
  entry.index = log_.LastIndex() + 1;
  log_.PushBack(std::move(entry));
}

void Raft::FinishOwn() {
  RecordTrace(TraceAction::kAppend);
  // The leader counts itself only when its own disk has the entries (etcd issue 14370).
  Acknowledge(id(), log_.LastIndex());
}

// Replaces membership changes that must not be made now by empty entries, so that whatever else was
// proposed with them keeps its place (§4.1: one change at a time; §4.3: joint is left first).
EntryList Raft::ScreenConfChanges(const EntryList& entries) {
  EntryList screened;
  Index index = log_.LastIndex();
  bool changed = false;
  for (const Entry& entry : entries) {
    ++index;
    if (!IsConfChange(entry)) {
      if (changed) screened.PushBack(entry);
      continue;
    }
    const raftpb::ConfChangeV2 change = ConfChangeIn(entry);
    const std::string refusal = WhyNotNow(change);
    if (refusal.empty() || config_.disable_conf_change_validation) {
      leading_->pending_conf_index = index;
      if (changed) screened.PushBack(entry);
      continue;
    }
    RAFT_LOG(config_.logger, kInfo, Hex(id()), " ignoring conf change ", raftpb::Describe(change),
             " at config ", Describe(membership_), ": ", refusal);
    if (!changed) screened = entries.Slice(0, index - log_.LastIndex() - 1);
    changed = true;
    screened.PushBack({.type = EntryType::kNormal, .type_is_explicit = true});
  }
  return changed ? screened : entries;
}

// Why a membership change cannot be proposed now; empty if it can.
std::string Raft::WhyNotNow(const raftpb::ConfChangeV2& change) const {
  const Index pending = leading_->pending_conf_index;
  if (pending > log_.applied()) {
    return absl::StrCat("possible unapplied conf change at index ", pending, " (applied to ",
                        log_.applied(), ")");
  }
  if (membership_.joint() && !change.changes.empty()) {
    return "must transition out of joint config first";
  }
  if (!membership_.joint() && change.changes.empty()) {
    return "not in joint state; refusing empty conf change";
  }
  return "";
}

}  // namespace raft
