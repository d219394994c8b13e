#include "raft/testing/safety.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "raftpb/describe.h"

namespace raft::testing {

using raftpb::Message;
using raftpb::MessageType;

namespace {

std::string Text(EntryId id) { return absl::StrCat(id.term, "/", id.index); }

// Whether a crash now would leave the entry there; a snapshot stands for what it covers.
bool Holds(const Storage& storage, EntryId id) {
  if (id.index + 1 < storage.FirstIndex()) return true;
  const absl::StatusOr<Term> term = storage.TermAt(id.index);
  return term.ok() && *term == id.term;
}

bool QuorumHolds(const quorum::Joint& voters, const Safety::Views& servers, EntryId id) {
  return voters.CountVotes([&](NodeId voter) -> absl::optional<bool> {
    const auto server = servers.find(voter);
    return server != servers.end() && Holds(*server->second.storage, id);
  }) == quorum::VoteResult::kWon;
}

}  // namespace

void Safety::Observe(NodeId id, const Views& servers) {
  const Raft& raft = *servers.at(id).raft;
  const log::RaftLog& log = raft.log();
  const Seen now = {raft.role(), raft.term(), log.FirstIndex(), log.LastId(), log.committed()};
  const auto known = last_seen_.find(id);
  const bool is_new = known == last_seen_.end();
  const Seen before = is_new ? Seen{} : known->second;
  const bool leads = now.role == Role::kLeader;
  const bool led = before.role == Role::kLeader && before.term == now.term;

  CheckElectionSafety(id, raft);
  if (now.last != before.last || now.first != before.first) CheckLogMatching(id, raft);
  if (leads && !led) CheckLeaderCompleteness(id, raft);
  if (!is_new) {
    if (now.term < before.term) Violated("terms only increase", id, "");
    if (now.commit < before.commit) Violated("commit never decreases", id, "");
    if (leads && led) CheckLeaderAppendOnly(id, raft, before);
    if (leads && now.commit > before.commit) CheckCommitRule(id, servers);
  }
  CheckCommitted(id, raft, /*from=*/std::max(before.commit + 1, now.first));
  if (leads) CheckProgress(id, servers);
  if (log.applied() > log.applying() || log.applying() > log.committed() ||
      log.committed() > log.LastIndex()) {
    Violated("applied <= applying <= committed <= last", id, log.Describe());
  }
  last_seen_[id] = now;
}

// At most one leader in a term, ever (§3.4).
void Safety::CheckElectionSafety(NodeId id, const Raft& raft) {
  if (raft.role() != Role::kLeader) return;
  const NodeId leader = leaders_.emplace(raft.term(), id).first->second;
  if (leader != id) {
    Violated("Election Safety", id, absl::StrCat(leader, " led term ", raft.term(), " as well"));
  }
}

// An index and a term name one entry, and all entries before it (§3.5). By induction it is enough
// to compare each entry and the position of its predecessor.
void Safety::CheckLogMatching(NodeId id, const Raft& raft) {
  const log::RaftLog& log = raft.log();
  const absl::StatusOr<raftpb::EntryList> entries = log.EntriesFrom(log.FirstIndex(), kNoLimit);
  if (!entries.ok()) return Violated("the log can be read", id, entries.status().message());
  EntryId previous = {log.TermOrZero(log.FirstIndex() - 1), log.FirstIndex() - 1};
  for (const raftpb::Entry& entry : *entries) {
    const Content content = {entry.type, entry.data, previous};
    const auto [known, is_new] = entries_.emplace(entry.id(), content);
    if (!is_new && (known->second.type != content.type || known->second.data != content.data ||
                    known->second.previous != content.previous)) {
      Violated("Log Matching", id, Text(entry.id()));
    }
    if (entry.term < previous.term || entry.index != previous.index + 1) {
      Violated("terms never fall along a log", id, Text(entry.id()));
    }
    previous = entry.id();
  }
}

// What one server knows to be committed is what every server commits there (State Machine Safety).
void Safety::CheckCommitted(NodeId id, const Raft& raft, Index from) {
  const log::RaftLog& log = raft.log();
  for (Index index = from; index <= log.committed(); ++index) {
    const Term term = log.TermOrZero(index);
    const auto [known, is_new] = committed_.emplace(index, Committed{term, raft.term()});
    if (!is_new && known->second.term != term) {
      Violated("State Machine Safety", id,
               absl::StrCat("committed ", Text({term, index}), ", elsewhere term ",
                            known->second.term, " is committed there"));
    }
    known->second.known_in = std::min(known->second.known_in, raft.term());
  }
}

// Whoever wins has everything that was committed in earlier terms (§3.6.3).
void Safety::CheckLeaderCompleteness(NodeId id, const Raft& raft) {
  const log::RaftLog& log = raft.log();
  for (const auto& [index, entry] : committed_) {
    if (entry.known_in >= raft.term() || index < log.FirstIndex()) continue;
    if (!log.Matches({entry.term, index})) {
      Violated("Leader Completeness", id,
               absl::StrCat("leads term ", raft.term(), " without ", Text({entry.term, index})));
    }
  }
}

void Safety::CheckLeaderAppendOnly(NodeId id, const Raft& raft, const Seen& before) {
  if (raft.log().LastIndex() < before.last.index || !raft.log().Matches(before.last)) {
    Violated("Leader Append-Only", id, absl::StrCat(Text(before.last), " is gone"));
  }
}

// A leader commits entries of its own term, once a quorum has them on disk (§3.6.2, §3.8).
void Safety::CheckCommitRule(NodeId id, const Views& servers) {
  const Raft& raft = *servers.at(id).raft;
  const EntryId committed = {raft.log().TermOrZero(raft.log().committed()), raft.log().committed()};
  if (committed.term != raft.term()) {
    Violated("commit only entries of the own term", id, Text(committed));
  }
  if (!QuorumHolds(raft.membership().voters, servers, committed)) {
    Violated("commit what a quorum has stored", id, Text(committed));
  }
}

// What a leader believes of a follower's disk is true, as long as the follower has not moved on.
void Safety::CheckProgress(NodeId id, const Views& servers) {
  const Raft& raft = *servers.at(id).raft;
  for (const auto& [peer, progress] : *raft.progress()) {
    if (progress.match() >= progress.next()) {
      Violated("match < next", id, absl::StrCat("for ", peer, ": ", Describe(progress, false)));
    }
    const auto view = servers.find(peer);
    if (view == servers.end() || view->second.stored.term > raft.term()) continue;
    const absl::StatusOr<Term> term = raft.log().TermAt(progress.match());
    if (term.ok() && !Holds(*view->second.storage, {*term, progress.match()})) {
      Violated("match is stored at the follower", id,
               absl::StrCat("for ", peer, ": ", Describe(progress, false)));
    }
  }
}

void Safety::ObserveSent(const Message& m, const View& sender) {
  const NodeId id = sender.raft->id();
  const bool asserts_term = m.term != 0 && m.type != MessageType::kPreVote &&
                            !(m.type == MessageType::kPreVoteResp && !m.reject);
  const bool waits = m.type == MessageType::kAppResp || m.type == MessageType::kVoteResp ||
                     m.type == MessageType::kPreVoteResp;
  const Config& config = sender.raft->config();
  // Config::immediate_sends says what it gives up.
  const bool may_run_ahead = config.immediate_sends && config.async_storage_writes && !waits;
  if (asserts_term && m.term > sender.stored.term && !may_run_ahead) {
    Violated("an asserted term is stored", id, raftpb::Describe(m));
  }
  const bool may_be_late = config.immediate_sends && m.term < sender.stored.term;
  if (m.type == MessageType::kAppResp && !m.reject && m.index > sender.storage->LastIndex() &&
      !may_be_late) {
    Violated("an acknowledged entry is stored", id, raftpb::Describe(m));
  }
  const bool votes = m.type == MessageType::kVoteResp && !m.reject;
  const bool runs = m.type == MessageType::kVote && sender.stored.term == m.term &&
                    sender.stored.vote == id;  // And so has voted for itself.
  if (!votes && !runs) return;
  if (votes && (sender.stored.term < m.term ||
                (sender.stored.term == m.term && sender.stored.vote != m.to))) {
    Violated("a granted vote is stored", id, raftpb::Describe(m));
  }
  const NodeId choice = votes ? m.to : id;
  const NodeId cast = votes_.emplace(std::pair(id, m.term), choice).first->second;
  if (cast != choice) {
    Violated("one vote in a term", id, absl::StrCat(cast, " and ", choice, " in ", m.term));
  }
}

void Safety::ObserveApplied(NodeId id, const raftpb::Entry& entry, Index applied_before) {
  if (entry.index != applied_before + 1) {
    Violated("entries are applied one after the other", id,
             absl::StrCat(entry.index, " after ", applied_before));
  }
  const auto known = committed_.find(entry.index);
  if (known == committed_.end() || known->second.term != entry.term) {
    Violated("only committed entries are applied", id, Text(entry.id()));
  }
}

void Safety::Violated(absl::string_view rule, NodeId id, absl::string_view what) {
  report_(absl::StrCat("server ", id, " breaks \"", rule, "\": ", what));
}

}  // namespace raft::testing
