// Every state transition of a server, for checking against a specification of Raft.
#ifndef RAFT_RAFT_TRACE_H_
#define RAFT_RAFT_TRACE_H_

#include "raft/types.h"
#include "raftpb/conf_state.h"
#include "raftpb/message.h"

namespace raft {

// What happened. The set is that of the actions of the TLA+ specification of Raft, so that a trace
// can be replayed against a model.
enum class TraceAction : uint8_t {
  kInit,            // Started with what the storage had.
  kBecomeFollower,  //
  kBecomePreCandidate,
  kBecomeCandidate,  //
  kBecomeLeader,     //
  kReceive,          // `message` is about to be handled.
  kSend,             // `message` was put into the outbox.
  kAppend,           // Entries were appended to the own log; `last` is the new end.
  kCommit,           // The commit index moved.
  kApply,            // The applied index moved.
  kStable,           // The disk confirmed entries.
  kReady,            // A Ready was taken.
  kConfigChange,     // A configuration came into force; `conf_state` is it.
  kRestoreSnapshot,  // The log was replaced by a snapshot.
};

// The server's state after the action (before it, for kReceive). Pointers are valid during Record.
struct TraceEvent {
  TraceAction action = TraceAction::kInit;
  NodeId id = kNone;
  Role role = Role::kFollower;
  Term term = 0;
  NodeId vote = kNone;
  NodeId lead = kNone;
  Index commit = 0;
  Index applied = 0;
  EntryId last;  // The end of the log.
  const raftpb::Message* message = nullptr;
  const raftpb::ConfState* conf_state = nullptr;
};

// Given by the embedder; called on the thread that drives the server, must not call it back.
class Tracer {
 public:
  virtual ~Tracer() = default;
  virtual void Record(const TraceEvent& event) = 0;
};

}  // namespace raft

#endif  // RAFT_RAFT_TRACE_H_
