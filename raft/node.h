// A server of one group with a thread of its own: many callers in, one core, one embedder out.
//
// The only place in raft/ that knows threads and clocks. Whoever brings a loop of his own, or runs
// many groups on few threads, uses raw_node.h instead.
#ifndef RAFT_RAFT_NODE_H_
#define RAFT_RAFT_NODE_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "raft/config.h"
#include "raft/peer.h"
#include "raft/proposal_queue.h"
#include "raft/raw_node.h"
#include "raft/read_rounds.h"
#include "raft/ready.h"
#include "raft/status.h"
#include "raft/types.h"
#include "raftpb/conf_change.h"
#include "raftpb/conf_state.h"
#include "raftpb/entry_list.h"
#include "raftpb/hard_state.h"
#include "raftpb/message.h"
#include "raftpb/snapshot.h"

namespace raft {

// What is to be stored, in one piece and in the order handed out. Give it back to Node::OnStored
// when it is.
struct StoreWork {
  raftpb::EntryList entries;  // Replaces what has the same index or a higher one.
  absl::optional<raftpb::HardState> hard_state;  // If it changed.
  raftpb::SnapshotPtr snapshot;                  // To replace the log by. Null if none.
  bool must_sync = false;  // Must be durable before OnStored. Else it may be lost by a crash.

 private:
  friend class Node;
  std::vector<raftpb::Message> promises;  // What may be said once it is stored.
};

// Committed entries to be applied, in order. Give it back to Node::OnApplied when they are.
struct ApplyWork {
  raftpb::EntryList entries;

 private:
  friend class Node;
  std::vector<raftpb::Message> confirmations;
};

// What the embedder does for a node. Called on the node's thread (Send also on the thread that
// calls OnStored), so nothing here may wait for the node.
// examples/raftexample/server/server_host.cc is a complete one.
class NodeHost {
 public:
  virtual ~NodeHost() = default;

  // Sends to peers without ever blocking: a message that cannot leave soon is dropped, and told by
  // ReportUnreachable. A snapshot must be answered by ReportSnapshot in the end.
  virtual void Send(std::vector<raftpb::Message> messages) = 0;

  // Stores. Right here, before returning, if that is simplest: then what arrives meanwhile gathers,
  // and is one piece of work next time. Or on a thread of its own, so that heartbeats and reads
  // never wait for the disk. In either case OnStored follows, in the order of the calls; a server
  // whose disk failed calls Fail instead, and nothing else ever.
  virtual void Store(StoreWork work) = 0;

  // Passes entries on to whoever applies them, without waiting. A snapshot in a StoreWork is to be
  // loaded between the work handed out before it and after it.
  virtual void Apply(ApplyWork work) = 0;

  // The leader or the role changed, in `term`. (A term that begins without either is not told.)
  virtual void OnLeadership(const SoftState& state, Term term) = 0;

  // The node has stopped by itself, and every call from now on fails with this: Fail was called, or
  // a promise of the protocol is broken (IsPromiseBroken). Called once.
  virtual void OnFailure(const absl::Status& why) = 0;
};

struct NodeOptions {
  // Of the core. Storage writes are always asynchronous here. The storage is read on the node's
  // thread; it must bear being written by the host meanwhile.
  Config config;

  // How long a tick of `config` is, by a clock that nobody sets and that goes on while the machine
  // sleeps (CLOCK_BOOTTIME; where there is none, CLOCK_MONOTONIC, which does not go on: there a
  // machine that may be suspended must not use ReadOnlyOption::kLeaseBased).
  absl::Duration tick = absl::Milliseconds(100);

  // Pieces of store work that must be synced and have not come back. While there are so many,
  // proposals wait and gather for the next one; acknowledgements, heartbeats and reads do not.
  int max_stores_in_flight = 1;

  // Rounds of heartbeats for reads that have not come back. Later reads gather for the next round.
  int max_read_rounds_in_flight = 1;

  // A round without an answer is repeated after so many ticks: a message was lost.
  uint32_t read_retry_ticks = 5;

  // Beyond these nothing more is taken: proposals and reads are refused (DropReason::kOverQuota),
  // messages are dropped as a network would.
  size_t max_waiting_proposals = 1 << 16;
  size_t max_waiting_proposal_bytes = 256 << 20;
  size_t max_waiting_reads = 1 << 20;
  size_t max_waiting_messages = 1 << 14;
};

// The node was stopped before this was done. It may or may not happen later, on other servers.
absl::Status NodeStopped();
bool IsNodeStopped(const absl::Status& status);

// Counters since the start.
struct NodeStats {
  uint64_t turns = 0;             // Of the loop.
  uint64_t proposals = 0;         // Taken by the core.
  uint64_t proposal_batches = 0;  // In so many pieces.
  uint64_t reads = 0;             // Answered.
  uint64_t read_rounds = 0;       // By so many rounds, repeated ones included.
  uint64_t messages = 0;          // Stepped.
  uint64_t refused_messages = 0;  // Refused by the core.
  uint64_t dropped_messages = 0;  // For lack of room.
};

// Every method is thread-safe and returns without waiting for the disk or a peer, unless said
// otherwise. Callbacks run on the node's thread, or inside the call if it is refused at once; they
// must be short, and may call the node again, but none of its waiting calls. Every callback is
// called exactly once, at the latest by Stop.
//
// One turn of the thread takes everything that has arrived since the last one, hands all of it to
// the core, and carries out one Ready: requests that arrive together share one append, one write to
// disk, one broadcast.
class Node {
 public:
  // Starts with what the storage holds, or founds a new group with `founders` (RawNode::Bootstrap)
  // if there are any. The host outlives the node. Host calls may come before Start returns. Errors
  // are those of RawNode::Create and Bootstrap, and then no host call has come.
  static absl::StatusOr<std::unique_ptr<Node>> Start(const NodeOptions& options, NodeHost& host,
                                                     absl::Span<const Peer> founders);
  ~Node();  // Stop().

  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Ends the thread and fails everything that waits with NodeStopped(). Work handed to the host
  // before may still be given back. Waits for the thread; not from a callback.
  void Stop();

