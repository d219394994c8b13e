// Room: clients and fate. What is asked of the servers, and what befalls them.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/errors.h"
#include "raft/raft.h"
#include "raftpb/describe.h"
#include "rafttest/linearizability.h"
#include "rafttest/proposal_number.h"
#include "rafttest/simulation.h"

namespace rafttest {

using raft::kNone;
using raft::NodeId;
using raft::Role;
using raftpb::ConfChangeTransition;
using raftpb::ConfChangeType;
using raftpb::ConfChangeV2;

// The mean ticks from one such event to the next; 0: there is none.
double Simulation::MeanTimeBetween(EventKind kind) const {
  switch (kind) {
    case EventKind::kPropose: return faults_.propose_every;
    case EventKind::kRead: return faults_.read_every;
    case EventKind::kPartition: return faults_.partition_every;
    case EventKind::kCrash: return faults_.crash_every;
    case EventKind::kCrashAll: return faults_.crash_all_every;
    case EventKind::kPause: return faults_.pause_every;
    case EventKind::kTransfer: return faults_.transfer_every;
    case EventKind::kCampaign: return faults_.campaign_every;
    case EventKind::kMembership: return faults_.membership_every;
    default: return 0;
  }
}

void Simulation::HandleNemesis(EventKind kind) {
  if (healing_) return;
  if (kind == EventKind::kHeal) {
    Note(kNone, "partition heals");
    return network_.HealAll();
  }
  if (kind == EventKind::kScript) {
    script_->OnTick(*this, random_);
    return Schedule(kTick, EventKind::kScript, kNone, 0);
  }
  const NodeId leader = SomeLeader();
  const NodeId id = leader != kNone && random_.Chance(0.5) ? leader : RandomRunning();
  if (kind == EventKind::kPartition) {
    CausePartition(leader);
  } else if (kind == EventKind::kCrashAll) {
    coverage_.Count(Seen::kCrashesOfAll);
    for (NodeId each = 1; each <= servers_.size(); ++each) CrashForAWhile(each);
  } else if (id != kNone) {
    Cause(kind, id);
  }
  ScheduleNext(kind);
}

// What happens to one server that runs.
void Simulation::Cause(EventKind kind, NodeId id) {
  switch (kind) {
    case EventKind::kPropose: return clients_ != nullptr ? ClientActs(id) : Propose(id);
    case EventKind::kRead: return clients_ != nullptr ? ClientActs(id) : Read(id);
    case EventKind::kCrash: return CrashForAWhile(id);
    case EventKind::kPause: return Pause(id);
    case EventKind::kTransfer: return Transfer(id, 1 + random_.Below(servers_.size()));
    case EventKind::kCampaign: return CampaignOrForget(id);
    case EventKind::kMembership: return Change(id, AnyChange());
    default: return;
  }
}

void Simulation::CausePartition(NodeId leader) {
  network_.HealAll();
  coverage_.Count(Seen::kPartitions);
  const char* shape = network_.CutSome(random_, leader);
  Note(kNone, "partition: ", shape);
  Schedule(1 + random_.Exponential(faults_.partition_lasts * kTick), EventKind::kHeal, kNone, 0);
}

void Simulation::CrashForAWhile(NodeId id) {
  Crash(id);
  Schedule(random_.Exponential(faults_.crash_lasts * kTick), EventKind::kRestart, id, 0);
}

void Simulation::CampaignOrForget(NodeId id) {
  if (!random_.Chance(0.3)) return Campaign(id);
  Trace(id, " forgets its leader");
  server(id).node().ForgetLeader().IgnoreError();
  TouchAndWork(id);
}

void Simulation::Campaign(NodeId id) {
  if (!Runs(id)) return;
  coverage_.Count(Seen::kCampaigns);
  Trace(id, " campaigns");
  server(id).node().Campaign().IgnoreError();
  TouchAndWork(id);
}

void Simulation::Transfer(NodeId from, NodeId to) {
  if (!Runs(from)) return;
  Note(from, "is asked to move leadership to ", to);
  coverage_.Count(Seen::kTransfers);
  server(from).node().TransferLeadership(to).IgnoreError();
  TouchAndWork(from);
}

void Simulation::Propose(NodeId id) {
  if (!Runs(id)) return;
  const uint64_t number = next_proposal_++;
  Trace(id, " proposes ", number);
  coverage_.Count(Seen::kProposals);
  const absl::Status proposed =
      server(id).node().Propose(EncodeNumber(number, faults_.payload_bytes));
  if (raft::IsProposalDropped(proposed)) {
    coverage_.Count(Seen::kQuotaRefusal);
    invariants_.OnProposalRefused(number);
  }
  TouchAndWork(id);
}

// Some client does what it wants to do next, or tries again.
void Simulation::ClientActs(NodeId id) {
  const uint64_t number = std::max(next_proposal_, next_read_);
  const absl::optional<Clients::Attempt> attempt = clients_->Act(now_, id, number);
  if (!attempt) return;
  next_proposal_ = next_read_ = number + 1;
  Trace(id, attempt->read ? " reads " : " proposes ", number, ": ", attempt->describe);
  if (attempt->read) {
    invariants_.OnReadAsked(id, number);
    const absl::Status asked = server(id).node().ReadIndex(EncodeNumber(number, 0));
    if (!asked.ok()) clients_->OnRefused(number);
  } else {
    coverage_.Count(Seen::kProposals);
    absl::Cord payload = EncodeNumber(number, SimServer::kPayloadHeader);
    payload.Append(attempt->command);
    const absl::Status proposed = server(id).node().Propose(std::move(payload));
    if (raft::IsProposalDropped(proposed)) {
      coverage_.Count(Seen::kQuotaRefusal);
      invariants_.OnProposalRefused(number);
      clients_->OnRefused(number);
    }
  }
  TouchAndWork(id);
}

void Simulation::Read(NodeId id) {
  if (!Runs(id)) return;
  const uint64_t number = next_read_++;
  Trace(id, " reads ", number);
  invariants_.OnReadAsked(id, number);
  if (server(id).node().raft().role() == Role::kLeader) {
    body(id).asked_reads.push_back({number, ""});
  }
  server(id).node().ReadIndex(EncodeNumber(number, 0)).IgnoreError();
  TouchAndWork(id);
}

void Simulation::Change(NodeId id, const ConfChangeV2& change) {
  if (!Runs(id)) return;
  coverage_.Count(Seen::kChangesProposed);
  Note(id, "proposes change ", raftpb::Notation(change.changes));
  server(id).node().ProposeConfChange(change).IgnoreError();
  TouchAndWork(id);
}

// Any change over all servers, sensible or not.
ConfChangeV2 Simulation::AnyChange() {
  ConfChangeV2 change;
  change.transition = static_cast<ConfChangeTransition>(random_.Below(3));
  const uint64_t operations = random_.Chance(0.3) ? 0 : random_.Between(1, 3);
  for (uint64_t i = 0; i < operations; ++i) {
    const double kind = random_.Unit();
    const ConfChangeType type = kind < 0.5   ? ConfChangeType::kAddNode
                                : kind < 0.8 ? ConfChangeType::kRemoveNode
                                             : ConfChangeType::kAddLearnerNode;
    change.changes.push_back({type, 1 + random_.Below(servers_.size())});
  }
  if (operations == 0) change.transition = ConfChangeTransition::kAuto;
  return change;
}

// E1: all that clients saw could come from one machine that does one thing at a time (§6.3).
void Simulation::CheckHistory() {
  if (clients_ == nullptr) return;
  coverage_.Count(Seen::kOperations, clients_->answered());
  coverage_.Count(Seen::kGivenUp, clients_->given_up());
  const LinearizabilityResult checked = CheckLinearizability(
      clients_->History(), options_.application->model(), {.max_configurations = 300'000});
  using Verdict = LinearizabilityResult::Verdict;
  if (checked.verdict == Verdict::kGaveUp) coverage_.Count(Seen::kHistoriesTooHard);
  if (checked.verdict == Verdict::kNotLinearizable) invariants_.Fail("E1", checked.explanation);
}

}  // namespace rafttest
