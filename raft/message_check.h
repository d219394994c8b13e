// What no correct peer ever sends, whatever the state of the receiver.
#ifndef RAFT_RAFT_MESSAGE_CHECK_H_
#define RAFT_RAFT_MESSAGE_CHECK_H_

#include "absl/status/status.h"
#include "raftpb/message.h"

namespace raft {

// Looks at the message alone. Ok, LocalMessage or InvalidMessage with a reason; after Ok every
// number in it can be added to without wrapping, entries are consecutive and of terms that a leader
// of the message's term can have, and a snapshot describes a membership. Linear in the entries.
absl::Status CheckRemoteMessage(const raftpb::Message& message);

// Proposed entries, from a peer or the local caller: there are some, and configuration changes can
// be read.
absl::Status CheckProposal(const raftpb::EntryList& entries);

}  // namespace raft

#endif  // RAFT_RAFT_MESSAGE_CHECK_H_
