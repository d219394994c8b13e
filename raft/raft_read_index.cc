// Room: read index. May I read here, and from which index on? (§6.4; docs/read-index.md.)
// Changes: waiting reads, read states. Never touches the log.
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/raft.h"
#include "raftpb/describe.h"

namespace raft {

using raftpb::Hex;
using raftpb::Message;
using raftpb::MessageType;

namespace {

bool HasOneVoter(const tracker::Config& config) {
  return config.voters.incoming.size() == 1 && !config.joint();
}

}  // namespace

// A leader's own application asks without a message, unless somebody watches.
absl::Status Raft::ReadIndex(absl::Cord context) {
  if (leading_ && config_.tracer == nullptr) return OnReadIndex({id(), std::move(context)});
  return Step({.type = MessageType::kReadIndex,
               .from = id(),
               .entries = {raftpb::Entry{.data = std::move(context)}}});
}

absl::Status Raft::OnReadIndex(ReadRequest read) {
  // Nobody else can have been elected meanwhile: there is nobody else. A leader that was removed
  // may still lead a group whose only voter is another (§4.2.2); etcd/raft does not tell them
  // apart.
  const bool alone = membership_.IsVoter(id()) || config_.immediate_sends;
  if (alone && HasOneVoter(membership_)) {
    AnswerRead(std::move(read), log_.committed());
    return absl::OkStatus();
  }
  if (leading_->reads.size() + leading_->postponed_reads.size() >= config_.max_pending_reads) {
    return ProposalDropped(DropReason::kOverQuota);
  }
  if (!CommittedInTerm()) {
    // What earlier leaders committed is not known before this leader has committed something
    // itself (§6.4 step 1; etcd issue 7331).
    leading_->postponed_reads.push_back(std::move(read));
    return absl::OkStatus();
  }
  StartRead(std::move(read));
  return absl::OkStatus();
}

void Raft::StartRead(ReadRequest&& read) {
  const bool has_lease =
      config_.read_only == ReadOnlyOption::kLeaseBased && !leading_->lease_given_away;
  if (has_lease) return AnswerRead(std::move(read), log_.committed());
  leading_->reads.Push(std::move(read), log_.committed(), id());
  BroadcastHeartbeat();
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
  reads.Release(membership_.voters,
                [this](ReadRequest&& read, Index index) { AnswerRead(std::move(read), index); });
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
