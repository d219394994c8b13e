// What no correct peer ever sends, whatever the state of the receiver.
#ifndef RAFT_RAFT_MESSAGE_CHECK_H_
#define RAFT_RAFT_MESSAGE_CHECK_H_

#include "absl/status/status.h"
#include "raft/types.h"
#include "raftpb/message.h"

namespace raft {

// Looks at the message alone. Ok, LocalMessage or InvalidMessage with a reason; after Ok every
// number in it can be added to without wrapping, entries are consecutive and of terms that a leader
// of the message's term can have, and a snapshot describes a membership. Linear in the entries.
absl::Status CheckRemoteMessage(const raftpb::Message& message);

// A quick look that most messages pass: this one has nothing but numbers, and those are fine, so
// that CheckRemoteMessage would say Ok. False says nothing.
inline bool IsPlainlyValid(const raftpb::Message& m) {
  switch (m.type) {
    case raftpb::MessageType::kAppResp:
    case raftpb::MessageType::kHeartbeat:
    case raftpb::MessageType::kHeartbeatResp: break;
    case raftpb::MessageType::kApp:
      if (!m.entries.empty() || m.log_term > m.term) return false;
      break;
    default: return false;
  }
  const bool from_server =
      m.from != kNone && m.from != kLocalAppendThread && m.from != kLocalApplyThread;
  const bool has_next_term = m.term != 0 && m.term <= kMaxTerm && m.log_term <= kMaxTerm;
  // Of the bits of kMaxIndex none is set in numbers below it.
  const bool has_next_index = (m.index | m.commit | m.reject_hint) < kMaxIndex;
  return from_server && has_next_term && has_next_index && m.responses.empty();
}

// Proposed entries, from a peer or the local caller: there are some, and configuration changes can
// be read.
absl::Status CheckProposal(const raftpb::EntryList& entries);

}  // namespace raft

#endif  // RAFT_RAFT_MESSAGE_CHECK_H_
