// Room: read index. May I read here, and from which index on? (§6.4; docs/read-index.md.)
// Changes: waiting reads, read states. Never touches the log.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/raft.h"
#include "raftpb/describe.h"

namespace raft {

using raftpb::Hex;
using raftpb::Message;
using raftpb::MessageType;

// A leader's own application asks without a message, unless somebody watches.
absl::Status Raft::ReadIndex(absl::Cord context) {
  if (leading_ && config_.tracer == nullptr) return OnReadIndex({id(), std::move(context)});
  return Step({.type = MessageType::kReadIndex,
               .from = id(),
               .entries = {raftpb::Entry{.data = std::move(context)}}});
}

absl::Status Raft::OnReadIndex(ReadRequest read) {
  if (config_.immediate_sends && LeadsAlone()) {
    AnswerRead(std::move(read), log_.committed());
    return absl::OkStatus();
  }
  if (leading_->reads.size() + leading_->postponed_reads.size() >= config_.max_pending_reads) {
    return ProposalDropped(DropReason::kOverQuota);
  }
  if (!CommittedInTerm()) {
    // What earlier leaders committed is not known before this leader has committed something
    // itself (§6.4 step 1; etcd issue 7331). That holds for a single voter, too, which may have
    // committed more before it restarted than it knows now; etcd/raft lets it answer.
    leading_->postponed_reads.push_back(std::move(read));
    return absl::OkStatus();
  }
  StartRead(std::move(read));
  return absl::OkStatus();
}

// Nobody else can have been elected meanwhile: there is nobody else, and nobody whose answer could
// release a read. A leader that was removed may still lead a group whose only voter is another
// (§4.2.2), and a joint configuration may have the same voter twice; etcd/raft asks for no more
// than one voter and no joint configuration.
bool Raft::LeadsAlone() const {
  return config_.immediate_sends ? membership_.HasOneVoter() : membership_.IsOnlyVoter(id());
}

void Raft::StartRead(ReadRequest&& read) {
  if (LeadsAlone() || HasLease()) return AnswerRead(std::move(read), log_.committed());
  read.lease_until = NextLease();
  leading_->reads.Push(std::move(read), log_.committed(), id());
  BroadcastHeartbeat();
}

// etcd/raft believes in its lease as long as it leads. But a leader notices only at its second
// quorum check that nobody answers any more, and somebody else may be elected after the first.
bool Raft::HasLease() const {
  if (config_.read_only != ReadOnlyOption::kLeaseBased || leading_->lease_given_away) return false;
  return config_.immediate_sends || leading_->ticks < leading_->lease_until;
}

// Who hears of us now votes for nobody for an election timeout (Raft::InLease). The first of its
// ticks may come at once, and the last of ours may be nearly over: hence one less (§6.4.1).
uint64_t Raft::NextLease() const { return leading_->ticks + timer_.election_tick() - 1; }

// A round of heartbeats is about to leave. Its answers prove that we led when it left.
void Raft::RenewLease() {
  const bool wanted = config_.read_only == ReadOnlyOption::kLeaseBased &&
                      !config_.immediate_sends && !leading_->lease_given_away && !LeadsAlone();
  if (!wanted) return;
  ReadRequest round;
  round.lease_until = NextLease();
  round.only_renews = true;
  leading_->reads.Push(std::move(round), log_.committed(), id());
}

absl::Status Raft::ForwardReadIndex(const Message& m) {
  if (role_ != Role::kFollower || lead_ == kNone) {
    if (role_ == Role::kFollower) {
      RAFT_LOG(config_.logger, kInfo, Hex(id()), " no leader at term ", term_,
               "; dropping index reading msg");
    }
    return ProposalDropped(DropReason::kNoLeader);
  }
  Message forwarded = m;
  forwarded.to = lead_;
  Send(std::move(forwarded));
  return absl::OkStatus();
}

void Raft::OnReadIndexResponse(const Message& m) {
  if (m.entries.size() != 1) {
    RAFT_LOG(config_.logger, kError, Hex(id()), " invalid format of MsgReadIndexResp from ",
             Hex(m.from), ", entries count: ", m.entries.size());
    return;
  }
  read_states_.push_back({m.index, m.entries.front().data});
}

// A follower answered a heartbeat that was sent after some reads arrived: for those it has
// confirmed that we led.
void Raft::OnReadConfirmed(const Message& heartbeat_response) {
  ReadIndexQueue& reads = leading_->reads;
  const absl::optional<uint64_t> number = reads.ParseContext(heartbeat_response.context);
  if (!number.has_value()) return;
  reads.Confirm(heartbeat_response.from, *number);
  ReleaseConfirmedReads();
}

void Raft::ReleaseConfirmedReads() {
  leading_->reads.Release(membership_.voters, [this](ReadRequest&& read, Index index) {
    leading_->lease_until = std::max(leading_->lease_until, read.lease_until);
    if (!read.only_renews) AnswerRead(std::move(read), index);
  });
}

// To the application if the read was asked for here, else to the server that forwarded it.
void Raft::AnswerRead(ReadRequest&& read, Index index) {
  if (read.from == kNone || read.from == id()) {
    read_states_.push_back({index, std::move(read.context)});
    return;
  }
  Send({.type = MessageType::kReadIndexResp,
        .to = read.from,
        .index = index,
        .entries = {raftpb::Entry{.data = std::move(read.context)}}});
}

void Raft::ReleasePostponedReads() {
  if (leading_->postponed_reads.empty() || !CommittedInTerm()) return;
  std::vector<ReadRequest> postponed = std::exchange(leading_->postponed_reads, {});
  for (ReadRequest& read : postponed) StartRead(std::move(read));
}

bool Raft::CommittedInTerm() const { return log_.Matches({term_, log_.committed()}); }

}  // namespace raft
