// What servers say to each other, and a core to its own storage threads.
#ifndef RAFT_RAFTPB_MESSAGE_H_
#define RAFT_RAFTPB_MESSAGE_H_

#include <cstdint>
#include <vector>

#include "absl/strings/cord.h"
#include "raftpb/entry_list.h"
#include "raftpb/ids.h"
#include "raftpb/snapshot.h"

namespace raftpb {

// The names and numbers of etcd's raftpb. Numbers that are not listed can arrive from a newer
// peer; a core refuses them.
enum class MessageType : int32_t {
  kHup = 0,                 // Local: campaign now.
  kBeat = 1,                // Local: send heartbeats now.
  kProp = 2,                // Entries to append, to a leader (§3.5).
  kApp = 3,                 // AppendEntries (§3.5).
  kAppResp = 4,             //
  kVote = 5,                // RequestVote (§3.4).
  kVoteResp = 6,            //
  kSnap = 7,                // InstallSnapshot (§5.1).
  kHeartbeat = 8,           // AppendEntries without entries (§3.4), and read rounds (§6.4).
  kHeartbeatResp = 9,       //
  kUnreachable = 10,        // Local: a peer did not get what was sent.
  kSnapStatus = 11,         // Local: how the transfer of a snapshot ended.
  kCheckQuorum = 12,        // Local: a leader looks whether it still has a quorum (§6.2).
  kTransferLeader = 13,     // Hand leadership over (§3.10).
  kTimeoutNow = 14,         // Campaign without waiting (§3.10).
  kReadIndex = 15,          // A linearizable read (§6.4).
  kReadIndexResp = 16,      //
  kPreVote = 17,            // RequestVote that changes nothing (§9.6).
  kPreVoteResp = 18,        //
  kStorageAppend = 19,      // Local: to the append thread.
  kStorageAppendResp = 20,  // Local: from it.
  kStorageApply = 21,       // Local: to the apply thread.
  kStorageApplyResp = 22,   // Local: from it.
  kForgetLeader = 23,       // Local: a follower forgets who leads.
};

// One struct for all types: which fields mean something depends on the type (docs/architecture.md
// has the table). Unused fields are zero. A value; payloads, entries and snapshots are shared.
struct Message {
  MessageType type = MessageType::kHup;
  NodeId to = kNone;
  NodeId from = kNone;
  Term term = 0;  // The sender's term; 0 in proposals, reads and messages within a server.
  Term log_term = 0;
  Index index = 0;  // With log_term the position before `entries`, acknowledged, or voted on.
  EntryList entries;
  Index commit = 0;     // What the sender knows to be committed; in a refused vote with log_term.
  NodeId vote = kNone;  // Only to the append thread: the vote to store.
  SnapshotPtr snapshot;
  bool reject = false;
  Index reject_hint = 0;
  absl::Cord context;
  std::vector<Message> responses;  // To send once the work that this message asks for is done.

  EntryId id() const { return {log_term, index}; }
};

bool operator==(const Message& a, const Message& b);

// Types that a server says to itself only. From the network they are refused, and so is
// kForgetLeader, which does not count as local here because it does not for etcd/raft.
constexpr bool IsLocalMessage(MessageType type) {
  switch (type) {
    case MessageType::kHup:
    case MessageType::kBeat:
    case MessageType::kUnreachable:
    case MessageType::kSnapStatus:
    case MessageType::kCheckQuorum:
    case MessageType::kStorageAppend:
    case MessageType::kStorageAppendResp:
    case MessageType::kStorageApply:
    case MessageType::kStorageApplyResp: return true;
    default: return false;
  }
}

// Types that answer something. A server takes them only from a peer that it tracks.
constexpr bool IsResponse(MessageType type) {
  switch (type) {
    case MessageType::kAppResp:
    case MessageType::kVoteResp:
    case MessageType::kHeartbeatResp:
    case MessageType::kUnreachable:
    case MessageType::kReadIndexResp:
    case MessageType::kPreVoteResp:
    case MessageType::kStorageAppendResp:
    case MessageType::kStorageApplyResp: return true;
    default: return false;
  }
}

}  // namespace raftpb

#endif  // RAFT_RAFTPB_MESSAGE_H_
