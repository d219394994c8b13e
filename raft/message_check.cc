#include "raft/message_check.h"

#include "absl/strings/str_cat.h"
#include "raft/confchange/changer.h"
#include "raft/errors.h"
#include "raft/types.h"
#include "raftpb/describe.h"
#include "raftpb/wire.h"

namespace raft {

using raftpb::EntryType;
using raftpb::Message;
using raftpb::MessageType;

namespace {

// Messages that carry no term: they ask for something whoever leads.
bool TravelsWithoutTerm(MessageType type) {
  return type == MessageType::kProp || type == MessageType::kReadIndex ||
         type == MessageType::kTransferLeader;
}

bool IsKnown(MessageType type) {
  return type >= MessageType::kHup && type <= MessageType::kForgetLeader;
}

absl::Status CheckNumbers(const Message& m) {
  if (m.term == 0 && !TravelsWithoutTerm(m.type)) return InvalidMessage("it has no term");
  if (m.term > kMaxTerm || m.log_term > kMaxTerm) {
    return InvalidMessage(
        absl::StrCat("a term that has no next: ", m.term, ", log term ", m.log_term));
  }
  if (m.index > kMaxIndex || m.commit > kMaxIndex || m.reject_hint > kMaxIndex) {
    return InvalidMessage(absl::StrCat("an index above 2^63: ", m.index, ", commit ", m.commit,
                                       ", hint ", m.reject_hint));
  }
  return absl::OkStatus();
}

// The entries must be what a leader of m.term could have after m.id() (Log Matching, §3.5).
absl::Status CheckAppend(const Message& m) {
  if (m.log_term > m.term) {
    return InvalidMessage(absl::StrCat("it follows an entry of term ", m.log_term,
                                       ", later than its own term ", m.term));
  }
  EntryId previous = m.id();
  for (const raftpb::Entry& entry : m.entries) {
    if (entry.index != previous.index + 1) {
      return InvalidMessage(
          absl::StrCat("entry ", entry.index, " does not follow entry ", previous.index));
    }
    if (entry.term == 0 || entry.term < previous.term || entry.term > m.term) {
      return InvalidMessage(absl::StrCat("entry ", entry.index, " of term ", entry.term,
                                         " between terms ", previous.term, " and ", m.term));
    }
    previous = entry.id();
  }
  if (previous.index > kMaxIndex) return InvalidMessage("its entries go beyond index 2^63");
  return absl::OkStatus();
}

absl::Status CheckSnapshot(const Message& m) {
  if (m.snapshot == nullptr || m.snapshot->empty()) return absl::OkStatus();  // Stale by nature.
  const raftpb::SnapshotMetadata& metadata = m.snapshot->metadata;
  if (metadata.index > kMaxIndex || metadata.term == 0 || metadata.term > m.term) {
    return InvalidMessage(absl::StrCat("a snapshot at index ", metadata.index, " of term ",
                                       metadata.term, " from term ", m.term));
  }
  absl::StatusOr<tracker::Config> config = confchange::FromConfState(metadata.conf_state);
  if (!config.ok()) {
    return InvalidMessage(
        absl::StrCat("a snapshot whose membership makes no sense: ", config.status().message()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckRemoteMessage(const Message& m) {
  if (!IsKnown(m.type)) return InvalidMessage(absl::StrCat("its type is ", raftpb::Name(m.type)));
  // Whether its leader is gone is for a server's own embedder to say, and for nobody else.
  const bool local = raftpb::IsLocalMessage(m.type) || m.type == MessageType::kForgetLeader;
  if (local) return LocalMessage();
  if (m.from == kNone || m.from == kLocalAppendThread || m.from == kLocalApplyThread) {
    return InvalidMessage("its sender is no server");
  }
  if (!m.responses.empty()) return InvalidMessage("it asks for responses to be sent");
  if (absl::Status numbers = CheckNumbers(m); !numbers.ok()) return numbers;
  switch (m.type) {
    case MessageType::kProp: return CheckProposal(m.entries);
    case MessageType::kApp: return CheckAppend(m);
    case MessageType::kSnap: return CheckSnapshot(m);
    case MessageType::kReadIndex:
      return m.entries.size() == 1 ? absl::OkStatus()
                                   : InvalidMessage("a read needs exactly one context");
    default: return absl::OkStatus();
  }
}

absl::Status CheckProposal(const raftpb::EntryList& entries) {
  if (entries.empty()) return InvalidMessage("a proposal without entries");
  for (const raftpb::Entry& entry : entries) {
    absl::Status change = absl::OkStatus();
    if (entry.type == EntryType::kConfChange) {
      raftpb::ConfChange v1;
      change = raftpb::Decode(entry.data, v1);
    } else if (entry.type == EntryType::kConfChangeV2) {
      raftpb::ConfChangeV2 v2;
      change = raftpb::Decode(entry.data, v2);
    }
    if (!change.ok()) {
      return InvalidMessage(
          absl::StrCat("a configuration change that cannot be read: ", change.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace raft
