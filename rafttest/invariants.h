// What must hold at every moment of every run, checked from outside.
//
// The checker keeps a ghost of the whole cluster's history that no server ever sees, and compares
// after every event. The names S1.. are those of docs/testing.md, each with its source in the
// thesis.
#ifndef RAFT_RAFTTEST_INVARIANTS_H_
#define RAFT_RAFTTEST_INVARIANTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/types/optional.h"
#include "raft/raw_node.h"
#include "raft/ready.h"
#include "raft/tracker/config.h"
#include "raft/types.h"
#include "raftpb/conf_state.h"
#include "raftpb/message.h"
#include "rafttest/hashed_log.h"
#include "rafttest/request_ledger.h"

namespace rafttest {

// What was promised not to happen.
struct Violation {
  std::string invariant;  // "S1", "R1", ..
  std::string what;       // For people: who, when, which numbers.
};

// Servers are named by ids 1..n; whoever drives them reports here, in the order in which things
// happen. The first violation is kept; later reports are then ignored.
class Invariants {
 public:
  struct Leniency {
    // With Config::immediate_sends, an acknowledgement may leave in a later term than it was made.
    bool old_acks_may_leave = false;
    // The network duplicates, so that what is forwarded may come about twice.
    bool messages_may_repeat = false;
  };

  Invariants(size_t servers, Leniency leniency);

  const absl::optional<Violation>& violation() const { return violation_; }
  void Fail(std::string invariant, std::string what);

  // --- Reports ---

  // A server of the founding configuration whose log starts behind this position.
  void OnFounded(raft::NodeId id, raft::Index index, HashedLog::Position position,
                 const raftpb::ConfState& conf_state);
  // A server has (re)started with what its disk has.
  void OnStarted(raft::NodeId id, const raft::RawNode& node);
  void OnCrashed(raft::NodeId id);

  // A vote request is about to be handled.
  void BeforeVoteRequest(const raft::RawNode& node, const raftpb::Message& request);
  // Something was done to a server: a message, a tick, a confirmation.
  void AfterStep(raft::NodeId id, const raft::RawNode& node);
  // It handed out work.
  void OnReady(raft::NodeId id, const raft::RawNode& node, const raft::Ready& ready);
  // Its disk has something for good.
  void OnDurable(raft::NodeId id, const raftpb::EntryList& entries);
  void OnDurable(raft::NodeId id, const raftpb::HardState& hard_state);
  void OnDurable(raft::NodeId id, const raftpb::Snapshot& snapshot, uint64_t state_hash);
  void OnCompacted(raft::NodeId id, raft::Index index);
  // A message leaves it (under its own name, or passed on under that of its first sender).
  void OnSend(raft::NodeId id, const raftpb::Message& message);
  // Its state machine has applied an entry, and then has this hash; for a change of membership,
  // with the configuration that resulted.
  void OnApplied(raft::NodeId id, const raftpb::Entry& entry, uint64_t state_hash,
                 const raftpb::ConfState* conf_state);
  // Its state machine is this, as a hash, after the entry at `index`.
  void OnMachineState(raft::NodeId id, raft::Index index, uint64_t hash);
  // It was told to change its configuration, and said that this is the result.
  void OnChanged(raft::NodeId id, const raft::RawNode& node, const raftpb::ConfState& conf_state);
  // Somebody was told that a proposal will never happen. A server has applied one.
  void OnProposalRefused(uint64_t proposal) { requests_.OnProposalRefused(proposal); }
  void OnProposalApplied(raft::NodeId id, uint64_t proposal, raft::Index at);
  // It asked for a read; it got an answer.
  void OnReadAsked(raft::NodeId id, uint64_t read) {
    requests_.OnReadAsked(id, read, committed_.last());
  }
  void OnReadAnswered(raft::NodeId id, uint64_t read, raft::Index at);

  // --- Looking ---

  raft::Index committed() const { return committed_.last(); }  // By anybody, ever.
  const HashedLog& committed_log() const { return committed_; }
  // The configuration after the last committed change that anybody applied.
  const raftpb::ConfState& newest_configuration() const { return configurations_.rbegin()->second; }
  // Whether some log has a change of membership that nobody has applied yet.
  bool ChangeUnderway() const;
  uint64_t elections() const { return leaders_.size(); }

 private:
  // The ghost of one server.
  struct Ghost {
    HashedLog handed_out;  // Its log as its Readys told it.
    HashedLog durable;     // What it would come back with.
    raftpb::HardState durable_state;
    raft::Role role = raft::Role::kFollower;
    raft::Term term = 0;
    raft::Index commit = 0;
    raft::Index applied = 0;        // By the core's count.
    raft::Index state_applied = 0;  // By the state machine's.
    raft::Index commit_checked = 0;
    raft::Term led_ready_term = 0;      // The last in which it handed out a Ready as leader.
    raft::Index last_when_elected = 0;  // Of its log, while leading.
    raft::tracker::Config membership;   // As its start and what it applied made it.
    std::vector<std::pair<raft::NodeId, raft::Index>> match_checked;  // While leading.
  };

  void RememberVote(raft::NodeId id, raft::Term term, raft::NodeId candidate);
  void CheckLeadership(raft::NodeId id, const raft::RawNode& node, Ghost& ghost);
  void CheckLeaderCommit(raft::NodeId id, const raft::RawNode& node, raft::Index commit);
  void CheckProgress(raft::NodeId id, const raft::RawNode& node, Ghost& ghost);
  void CheckCommitted(raft::NodeId id, raft::Index commit, Ghost& ghost);
  bool HandOutSnapshot(raft::NodeId id, const raftpb::SnapshotMetadata& metadata, Ghost& ghost);
  bool HandOutEntries(raft::NodeId id, const raft::RawNode& node, const raft::Ready& ready,
                      Ghost& ghost);
  void CheckLogsMatch(raft::NodeId id, raft::Index first, const Ghost& ghost);
  void CheckMembership(raft::NodeId id, const raft::RawNode& node, const raft::Ready& ready,
                       Ghost& ghost);
  void CheckOwnChanges(raft::NodeId id, const raft::RawNode& node, const raft::Ready& ready);
  void CheckConfiguration(raft::NodeId id, raft::Index index, const raftpb::ConfState& conf_state);
  bool HasDurably(raft::NodeId id, raft::Index index, const HashedLog::Position& position) const;
  Ghost& ghost(raft::NodeId id) { return ghosts_[id - 1]; }
  const Ghost& ghost(raft::NodeId id) const { return ghosts_[id - 1]; }

  const Leniency leniency_;
  absl::optional<Violation> violation_;
  // The vote request under way if it must not be granted, and the answers that wait before it.
  absl::optional<raftpb::Message> hopeless_request_;
  size_t answers_before_ = 0;
  std::vector<Ghost> ghosts_;
  HashedLog committed_;  // First entry observed committed at each index,
  raft::Index first_committed_ = 1;
  std::vector<raft::Term> commit_terms_;  // and in which term, from first_committed_ on.
  absl::flat_hash_map<raft::Term, raft::NodeId> leaders_;
  absl::flat_hash_map<std::pair<raft::NodeId, raft::Term>, raft::NodeId> votes_;
  // For each index the (term, hash) pairs ever seen there.
  std::vector<absl::InlinedVector<std::pair<raft::Term, uint64_t>, 1>> seen_;
  std::map<raft::Index, raftpb::ConfState> configurations_;  // By the index of the change.
  std::map<raft::Index, uint64_t> machine_states_;           // The first seen after each entry.
  RequestLedger requests_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_INVARIANTS_H_
