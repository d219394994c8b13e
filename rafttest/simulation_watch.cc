// Room: watching. What leaders must do in time (L4), the rare moments that are counted, and what a
// picture shows. Changes nothing that happens.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "raft/raft.h"
#include "rafttest/simulation.h"

namespace rafttest {

using raft::kNone;
using raft::NodeId;
using raft::Role;
using raftpb::Message;
using raftpb::MessageType;

// L4: a leader that is no voter any more hands over, or gives up, before long (§4.2.2). It has
// asked each of the others by then.
void Simulation::CheckRemovedLeader(NodeId id) {
  const raft::Raft& raft = server(id).node().raft();
  Body& leader = body(id);
  if (raft.role() != Role::kLeader || raft.membership().IsVoter(id)) {
    leader.voter_until = leader.ticks;
    return;
  }
  if (leader.ticks == leader.voter_until + 1) coverage_.Count(Seen::kLeaderRemoved);
  const uint64_t patience = 2 * raft.config().election_tick * (servers_.size() + 1);
  if (raft.config().check_quorum && leader.ticks - leader.voter_until > patience &&
      raft.transferee() == kNone) {
    invariants_.Fail("L4",
                     absl::StrCat(id, " leads term ", raft.term(), " and has been no voter for ",
                                  leader.ticks - leader.voter_until, " ticks"));
  }
}

// L4: who leads with check quorum has heard of a quorum lately (§6.2). Counted by its own clock.
void Simulation::CheckContact(NodeId id) {
  const raft::Raft& raft = server(id).node().raft();
  Body& leader = body(id);
  if (raft.role() != Role::kLeader || !raft.config().check_quorum) {
    leader.led_since = leader.ticks;
    return;
  }
  // Who joins counts as heard of, and a transfer starts the timer anew.
  if (raft.term() != leader.led_term || !(raft.membership() == leader.led_membership) ||
      raft.transferee() != kNone) {
    leader.led_since = leader.ticks;
    leader.led_term = raft.term();
    leader.led_membership = raft.membership();
  }
  const uint64_t patience = 2 * raft.config().election_tick + 1;
  if (leader.ticks - leader.led_since <= patience) return;
  const auto heard = [&](NodeId peer) {
    return peer == id || leader.heard[peer - 1] + patience >= leader.ticks;
  };
  for (const raft::quorum::Majority* half :
       {&raft.membership().voters.incoming, &raft.membership().voters.outgoing.ids()}) {
    const size_t count = std::count_if(half->begin(), half->end(), heard);
    if (half->begin() == half->end() || 2 * count > half->ids().size()) continue;
    invariants_.Fail(
        "L4", absl::StrCat(id, " leads term ", raft.term(), ", having heard of ", count, " of ",
                           half->ids().size(), " voters in ", patience, " ticks"));
  }
}

// What is rare about the arrival of a message.
void Simulation::LookAtArrival(const Message& message) {
  const raft::Raft& raft = server(message.to).node().raft();
  if (message.type == MessageType::kApp && !message.entries.empty() &&
      message.entries.back().index <= raft.log().committed()) {
    coverage_.Count(Seen::kCommittedSentAgain);
  }
  if (message.type != MessageType::kSnap) return;
  if (raft.lead() == kNone) coverage_.Count(Seen::kSnapshotInElection);
  if (message.snapshot->metadata.index <= raft.log().committed()) {
    coverage_.Count(Seen::kSnapshotOvertaken);
  }
}

void Simulation::LookAtWindows(NodeId id) {
  const raft::tracker::ProgressMap* progress = server(id).node().raft().progress();
  if (progress == nullptr) return;
  for (const auto& [peer, each] : *progress) {
    if (each.inflights().Full()) coverage_.Count(Seen::kWindowFull);
  }
}

void Simulation::LookAtVote(NodeId id) {
  const raftpb::HardState now = server(id).node().raft().hard_state();
  if (now.term < body(id).lost_vote) return;
  if (now.term == body(id).lost_vote && now.vote == kNone) return;
  if (now.term == body(id).lost_vote) coverage_.Count(Seen::kVoteLostAndRecast);
  body(id).lost_vote = 0;
}

void Simulation::LookAtReadRounds(NodeId id, const Message& heartbeat) {
  if (heartbeat.context.empty()) return body(id).asked_reads.clear();
  for (AskedRead& read : body(id).asked_reads) {
    if (read.round.empty()) read.round = std::string(heartbeat.context);
  }
}

void Simulation::LookAtAnsweredRead(NodeId id, uint64_t read) {
  std::vector<AskedRead>& asked = body(id).asked_reads;
  const auto it = std::find_if(asked.begin(), asked.end(),
                               [&](const AskedRead& each) { return each.number == read; });
  if (it == asked.end()) return;
  if (delivering_to_ == id && !it->round.empty() && it->round != delivered_round_) {
    coverage_.Count(Seen::kReadByLaterRound);
  }
  asked.erase(it);
}

// Whether it asks a follower for a vote that has no reason to give up its leader (§6.2): who has
// check quorum ignores that, unless the leader itself has ordered the election (§3.10).
bool Simulation::AsksInLease(const Message& message) const {
  const raft::Raft& raft = server(message.to).node().raft();
  const Body& receiver = bodies_[message.to - 1];
  return message.type == MessageType::kVote && message.context.empty() &&
         raft.config().check_quorum && raft.role() == Role::kFollower && raft.lead() != kNone &&
         receiver.ticks - receiver.leader_heard < raft.config().election_tick;
}

void Simulation::LookAtPromotions(NodeId id) {
  const raftpb::ConfState& now = server(id).state().conf_state;
  const auto promoted = [&](NodeId learner) {
    return std::find(now.voters.begin(), now.voters.end(), learner) != now.voters.end();
  };
  std::vector<NodeId>& learners = body(id).learners;
  if (std::any_of(learners.begin(), learners.end(), promoted))
    coverage_.Count(Seen::kLearnerPromoted);
  learners = now.learners;
}

void Simulation::RecordServers() {
  if (options_.recording == nullptr) return;
  for (const std::unique_ptr<SimServer>& each : servers_) {
    ServerView view;
    if (each->alive()) {
      const bool runs = Runs(each->id());
      const raft::Raft& raft = each->node().raft();
      view = {.condition = runs ? ServerView::Condition::kRuns : ServerView::Condition::kPaused,
              .role = raft.role(),
              .term = raft.term(),
              .last = raft.log().LastIndex(),
              .committed = raft.log().committed(),
              .applied = raft.log().applied()};
    }
    options_.recording->Server(now_, each->id(), view);
  }
}

}  // namespace rafttest