  // --- Requests of clients ---

  using Done = ProposalQueue::Done;  // void(const absl::Status&)

  // Proposes an entry. While there is no leader, or leadership is being transferred, it waits for
  // one, at most until the deadline. OkStatus: the entry is in the leader's log or on its way
  // there, and may still be lost with the leader; it has happened when it is applied.
  // IsProposalDropped: it will never happen; the reason is in DropReasonOf. IsNodeStopped.
  void Propose(absl::Cord data, absl::Time deadline, Done done);
  absl::Status ProposeAndWait(absl::Cord data, absl::Time deadline);

  // The same for a change of membership. A leader that cannot make it now puts an empty entry in
  // its place: that it happened is known only when it is applied.
  void ProposeConfChange(raftpb::ConfChangeV2 change, absl::Time deadline, Done done);

  // Asks up to where the log must be applied before a read that starts now is linearizable (§6.4).
  // All that wait share one round. Repeated until the deadline while leaders change or messages are
  // lost; then ProposalDropped(kNoLeader). Or kOverQuota; or IsNodeStopped.
  using ReadDone = ReadRounds::Done;  // void(absl::StatusOr<Index>)
  void ReadIndex(absl::Time deadline, ReadDone done);
  absl::StatusOr<Index> ReadIndexAndWait(absl::Time deadline);

  // --- News from outside ---

  // Messages from peers; the transport has made sure that `from` is who it claims to be.
  void Step(std::vector<raftpb::Message> messages);
  void ReportUnreachable(NodeId peer);
  void ReportSnapshot(NodeId peer, SnapshotOutcome outcome);

  // --- Confirmations by the host ---

  void OnStored(StoreWork work);
  void OnApplied(ApplyWork work);
  // The disk or the state machine is broken: nothing may be promised any more.
  void Fail(absl::Status why);

  // Tells the core that a committed change is being applied; the result is the membership from then
  // on. Waits for the node's thread: call it where entries are applied. IsAborted means that a
  // snapshot is about to replace the state machine: apply nothing more before it is loaded. Another
  // error, the same on every server, means that nothing has changed; or it is IsNodeStopped.
  absl::StatusOr<raftpb::ConfState> ApplyConfChange(const raftpb::Entry& entry);

  // --- Management ---

  void Campaign();
  // Asks the leader to hand over. Whether it came about is seen in OnLeadership.
  void TransferLeadership(NodeId to);

  // As it was at the end of the last turn.
  BasicStatus GetBasicStatus() const;
  NodeStats stats() const;
  // Waits for the node's thread.
  absl::StatusOr<Status> GetStatus();

 private:
  using Task = absl::AnyInvocable<void(RawNode*)>;  // Null: the node has ended.

  // Everything that has arrived since the last turn.
  struct Inbox {
    std::vector<ProposalQueue::Proposal> proposals;
    std::vector<ReadRounds::Read> reads;
    std::vector<raftpb::Message> messages;  // From peers.
    std::vector<raftpb::Message> local;     // From the storage threads.
    std::vector<Task> tasks;                // The rare rest.
    bool resume = false;                    // Store work came back that proposals waited for.

    bool empty() const;
    void Clear();
  };

  // What waits or is being worked on, for the limits.
  struct Load {
    size_t proposals = 0;
    size_t proposal_bytes = 0;
    size_t reads = 0;
    int stores = 0;  // That must be synced, handed to the host and not yet back.
  };

  Node(const NodeOptions& options, NodeHost& host, std::unique_ptr<RawNode> core);

  // Puts something into the inbox and wakes the thread; or says why not.
  template <typename Put>
  absl::Status Deliver(Put put) ABSL_LOCKS_EXCLUDED(mutex_);
  template <typename Result, typename Ask>
  absl::StatusOr<Result> AskCore(Ask ask);
  void Propose(ProposalQueue::Proposal proposal);
  void Post(Task task);

  // --- The thread ---
  void Run();
  bool WaitForInput();
  absl::Duration UntilNextTick() const;
  void Turn();
  void TakeTicks();
  void TakeInput();
  void StepOne(const raftpb::Message& message);
  void AskForReads();
  bool HandOut();
  void PassOn();
  void Publish();
  void End();

  const NodeOptions options_;
  NodeHost& host_;

  mutable absl::Mutex mutex_;
  std::condition_variable_any wake_;  // It can wait by a clock that nobody sets.
  Inbox inbox_ ABSL_GUARDED_BY(mutex_);
  Load load_ ABSL_GUARDED_BY(mutex_);
  bool asleep_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status ended_ ABSL_GUARDED_BY(mutex_);  // Why nothing is taken any more; OkStatus before.
  BasicStatus status_ ABSL_GUARDED_BY(mutex_);
  NodeStats stats_ ABSL_GUARDED_BY(mutex_);

  // Only the thread touches what follows.
  std::unique_ptr<RawNode> core_;
  Inbox taken_;  // This turn's input.
  ProposalQueue proposals_;
  ReadRounds reads_;
  size_t reads_ended_ = 0;    // Since the last turn.
  int stores_in_flight_ = 0;  // As of this turn.
  absl::Duration last_tick_;  // By the clock of ticks.
  uint32_t ticks_until_due_ = 1;
  Ready ready_;
  NodeStats counted_;

  std::thread thread_;  // Last: starts when everything else is there.
};

}  // namespace raft

#endif  // RAFT_RAFT_NODE_H_
