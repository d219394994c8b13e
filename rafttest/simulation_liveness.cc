// Room: liveness. Heals everything, and asks whether the cluster elects, catches up and serves.
#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "raft/raft.h"
#include "rafttest/simulation.h"

namespace rafttest {

using raft::kNone;
using raft::NodeId;
using raft::Role;
using raftpb::Message;
using raftpb::MessageType;

namespace {

std::string Names(const std::vector<NodeId>& ids) {
  return absl::StrCat("(", absl::StrJoin(ids, " "), ")");
}

// The servers whose probe has not succeeded yet.
std::vector<NodeId> Pending(const std::vector<NodeId>& core, const std::vector<uint64_t>& probes) {
  std::vector<NodeId> pending;
  std::copy_if(core.begin(), core.end(), std::back_inserter(pending),
               [&](NodeId id) { return probes[id - 1] != 0; });
  return pending;
}

// Who stays away must not become the one who is needed.
template <typename Messages>
void ProposeNoChange(Messages& messages) {
  for (Message& message : messages) {
    if (message.type == MessageType::kProp) message.entries = {raftpb::Entry{}};
  }
}

}  // namespace

void Simulation::CheckLiveness() {
  HealSome();
  // Who is no member and does not know may campaign for ever; only pre-vote with check quorum keeps
  // that from disturbing the others.
  // And with immediate sends, as in etcd/raft, who refuses a vote does not say what is committed:
  // who did not hear of a change may need the votes of those it removed.
  const bool disturbed =
      !faults_.pre_vote || !faults_.check_quorum || faults_.mixed_votes || faults_.immediate_sends;
  if (disturbed && !Settled()) return;
  // With immediate sends a server without pre-vote and check quorum never answers an old leader,
  // as in etcd/raft: beside servers that have them it may campaign for ever.
  if (faults_.mixed_votes && faults_.immediate_sends) return;
  if (!AwaitLeader() || !AwaitCatchUp()) return;
  const SimTime start = now_;
  result_.service_bound = 20 * SlowestElection();
  if (!Service(now_ + result_.service_bound)) {
    return invariants_.Fail("L3",
                            absl::StrCat("of ", Names(Needed()), " proposals are missing at ",
                                         Names(Pending(Needed(), probes_applied_)), ", reads at ",
                                         Names(Pending(Needed(), probes_read_))));
  }
  result_.service_after = now_ - start;
  if (!invariants_.violation()) coverage_.Count(Seen::kFinished);
}

// By the slowest clock.
SimTime Simulation::SlowestElection() const { return faults_.election_tick * kTick * 2; }

// How long it takes until something holds; nullopt if that is longer than the bound. A violation
// ends it, too.
absl::optional<SimTime> Simulation::TimeUntil(SimTime bound, absl::FunctionRef<bool()> holds) {
  const SimTime start = now_;
  while (!invariants_.violation() && !holds()) {
    if (now_ - start > bound) return absl::nullopt;
    RunUntil(now_ + kTick);
  }
  return now_ - start;
}

// L1. Whether to go on.
bool Simulation::AwaitLeader() {
  const SimTime bound = result_.leader_bound = 50 * SlowestElection() + 10 * kTick;
  const auto took = TimeUntil(bound, [this] { return AllFollowOneLeader(); });
  if (!took) {
    invariants_.Fail("L1", absl::StrCat("no leader that all of ", Names(Needed()), " follow ",
                                        bound / kTick, " ticks after healing"));
  }
  result_.leader_after = took.value_or(0);
  return !invariants_.violation();
}

// L2. Whether to go on.
bool Simulation::AwaitCatchUp() {
  const SimTime bound = result_.caught_up_bound =
      70 * SlowestElection() + invariants_.committed() * 10 * kTick;
  const auto took = TimeUntil(bound, [this] { return AllCaughtUp(); });
  if (!took) {
    invariants_.Fail("L2", absl::StrCat("not all of ", Names(Needed()), " have caught up ",
                                        bound / kTick, " ticks after a leader was there"));
  }
  result_.caught_up_after = took.value_or(0);
  return !invariants_.violation();
}

// Everything works again; but some servers may stay away for good, if that leaves a quorum.
void Simulation::HealSome() {
  Note(kNone, "everything heals");
  healing_ = true;
  faults_.drop = faults_.duplicate = faults_.replay_old = faults_.heavy_tail = faults_.forged = 0;
  faults_.disk_error = faults_.disk_full = faults_.disk_short = faults_.power_cut = 0;
  faults_.slow_type = 0;
  faults_.slow_disk = 1;
  faults_.delay = kTick / 4.0;
  faults_.write_takes = std::min(faults_.write_takes, 0.1);
  faults_.apply_takes = std::min(faults_.apply_takes, 0.1);
  network_.HealAll();
  HastenWhatIsUnderWay();
  // As in etcd/raft, with immediate sends a request for a vote restarts the timers of those who
  // refuse it. Without pre-votes, a server that cannot win and whose clock is the fastest by far
  // keeps them from campaigning.
  if (faults_.immediate_sends && !faults_.pre_vote) {
    for (Body& each : bodies_) each.tick = kTick;
  }
  // No change of membership may come out of the network later, or from a server that slept.
  ProposeNoChange(in_flight_);
  for (Body& each : bodies_) ProposeNoChange(each.inbox);
  for (NodeId id = 1; id <= servers_.size() && !invariants_.violation(); ++id) {
    if (server(id).failed()) Crash(id);
    if (invariants_.violation()) return;
    if (!server(id).alive()) Start(id);
    if (!invariants_.violation()) Resume(id);
  }
  if (!invariants_.violation() && Settled()) LeaveSomeAway();
}

// What was sent, written or put off in worse times comes within the delays of now, or as soon as it
// would have; of the messages the seed loses none, or some. Else a promise about the time after
// healing would hold no sooner than the longest delay ever drawn: appends of a leader that is gone
// could make the others believe in it for thousands of ticks.
void Simulation::HastenWhatIsUnderWay() {
  const double lost = random_.Chance(0.5) ? 0 : random_.Unit();
  auto under_way = std::exchange(events_, {});
  for (; !under_way.empty(); under_way.pop()) {
    Event event = under_way.top();
    if (event.kind == EventKind::kDeliver) {
      const Message& message = in_flight_[event.detail];
      const bool on_network = message.type != MessageType::kSnapStatus;
      if (on_network && random_.Chance(lost)) {
        coverage_.Count(Seen::kLost);
        TraceMessage("lost      ", message);
        free_slots_.push_back(event.detail);
        continue;
      }
    }
    if (const absl::optional<double> mean = HealedDelay(event.kind)) {
      event.time = std::min(event.time, now_ + 1 + random_.Exponential(*mean));
    }
    events_.push(event);
  }
}

// The mean delay, after healing, of what comes about by itself once begun.
absl::optional<double> Simulation::HealedDelay(EventKind kind) const {
  switch (kind) {
    case EventKind::kDeliver: return faults_.delay;
    case EventKind::kWriteDone: return faults_.write_takes * kTick;
    case EventKind::kApplyDone: return faults_.apply_takes * kTick;
    case EventKind::kWork: return 0;
    default: return absl::nullopt;
  }
}

void Simulation::LeaveSomeAway() {
  const raftpb::ConfState& conf = invariants_.newest_configuration();
  size_t away = random_.Chance(0.5) ? random_.Below((conf.voters.size() - 1) / 2 + 1) : 0;
  for (NodeId id = 1; id <= servers_.size(); ++id) {
    const bool voter = std::find(conf.voters.begin(), conf.voters.end(), id) != conf.voters.end();
    if (voter && away == 0) continue;
    if (voter) --away;
    Note(id, "stays away");
    body(id).frozen = true;
  }
}

// Whether every member knows the configuration, and no other is on its way. Before that it may need
// servers that are members no more, to come out of a configuration that it still believes in.
bool Simulation::Settled() const {
  for (const std::unique_ptr<SimServer>& each : servers_) {
    if (!each->alive()) continue;
    const raft::log::RaftLog& log = each->node().raft().log();
    if (log.HasConfChangeIn({log.applied() + 1, log.LastIndex() + 1})) return false;
  }
  const raftpb::ConfState& conf = invariants_.newest_configuration();
  return conf.voters_outgoing.empty() && !invariants_.ChangeUnderway() &&
         std::all_of(conf.voters.begin(), conf.voters.end(), [&](NodeId id) {
           return server(id).node().raft().membership().ToConfState() == conf;
         });
}

// Who must come to serve together: the voters of now that did not stay away.
std::vector<NodeId> Simulation::Needed() const {
  std::vector<NodeId> core = invariants_.newest_configuration().voters;
  const auto frozen = [&](NodeId id) { return bodies_[id - 1].frozen; };
  core.erase(std::remove_if(core.begin(), core.end(), frozen), core.end());
  return core;
}

bool Simulation::AllFollowOneLeader() const {
  const std::vector<NodeId> core = Needed();
  const raft::Raft& first = server(core[0]).node().raft();
  if (first.lead() == kNone || !Runs(first.lead())) return false;
  const raft::Raft& leader = server(first.lead()).node().raft();
  if (leader.role() != Role::kLeader) return false;
  return std::all_of(core.begin(), core.end(), [&](NodeId id) {
    const raft::Raft& raft = server(id).node().raft();
    return raft.lead() == leader.id() && raft.term() == leader.term();
  });
}

// All have applied all there is, and who leads is a voter.
bool Simulation::AllCaughtUp() const {
  if (!AllFollowOneLeader()) return false;
  const std::vector<NodeId> core = Needed();
  const raft::Raft& leader = server(server(core[0]).node().raft().lead()).node().raft();
  const raft::Index last = leader.log().LastIndex();
  return leader.membership().IsVoter(leader.id()) && leader.log().applied() == last &&
         std::all_of(core.begin(), core.end(),
                     [&](NodeId id) { return server(id).node().raft().log().applied() == last; });
}

// A proposal and a read at every server, tried again as a client would.
bool Simulation::Service(SimTime deadline) {
  const std::vector<NodeId> core = Needed();
  constexpr uint64_t kNotTried = ~uint64_t{0};
  constexpr SimTime kRetryAfter = 5 * kTick;
  for (NodeId id : core) probes_applied_[id - 1] = probes_read_[id - 1] = kNotTried;
  const auto served = [&] {
    return Pending(core, probes_applied_).empty() && Pending(core, probes_read_).empty();
  };
  while (!invariants_.violation() && now_ < deadline && !served()) {
    for (NodeId id : Pending(core, probes_applied_)) {
      probes_applied_[id - 1] = next_proposal_;
      Propose(id);
    }
    for (NodeId id : Pending(core, probes_read_)) {
      probes_read_[id - 1] = next_read_;
      Read(id);
    }
    RunUntil(now_ + kRetryAfter);
  }
  return invariants_.violation().has_value() || served();
}

}  // namespace rafttest
