// The safety properties of Figure 3.2, checked on live servers between any two of their steps.
#ifndef RAFT_RAFT_TESTING_SAFETY_H_
#define RAFT_RAFT_TESTING_SAFETY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "raft/raft.h"
#include "raft/storage.h"
#include "raft/testing/state_machine.h"
#include "raft/types.h"
#include "raftpb/hard_state.h"
#include "raftpb/message.h"

namespace raft::testing {

// Remembers what every server has ever shown, so that two leaders of one term are found even if
// they never lived at the same time. What is checked assumes honest peers: after a forged message
// nothing of it needs to hold.
class Safety {
 public:
  using Report = std::function<void(const std::string& violation)>;

  // One server as it stands: the core, what would survive a crash, and what was applied.
  struct View {
    const Raft* raft;
    const Storage* storage;
    raftpb::HardState stored;
    const StateMachine* machine;
  };
  using Views = std::map<NodeId, View>;

  explicit Safety(Report report) : report_(std::move(report)) {}

  // After any step of `id`.
  void Observe(NodeId id, const Views& servers);
  // `message` is about to leave a server: what it promises must be on that server's disk (§3.8).
  void ObserveSent(const raftpb::Message& message, const View& sender);
  // `id` applies an entry.
  void ObserveApplied(NodeId id, const raftpb::Entry& entry, Index applied_before);
  // `id` has crashed: what was volatile may fall back.
  void Forget(NodeId id) { last_seen_.erase(id); }

  Index committed() const { return committed_.empty() ? 0 : committed_.rbegin()->first; }

 private:
  // What the last look at a server has shown.
  struct Seen {
    Role role = Role::kFollower;
    Term term = 0;
    Index first = 0;
    EntryId last;
    Index commit = 0;
  };
  // An entry that was seen committed, and the earliest term in which somebody knew it.
  struct Committed {
    Term term;
    Term known_in;
  };
  struct Content {  // Of an entry and, through `chain`, of all before it.
    raftpb::EntryType type;
    absl::Cord data;
    EntryId previous;
  };

  void CheckElectionSafety(NodeId id, const Raft& raft);
  void CheckLogMatching(NodeId id, const Raft& raft);
  void CheckCommitted(NodeId id, const Raft& raft, Index from);
  void CheckLeaderCompleteness(NodeId id, const Raft& raft);
  void CheckLeaderAppendOnly(NodeId id, const Raft& raft, const Seen& before);
  void CheckCommitRule(NodeId id, const Views& servers);
  void CheckProgress(NodeId id, const Views& servers);
  void Violated(absl::string_view rule, NodeId id, absl::string_view what);

  Report report_;
  std::map<NodeId, Seen> last_seen_;
  std::map<Term, NodeId> leaders_;
  std::map<std::pair<NodeId, Term>, NodeId> votes_;
  std::map<EntryId, Content> entries_;
  std::map<Index, Committed> committed_;
};

}  // namespace raft::testing

#endif  // RAFT_RAFT_TESTING_SAFETY_H_
