#include "raft/raft.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "raft/confchange/changer.h"
#include "raftpb/describe.h"
#include "raftpb/wire.h"

namespace raft {

using raftpb::Hex;
using raftpb::Message;

namespace {

// What a restart must find true before it can go on (§3.8): anything else means that the disk lost
// what it had confirmed, and that going on could vote twice or lose acknowledged entries (etcd
// issue 10166).
absl::Status CheckStored(const Config& config, const raftpb::HardState& hard_state) {
  const Storage& storage = *config.storage;
  const Index snapshot = storage.FirstIndex() - 1;
  const Index last = storage.LastIndex();
  if (absl::StatusOr<Term> term = storage.TermAt(last); !term.ok()) return term.status();
  if (!hard_state.empty() && (hard_state.commit < snapshot || hard_state.commit > last)) {
    return PromiseBroken(absl::StrCat("the stored commit index ", hard_state.commit,
                                      " is outside the stored log [", snapshot, ", ", last, "]"));
  }
  const Index commit = std::max(hard_state.commit, snapshot);
  if (config.applied != 0 && (config.applied < snapshot || config.applied > commit)) {
    return PromiseBroken(absl::StrCat("the applied index ", config.applied, " is outside [",
                                      snapshot, ", ", commit,
                                      "], from the stored snapshot to the commit index"));
  }
  return absl::OkStatus();
}

uint64_t MaxApplyingSize(const Config& config) {
  const uint64_t size = config.max_committed_size_per_ready != 0
                            ? config.max_committed_size_per_ready
                            : config.max_size_per_msg;
  return std::max<uint64_t>(size, 1);
}

// The bytes must be the same on all founders, whatever they run: etcd/raft writes the type of these
// changes although it is zero, which our encoding would leave out.
absl::Cord FoundingChange(const raftpb::ConfChange& change) {
  absl::Cord data(absl::string_view("\x10\x00", 2));  // Field 2, varint 0; field 1 is not there.
  data.Append(raftpb::Encode(change));
  return data;
}

uint64_t SeedOf(const GroupConfig& group) { return group.seed != 0 ? group.seed : group.id; }

std::string JoinedHex(const quorum::Joint& voters) {
  const quorum::Majority all = voters.All();
  return absl::StrJoin(all.ids(), ",", [](std::string* out, NodeId id) { out->append(Hex(id)); });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Raft>> Raft::Create(const GroupConfig& group) {
  const Config config = group.Whole();
  if (absl::Status valid = config.Validate(); !valid.ok()) return valid;
  absl::StatusOr<Storage::InitialState> initial = config.storage->Initial();
  if (!initial.ok()) return initial.status();
  if (absl::Status stored = CheckStored(config, initial->hard_state); !stored.ok()) return stored;
  absl::StatusOr<tracker::Config> membership = confchange::FromConfState(initial->conf_state);
  if (!membership.ok()) return membership.status();
  return std::unique_ptr<Raft>(new Raft(group, initial->hard_state, *std::move(membership)));
}

Raft::Raft(const GroupConfig& group, const raftpb::HardState& hard_state,
           tracker::Config membership)
    : shared_config_(group.shared),
      config_(*shared_config_),
      id_(group.id),
      log_(group.storage, config_.logger, MaxApplyingSize(config_)),
      membership_(std::move(membership)),
      timer_(config_.election_tick, config_.heartbeat_tick, SeedOf(group)),
      outbox_(/*merge_acks=*/!config_.immediate_sends) {
  RAFT_LOG(config_.logger, kInfo, Hex(id()), " switched to configuration ", Describe(membership_));
  term_ = hard_state.term;
  vote_ = hard_state.vote;
  log_.CommitTo(hard_state.commit);
  if (group.applied != 0) log_.StartAppliedAt(group.applied);
  BecomeFollower(term_, kNone);
  if (term_ != 0) timer_.Promise();  // It may have heard of a leader just before it stopped.
  RAFT_LOG(config_.logger, kInfo, "newRaft ", Hex(id()), " [peers: [",
           JoinedHex(membership_.voters), "], term: ", term_, ", commit: ", log_.committed(),
           ", applied: ", log_.applied(), ", lastindex: ", log_.LastId().index,
           ", lastterm: ", log_.LastId().term, "]");
  RecordTrace(TraceAction::kInit);
}

void Raft::Tick(uint32_t n) {
  // Mostly nothing is due: then a follower looks at its timer and at nothing else.
  if (role_ != Role::kLeader && n < timer_.UntilElection()) return timer_.AdvanceFollower(n);
  while (n > 0) n -= role_ == Role::kLeader ? TickLeader(n) : TickElection(n);
}

uint32_t Raft::TicksUntilDue() const {
  if (role_ == Role::kLeader) return UntilLeaderDue();
  return Promotable() ? timer_.UntilElection() : std::numeric_limits<uint32_t>::max();
}

bool Raft::IsAtRest() const {
  const bool all_done = outbox_.empty() && read_states_.empty() && !log_.HasUnstableEntries() &&
                        !log_.HasUnstableSnapshot() && log_.applied() == log_.LastIndex();
  if (!all_done) return false;
  if (!leading_) return role_ == Role::kFollower && lead_ != kNone;
  return leading_->news.empty() && leading_->reads.empty() && leading_->postponed_reads.empty() &&
         !IsHandingOver();
}

void Raft::ReleaseMemory() {
  outbox_.ReleaseMemory();
  read_states_.shrink_to_fit();
  log_.ReleaseMemory();
}

absl::Status Raft::Bootstrap(absl::Span<const Peer> peers) {
  if (peers.empty()) {
    return absl::InvalidArgumentError("must provide at least one peer to Bootstrap");
  }
  if (log_.LastIndex() != 0) {
    return absl::FailedPreconditionError("can't bootstrap a nonempty Storage");
  }
  BecomeFollower(1, kNone);
  for (const Peer& peer : peers) {
    const raftpb::ConfChange change = {
        .type = raftpb::ConfChangeType::kAddNode, .node_id = peer.id, .context = peer.context};
    log_.PushBack({.term = 1,
                   .index = log_.LastIndex() + 1,
                   .type = raftpb::EntryType::kConfChange,
                   .data = FoundingChange(change)});
  }
  // The founders agree on these entries beforehand, so they are committed without a vote. They
  // are applied here for a server to know its peers, and handed out again for the application.
  log_.CommitTo(log_.LastIndex());
  for (const Peer& peer : peers) {
    raftpb::ConfChangeV2 change;
    change.changes.push_back({raftpb::ConfChangeType::kAddNode, peer.id});
    if (absl::StatusOr<raftpb::ConfState> applied = ApplyConfChange(change); !applied.ok()) {
      return applied.status();
    }
  }
  return absl::OkStatus();
}

void Raft::WriteTrace(TraceAction action, const Message* message) const {
  raftpb::ConfState conf_state;
  TraceEvent event = {.action = action,
                      .id = id(),
                      .role = role_,
                      .term = term_,
                      .vote = vote_,
                      .lead = lead_,
                      .commit = log_.committed(),
                      .applied = log_.applied(),
                      .last = log_.LastId(),
                      .message = message};
  if (action == TraceAction::kConfigChange || action == TraceAction::kInit ||
      action == TraceAction::kRestoreSnapshot) {
    conf_state = membership_.ToConfState();
    event.conf_state = &conf_state;
  }
  config_.tracer->Record(event);
}

}  // namespace raft
