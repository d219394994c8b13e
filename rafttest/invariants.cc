#include "rafttest/invariants.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "raft/raft.h"
#include "raftpb/describe.h"
#include "rafttest/configuration_rules.h"

namespace rafttest {

using raft::Index;
using raft::kNone;
using raft::NodeId;
using raft::RawNode;
using raft::Role;
using raft::Term;
using raftpb::Message;
using raftpb::MessageType;

Invariants::Invariants(size_t servers, Leniency leniency)
    : leniency_(leniency), ghosts_(servers), requests_(leniency.messages_may_repeat) {}

void Invariants::Fail(std::string invariant, std::string what) {
  if (!violation_) violation_ = Violation{std::move(invariant), std::move(what)};
}

void Invariants::OnFounded(NodeId id, Index index, HashedLog::Position position,
                           const raftpb::ConfState& conf_state) {
  Ghost& g = ghost(id);
  g.durable.Restore(index, position);
  g.state_applied = index;
  if (committed_.last() == 0) {
    committed_.Restore(index, position);
    first_committed_ = index + 1;
  }
  configurations_[index] = conf_state;
}

void Invariants::OnStarted(NodeId id, const RawNode& node) {
  Ghost& g = ghost(id);
  const raft::log::RaftLog& log = node.raft().log();
  g.handed_out = g.durable;
  g.role = Role::kFollower;
  g.term = node.raft().term();
  g.commit = log.committed();
  g.applied = log.applied();
  g.state_applied = log.applied();
  g.commit_checked = 0;
  g.match_checked.clear();
  g.led_ready_term = 0;
  g.membership = node.raft().membership();
  if (log.LastIndex() != g.durable.last()) {
    Fail("S8", absl::StrCat(id, " came back with a log up to ", log.LastIndex(), ", its disk has ",
                            g.durable.last()));
  }
  if (g.term != g.durable_state.term) {
    Fail("S8",
         absl::StrCat(id, " came back in term ", g.term, ", its disk has ", g.durable_state.term));
  }
}

void Invariants::OnCrashed(NodeId id) {
  // S10: whatever is committed, every quorum still has a durable copy of it (§3.6.3).
  const Index last = committed_.last();
  const HashedLog::Position& position = committed_.At(last);
  const raftpb::ConfState& conf = newest_configuration();
  if (HasQuorum(conf, [&](NodeId v) { return !HasDurably(v, last, position); })) {
    Fail("S10", absl::StrCat("after the crash of ", id, " a quorum of ", raftpb::Describe(conf),
                             " lacks committed entry ", last));
  }
}

bool Invariants::HasDurably(NodeId id, Index index, const HashedLog::Position& position) const {
  const HashedLog& durable = ghost(id).durable;
  if (index < durable.first() - 1) return true;  // Under a snapshot, which is checked by itself.
  return durable.Has(index) && durable.At(index) == position;
}

bool Invariants::ChangeUnderway() const {
  const Index newest = configurations_.rbegin()->first;
  for (const Ghost& g : ghosts_) {
    for (const HashedLog* log : {&g.handed_out, &g.durable}) {
      for (Index index = std::max(newest + 1, log->first()); index <= log->last(); ++index) {
        if (log->At(index).conf_change) return true;
      }
    }
  }
  return false;
}

// S11: nobody votes for a log that is behind its own (§3.6.1). Asked before, so that the answer can
// be held against it.
void Invariants::BeforeVoteRequest(const RawNode& node, const Message& request) {
  if (request.id() >= node.raft().log().LastId()) return;
  hopeless_request_ = request;
  answers_before_ = node.raft().outbox().after_write().size();
}

void Invariants::AfterStep(NodeId id, const RawNode& node) {
  Ghost& g = ghost(id);
  const raft::Raft& raft = node.raft();
  const raft::log::RaftLog& log = raft.log();
  if (hopeless_request_) {
    const std::vector<Message>& answers = raft.outbox().after_write();
    for (size_t i = answers_before_; i < answers.size(); ++i) {
      const bool vote =
          answers[i].type == MessageType::kVoteResp || answers[i].type == MessageType::kPreVoteResp;
      if (vote && !answers[i].reject && answers[i].to == hopeless_request_->from) {
        Fail("S11",
             absl::StrCat(id, " votes for ", answers[i].to, " whose log ends at (",
                          hopeless_request_->log_term, ", ", hopeless_request_->index,
                          "), its own at (", log.LastId().term, ", ", log.LastId().index, ")"));
      }
    }
    hopeless_request_.reset();
  }

  // S8: the indexes keep their order, and never fall within a life.
  if (log.applied() > log.applying() || log.applying() > log.committed() ||
      log.committed() > log.LastIndex()) {
    Fail("S8", absl::StrCat(id, ": ", log.Describe(), ", last=", log.LastIndex()));
  }
  if (log.committed() < g.commit || log.applied() < g.applied || raft.term() < g.term) {
    Fail("S8",
         absl::StrCat(id, " went back: term ", g.term, " to ", raft.term(), ", commit ", g.commit,
                      " to ", log.committed(), ", applied ", g.applied, " to ", log.applied()));
  }
  // L4: to ask "what if" raises nobody's term (§9.6).
  if (raft.role() == Role::kPreCandidate && raft.term() != g.term) {
    Fail("L4", absl::StrCat(id, " raises its term from ", g.term, " to ", raft.term(),
                            " for a pre-vote"));
  }
  if (raft.role() == Role::kLeader) {
    CheckLeadership(id, node, g);
    if (log.committed() > g.commit) CheckLeaderCommit(id, node, log.committed());
    CheckProgress(id, node, g);
  }
  g.role = raft.role();
  g.term = raft.term();
  g.commit = log.committed();
  g.applied = log.applied();
}

void Invariants::CheckLeadership(NodeId id, const RawNode& node, Ghost& g) {
  const raft::Raft& raft = node.raft();
  const raft::log::RaftLog& log = raft.log();
  if (g.role == Role::kLeader && g.term == raft.term()) return;
  g.match_checked.clear();
  // S1: over all of history, one leader per term (§3.4).
  const auto [leader, first] = leaders_.emplace(raft.term(), id);
  if (!first && leader->second != id) {
    Fail("S1", absl::StrCat(id, " leads term ", raft.term(), ", and so did ", leader->second));
  }
  // S1, S2: it was elected by a quorum, by votes that no crash takes back (§3.4, §3.8).
  const auto voted = [&](NodeId voter) {
    const auto vote = votes_.find({voter, raft.term()});
    return vote != votes_.end() && vote->second == id;
  };
  if (!HasQuorum(raft.membership().voters, voted)) {
    Fail("S1", absl::StrCat(id, " leads term ", raft.term(), " without a quorum of ",
                            Describe(raft.membership()), " having voted for it"));
  }
  g.last_when_elected = log.LastIndex() - 1;  // In front of its own first entry.
  // S6: a new leader has all that was committed in earlier terms (§3.6.3). A server may learn of
  // its election so late that the group has moved on.
  Index last = committed_.last();
  while (last >= committed_.first() && commit_terms_[last - first_committed_] >= raft.term())
    --last;
  const bool covered = log.FirstIndex() > last + 1;
  if (!covered && !log.Matches({committed_.At(last).term, last})) {
    Fail("S6", absl::StrCat(id, " leads term ", raft.term(), " without committed entry ", last,
                            "; its log ends at ", log.LastIndex()));
  }
}

// S9: a leader commits only entries of its own term, and only when a quorum has them durably
// (§3.6.2).
void Invariants::CheckLeaderCommit(NodeId id, const RawNode& node, Index commit) {
  const Ghost& g = ghost(id);
  if (!g.handed_out.Has(commit)) {
    return Fail("S9", absl::StrCat(id, " commits ", commit, ", which it never handed out"));
  }
  const HashedLog::Position& position = g.handed_out.At(commit);
  if (position.term != node.raft().term()) {
    return Fail("S9", absl::StrCat(id, " leads term ", node.raft().term(), " and commits ", commit,
                                   " of term ", position.term, " by counting"));
  }
  const auto has = [&](NodeId voter) { return HasDurably(voter, commit, position); };
  if (!HasQuorum(node.raft().membership().voters, has)) {
    Fail("S9",
         absl::StrCat(id, " commits ", commit, " of term ", position.term, " without a quorum of ",
                      Describe(node.raft().membership()), " having it durably"));
  }
}

// S15: what a leader believes of a follower's log is true (§3.5), and its windows have bounds.
void Invariants::CheckProgress(NodeId id, const RawNode& node, Ghost& g) {
  const raft::Config& config = node.raft().config();
  if (config.max_uncommitted_size != 0 && g.led_ready_term == g.term &&
      node.raft().log().applied() == node.raft().log().LastIndex() &&
      node.raft().uncommitted_size() != 0) {
    Fail("S15", absl::StrCat(id, " has applied all, and counts ", node.raft().uncommitted_size(),
                             " bytes as uncommitted"));
  }
  size_t i = 0;
  for (const auto& [peer, progress] : *node.raft().progress()) {
    if (progress.match() >= progress.next()) {
      Fail("S15", absl::StrCat(id, " takes ", peer, " for match=", progress.match(),
                               " next=", progress.next()));
    }
    if (progress.inflights().count() > config.max_inflight_msgs) {
      Fail("S15", absl::StrCat(id, " has ", progress.inflights().count(), " messages to ", peer,
                               " in flight"));
    }
    if (progress.inflights().empty() != (progress.inflights().bytes() == 0) &&
        progress.inflights().empty()) {
      Fail("S15", absl::StrCat(id, " has nothing in flight to ", peer, ", but ",
                               progress.inflights().bytes(), " bytes of it"));
    }
    if (i == g.match_checked.size()) g.match_checked.emplace_back(peer, 0);
    auto& [checked_peer, checked] = g.match_checked[i++];
    if (checked_peer != peer) {
      checked_peer = peer;
      checked = 0;
    }
    const Index match = progress.match();
    // Only who left and came back starts anew.
    if (match < checked && match != 0) {
      Fail("S15",
           absl::StrCat(id, " took ", peer, " to match up to ", checked, ", and now to ", match));
    }
    if (match <= checked) {
      checked = match;
      continue;
    }
    checked = match;
    if (!g.handed_out.Has(match)) continue;  // Compacted since.
    // A later leader may have overwritten what it acknowledged to this one, which will never know.
    if (ghost(peer).durable_state.term > node.raft().term()) continue;
    if (!HasDurably(peer, match, g.handed_out.At(match))) {
      Fail("S15",
           absl::StrCat(id, " of term ", node.raft().term(), " takes ", peer, " to match up to ",
                        match, ", but its disk has other entries or ends at ",
                        ghost(peer).durable.last()));
    }
  }
}

void Invariants::OnReady(NodeId id, const RawNode& node, const raft::Ready& ready) {
  Ghost& g = ghost(id);
  if (ready.snapshot != nullptr && !HandOutSnapshot(id, ready.snapshot->metadata, g)) return;
  if (!ready.entries.empty() && !HandOutEntries(id, node, ready, g)) return;
  if (node.raft().role() == Role::kLeader) g.led_ready_term = node.raft().term();
  CheckCommitted(id, node.raft().log().committed(), g);
  CheckMembership(id, node, ready, g);
}

// S12: a snapshot stands for what was committed (§5). Whether to go on.
bool Invariants::HandOutSnapshot(NodeId id, const raftpb::SnapshotMetadata& metadata, Ghost& g) {
  if (metadata.index > committed_.last() || metadata.index < committed_.first() - 1 ||
      committed_.At(metadata.index).term != metadata.term) {
    Fail("S12", absl::StrCat(id, " takes a snapshot at ", metadata.index, " of term ",
                             metadata.term, "; committed up to ", committed_.last()));
    return false;
  }
  g.handed_out.Restore(metadata.index, committed_.At(metadata.index));
  return true;
}

// Whether to go on.
bool Invariants::HandOutEntries(NodeId id, const RawNode& node, const raft::Ready& ready,
                                Ghost& g) {
  const Index first = ready.entries.front().index;
  if (first > g.handed_out.last() + 1) {
    Fail("S8", absl::StrCat(id, " hands out entry ", first, " behind ", g.handed_out.last()));
    return false;
  }
  // S4: a leader never rewrites its log (§3.5).
  const bool leads_on =
      node.raft().role() == Role::kLeader && g.led_ready_term == node.raft().term();
  if (leads_on && first <= g.handed_out.last()) {
    Fail("S4", absl::StrCat(id, " leads term ", node.raft().term(), " and rewrites entry ", first));
  }
  if (first <= g.commit_checked) Fail("S8", absl::StrCat(id, " rewrites committed entry ", first));
  CheckOwnChanges(id, node, ready);
  g.handed_out.Append(ready.entries);
  CheckLogsMatch(id, first, g);
  return true;
}

// S5: index and term name one log (§3.5). Of what was handed out from `first` on.
void Invariants::CheckLogsMatch(NodeId id, Index first, const Ghost& g) {
  const Index last = g.handed_out.last();
  if (seen_.size() <= last) seen_.resize(last + 1);
  for (Index index = first; index <= last; ++index) {
    const HashedLog::Position& position = g.handed_out.At(index);
    auto& logs = seen_[index];
    auto same_term = std::find_if(logs.begin(), logs.end(),
                                  [&](const auto& log) { return log.first == position.term; });
    if (same_term == logs.end()) {
      logs.emplace_back(position.term, position.hash);
    } else if (same_term->second != position.hash) {
      Fail("S5", absl::StrCat(id, " has another entry at (", position.term, ", ", index,
                              ") than somebody before"));
    }
  }
}

// S13: the configuration changes only by what is applied, which updates the ghost.
void Invariants::CheckMembership(NodeId id, const RawNode& node, const raft::Ready& ready,
                                 Ghost& g) {
  if (ready.snapshot != nullptr) {
    g.membership = node.raft().membership();
    const raftpb::ConfState now = g.membership.ToConfState();
    if (!(now == ready.snapshot->metadata.conf_state)) {
      Fail("S13", absl::StrCat(id, " takes ", raftpb::Describe(now), " from a snapshot with ",
                               raftpb::Describe(ready.snapshot->metadata.conf_state)));
    }
  }
  if (!(g.membership == node.raft().membership())) {
    Fail("S13", absl::StrCat(id, " believes in ", Describe(node.raft().membership()),
                             ", but what it applied makes ", Describe(g.membership)));
  }
}

// S13: a leader admits one unapplied change of membership at a time (§4.1).
void Invariants::CheckOwnChanges(NodeId id, const RawNode& node, const raft::Ready& ready) {
  const raft::Raft& raft = node.raft();
  if (raft.role() != Role::kLeader) return;
  const HashedLog& log = ghost(id).handed_out;
  for (const raftpb::Entry& entry : ready.entries) {
    if (!raftpb::IsConfChange(entry) || entry.term != raft.term()) continue;
    // What was in its log when it was elected may hold a change, too: first it applies that.
    if (raft.log().applied() < ghost(id).last_when_elected) {
      Fail("S13", absl::StrCat(id, " leads term ", raft.term(), " and proposes a change at ",
                               entry.index, ", having applied up to ", raft.log().applied(),
                               " of the ", ghost(id).last_when_elected, " entries it began with"));
    }
    for (Index index = raft.log().applied() + 1; index < entry.index; ++index) {
      const bool in_ready = index >= ready.entries.front().index;
      const bool change =
          in_ready ? raftpb::IsConfChange(ready.entries[index - ready.entries.front().index])
                   : log.Has(index) && log.At(index).conf_change;
      if (change) {
        Fail("S13", absl::StrCat(id, " leads term ", raft.term(), " and proposes a change at ",
                                 entry.index, " with an unapplied one at ", index));
      }
    }
  }
}

// S7: all servers commit the same entries (§3.6.3).
void Invariants::CheckCommitted(NodeId id, Index commit, Ghost& g) {
  if (commit <= g.commit_checked) return;
  if (!g.handed_out.Has(commit)) {
    if (commit >= g.handed_out.first() - 1) {
      Fail("S7", absl::StrCat(id, " has committed ", commit, ", but its log ends at ",
                              g.handed_out.last()));
    }
    return;
  }
  const Index known = std::min(commit, committed_.last());
  if (known >= g.handed_out.first() - 1 && known >= committed_.first() - 1 &&
      g.handed_out.At(known) != committed_.At(known)) {
    return Fail("S7", absl::StrCat(id, " commits another entry at or before ", known,
                                   " than somebody before"));
  }
  if (commit > committed_.last()) {
    if (g.handed_out.first() > committed_.last() + 1) {
      return Fail("S7", absl::StrCat(id, " has a snapshot beyond what is committed"));
    }
    committed_.Extend(g.handed_out, commit);
    commit_terms_.resize(commit - first_committed_ + 1, g.term);
  }
  g.commit_checked = commit;
}

void Invariants::OnDurable(NodeId id, const raftpb::EntryList& entries) {
  ghost(id).durable.Append(entries);
}

void Invariants::OnDurable(NodeId id, const raftpb::HardState& hard_state) {
  Ghost& g = ghost(id);
  g.durable_state = hard_state;
  if (hard_state.vote != kNone) RememberVote(id, hard_state.term, hard_state.vote);
}

// S2: one vote per term, over all lives (§3.4). A vote counts when it is durable, or told.
void Invariants::RememberVote(NodeId id, Term term, NodeId candidate) {
  const auto [vote, first] = votes_.emplace(std::make_pair(id, term), candidate);
  if (!first && vote->second != candidate) {
    Fail("S2", absl::StrCat(id, " votes in term ", term, " for ", candidate, ", and did for ",
                            vote->second));
  }
}

void Invariants::OnDurable(NodeId id, const raftpb::Snapshot& snapshot, uint64_t state_hash) {
  Ghost& g = ghost(id);
  const raftpb::SnapshotMetadata& metadata = snapshot.metadata;
  g.durable.Restore(metadata.index, committed_.At(metadata.index));
  g.state_applied = metadata.index;
  if (state_hash != committed_.At(metadata.index).hash) {
    Fail("S12", absl::StrCat(id, " restores a state at ", metadata.index,
                             " that is not what the log makes"));
  }
  // S12, S13: with the configuration that the log makes, too.
  auto after = configurations_.upper_bound(metadata.index);
  if (after == configurations_.begin() || !(std::prev(after)->second == metadata.conf_state)) {
    Fail("S12", absl::StrCat(id, " restores a snapshot at ", metadata.index, " with configuration ",
                             raftpb::Describe(metadata.conf_state)));
  }
}

void Invariants::OnCompacted(NodeId id, Index index) {
  Ghost& g = ghost(id);
  if (g.durable.Has(index)) g.durable.Compact(index);
  if (g.handed_out.Has(index)) g.handed_out.Compact(index);
}

// S3: nothing is promised that a crash would take back (§3.8, Figure 3.1).
void Invariants::OnSend(NodeId id, const Message& m) {
  const Ghost& g = ghost(id);
  const Term durable_term = g.durable_state.term;
  const bool what_if = m.type == MessageType::kPreVote || m.type == MessageType::kPreVoteResp;
  if (!what_if && m.term > durable_term) {
    Fail("S3",
         absl::StrCat(id, " says ", raftpb::Describe(m), " with term ", durable_term, " on disk"));
  }
  if (m.type == MessageType::kVoteResp && !m.reject) {
    // Or the disk has a later term already: then it never votes in this one again.
    if (m.term < durable_term) RememberVote(id, m.term, m.to);
    const auto vote = votes_.find({id, m.term});
    if (vote == votes_.end() || vote->second != m.to) {
      Fail("S3", absl::StrCat(id, " grants ", m.to, " a vote in term ", m.term,
                              " that its disk does not have"));
    }
  }
  const bool too_late = leniency_.old_acks_may_leave && m.term < durable_term;
  if (m.type == MessageType::kAppResp && !m.reject && !too_late) {
    if (m.index > g.durable.last()) {
      Fail("S3",
           absl::StrCat(id, " acknowledges ", m.index, ", its disk ends at ", g.durable.last()));
      return;
    }
    const Ghost& leader = ghost(m.to);
    if (leader.role == Role::kLeader && leader.term == m.term && leader.handed_out.Has(m.index) &&
        g.durable.Has(m.index) && leader.handed_out.At(m.index) != g.durable.At(m.index)) {
      Fail("S3",
           absl::StrCat(id, " acknowledges ", m.index, " to ", m.to, ", its disk has another log"));
    }
  }
}

void Invariants::OnApplied(NodeId id, const raftpb::Entry& entry, uint64_t state_hash,
                           const raftpb::ConfState* conf_state) {
  Ghost& g = ghost(id);
  if (entry.index != g.state_applied + 1) {
    Fail("S8", absl::StrCat(id, " applies ", entry.index, " after ", g.state_applied));
  }
  g.state_applied = entry.index;
  if (entry.index > committed_.last() || entry.index < committed_.first()) {
    return Fail("S7",
                absl::StrCat(id, " applies ", entry.index, ", committed is ", committed_.last()));
  }
  if (committed_.At(entry.index).hash != state_hash) {
    Fail("S7", absl::StrCat(id, " applies another entry at ", entry.index, " than is committed"));
  }
  if (conf_state != nullptr) CheckConfiguration(id, entry.index, *conf_state);
}

// S7: the same commands lead to the same state (§2.1).
void Invariants::OnMachineState(NodeId id, Index index, uint64_t hash) {
  const auto [first, is_first] = machine_states_.emplace(index, hash);
  if (!is_first && first->second != hash) {
    Fail("S7", absl::StrCat("the state machine of ", id, " is another after entry ", index,
                            " than somebody else's"));
  }
}

void Invariants::OnChanged(NodeId id, const RawNode& node, const raftpb::ConfState& conf_state) {
  ghost(id).membership = node.raft().membership();
  const raftpb::ConfState now = node.raft().membership().ToConfState();
  if (!(now == conf_state)) {
    Fail("S13", absl::StrCat(id, " says that its configuration is ", raftpb::Describe(conf_state),
                             ", but it is ", raftpb::Describe(now)));
  }
}

// S13: a change has the same result everywhere. S14: neighbours' quorums overlap (§4.1, §4.3).
void Invariants::CheckConfiguration(NodeId id, Index index, const raftpb::ConfState& conf_state) {
  const auto known = configurations_.find(index);
  if (known != configurations_.end()) {
    if (!(known->second == conf_state)) {
      Fail("S13", absl::StrCat(id, " comes to ", raftpb::Describe(conf_state), " at ", index,
                               ", somebody else to ", raftpb::Describe(known->second)));
    }
    return;
  }
  if (const std::string why = WhyMalformed(conf_state); !why.empty()) {
    Fail("S13",
         absl::StrCat(id, " comes to ", raftpb::Describe(conf_state), " at ", index, ": ", why));
  }
  const auto next = configurations_.upper_bound(index);
  if (next != configurations_.begin()) {
    const raftpb::ConfState& before = std::prev(next)->second;
    const std::string step = absl::StrCat("from ", raftpb::Describe(before), " to ",
                                          raftpb::Describe(conf_state), " at ", index, " on ", id);
    if (!QuorumsOverlap(before, conf_state)) Fail("S14", step);
    if (const std::string why = WhyNoNeighbours(before, conf_state); !why.empty()) {
      Fail("S13", absl::StrCat(step, ": ", why));
    }
  }
  configurations_[index] = conf_state;
}

void Invariants::OnProposalApplied(NodeId id, uint64_t proposal, Index at) {
  const std::string wrong = requests_.OnProposalApplied(id, proposal, at);
  if (!wrong.empty()) Fail("E1", wrong);
}

void Invariants::OnReadAnswered(NodeId id, uint64_t read, Index at) {
  const std::string wrong = requests_.OnReadAnswered(id, read, at);
  if (!wrong.empty()) Fail("R1", wrong);
}

}  // namespace rafttest
