#include "rafttest/simulation.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/errors.h"
#include "raft/raft.h"
#include "raftpb/describe.h"
#include "rafttest/hashed_log.h"
#include "rafttest/memory_disk.h"
#include "rafttest/proposal_number.h"

namespace rafttest {

using raft::kNone;
using raft::NodeId;
using raft::Role;
using raftpb::Message;
using raftpb::MessageType;

namespace {

constexpr size_t kOldMessages = 32;
constexpr size_t kInboxLimit = 1000;

// Whether a forwarded proposal or read may come about twice: the core does not tell copies apart.
bool MayRepeat(const Faults& faults) { return faults.duplicate > 0 || faults.replay_old > 0; }

// Drawn also when they are given: either way the same faults make the same run.
Faults FaultsOf(const SimulationOptions& options, Random& random) {
  Faults faults = Faults::Draw(random);
  if (options.scenario != nullptr) {
    faults = Faults{};
    options.scenario->arrange(faults, random);
  }
  return options.faults.value_or(faults);
}

raft::Config ConfigFor(NodeId id, const Faults& faults, Random& random, raft::Logger* logger) {
  raft::Config config;
  config.id = id;
  config.seed = random.Next() | 1;
  config.election_tick = faults.election_tick;
  config.pre_vote = faults.mixed_votes ? random.Chance(0.5) : faults.pre_vote;
  config.check_quorum = faults.mixed_votes ? random.Chance(0.5) : faults.check_quorum;
  if (faults.lease_reads) {
    config.read_only = raft::ReadOnlyOption::kLeaseBased;
    config.check_quorum = true;
  }
  config.async_storage_writes = faults.async_writes;
  config.immediate_sends = faults.immediate_sends;
  config.step_down_on_removal = true;
  config.max_inflight_msgs = faults.max_inflight_msgs;
  config.max_size_per_msg = faults.max_size_per_msg;
  config.max_inflight_bytes = faults.max_inflight_bytes;
  config.max_committed_size_per_ready =
      faults.max_committed_size != 0 ? faults.max_committed_size : 1 << 20;
  config.max_uncommitted_size = faults.max_uncommitted_size;
  config.snapshot_patience = 10;
  config.logger = logger;
  return config;
}

}  // namespace

Simulation::Simulation(const SimulationOptions& options)
    : options_(options),
      random_(options.seed),
      faults_(FaultsOf(options, random_)),
      invariants_(options.servers + options.spares, {.old_acks_may_leave = faults_.immediate_sends,
                                                     .messages_may_repeat = MayRepeat(faults_)}),
      network_(options.servers + options.spares, faults_),
      bodies_(options.servers + options.spares) {
  const size_t all = options.servers + options.spares;
  raftpb::ConfState founders;
  for (NodeId id = 1; id <= options.servers; ++id) founders.voters.push_back(id);
  if (options.wal && !options.faults) faults_.DrawDisk(random_);
  if (options.application != nullptr) {
    clients_ = std::make_unique<Clients>(*options.application, random_.Between(2, 10),
                                         10 * faults_.election_tick * kTick, random_.Fork());
  }
  for (NodeId id = 1; id <= all; ++id) {
    raft::Config config = ConfigFor(id, faults_, random_, options.logger);
    if (options.configure) options.configure(config);
    std::unique_ptr<SimDisk> disk;
    if (options.wal) {
      auto wal = std::make_unique<WalDisk>(id, faults_, random_.Fork());
      wal_disks_.push_back(wal.get());
      disk = std::move(wal);
    } else {
      disk = std::make_unique<MemoryDisk>(faults_);
    }
    servers_.push_back(std::make_unique<SimServer>(config, faults_, std::move(disk),
                                                   options.application, this, &invariants_));
    if (id <= options.servers) server(id).Found(founders);
    if (faults_.clock_skew > 0) {
      const double factor = 1 + faults_.clock_skew * (2 * random_.Unit() - 1) / 2;
      body(id).tick = static_cast<SimTime>(kTick / factor);
    }
  }
  probes_applied_.resize(all);
  probes_read_.resize(all);
  if (options.scenario != nullptr && options.scenario->script != nullptr) {
    script_ = options.scenario->script();
  }
}

Simulation::~Simulation() = default;

SimulationResult Simulation::Run() {
  for (NodeId id = 1; id <= servers_.size(); ++id) Start(id);
  for (EventKind kind : {EventKind::kPropose, EventKind::kRead, EventKind::kPartition,
                         EventKind::kCrash, EventKind::kCrashAll, EventKind::kPause,
                         EventKind::kTransfer, EventKind::kCampaign, EventKind::kMembership}) {
    ScheduleNext(kind);
  }
  if (script_ != nullptr) Schedule(kTick, EventKind::kScript, kNone, 0);
  result_.faults = faults_;
  RunUntil(options_.ticks * kTick);
  if (options_.check_liveness && !invariants_.violation()) CheckLiveness();
  if (!invariants_.violation()) CheckHistory();
  result_.violation = invariants_.violation();
  result_.when = now_;
  if (options_.recording != nullptr) options_.recording->End(now_, result_.violation);
  result_.trace_hash = trace_hash_;
  coverage_.Count(Seen::kElections, invariants_.elections());
  coverage_.Count(Seen::kCommitted, invariants_.committed());
  for (const WalDisk* disk : wal_disks_) result_.disk.Add(disk->coverage());
  result_.coverage = coverage_;
  return std::move(result_);
}

// --- Time ----------------------------------------------------------------------------------------

void Simulation::Schedule(SimTime delay, EventKind kind, NodeId server, uint64_t detail) {
  events_.push({now_ + delay, sequence_++, kind, server, detail});
}

void Simulation::ScheduleNext(EventKind kind) {
  const double every = MeanTimeBetween(kind);
  if (every > 0 && !healing_) Schedule(1 + random_.Exponential(every * kTick), kind, kNone, 0);
}

void Simulation::RunUntil(SimTime end) {
  while (!invariants_.violation() && !events_.empty() && events_.top().time <= end) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.time;
    coverage_.Count(Seen::kEvents);
    trace_hash_ = Mix(trace_hash_, now_ * 31 + static_cast<uint64_t>(event.kind));
    Handle(event);
    RecordServers();
  }
  if (!invariants_.violation()) now_ = end;
}

void Simulation::Handle(const Event& event) {
  const NodeId id = event.server;
  if (id == kNone) return HandleNemesis(event.kind);
  if (event.kind == EventKind::kDeliver) {
    const Message message = std::move(in_flight_[event.detail]);
    free_slots_.push_back(event.detail);
    return DeliverTo(id, message);
  }
  if (event.kind == EventKind::kRestart) return Restart(id);
  if (event.detail != body(id).life || !server(id).alive() || body(id).frozen) return;
  if (event.kind == EventKind::kResume) return Resume(id);
  if (event.kind == EventKind::kDiskFailed) {
    Crash(id);
    if (healing_ && !invariants_.violation()) return Start(id);
    return Schedule(random_.Exponential(faults_.crash_lasts * kTick), EventKind::kRestart, id, 0);
  }
  if (body(id).paused) return Schedule(kTick, event.kind, id, event.detail);
  switch (event.kind) {
    case EventKind::kTick: return OnTick(id);
    case EventKind::kWriteDone:
      Trace(id, " write done");
      server(id).WriteDone();
      break;
    case EventKind::kApplyDone:
      Trace(id, " apply done");
      server(id).ApplyDone();
      break;
    default: break;
  }
  server(id).Work();
}

void Simulation::OnTick(NodeId id) {
  coverage_.Count(Seen::kTicks);
  Schedule(body(id).tick, EventKind::kTick, id, body(id).life);
  server(id).node().Tick();
  ++body(id).ticks;
  CheckContact(id);
  CheckRemovedLeader(id);
  LookAtWindows(id);
  TouchAndWork(id);
}

// After every input: first the checks, then the work that it made.
void Simulation::TouchAndWork(NodeId id) {
  invariants_.AfterStep(id, server(id).node());
  if (invariants_.violation()) return;
  if (body(id).lost_vote != 0) LookAtVote(id);
  const double delay = healing_ ? 0 : faults_.ready_delay;
  if (delay == 0) {
    server(id).Work();
  } else if (server(id).node().HasReady()) {
    Schedule(random_.Exponential(delay * kTick), EventKind::kWork, id, body(id).life);
  }
}

// --- Network -------------------------------------------------------------------------------------

void Simulation::Send(NodeId id, const Message& message) {
  if (message.to == kNone || message.to > servers_.size()) return;
  network_.Deliveries(id, message, random_, delays_);
  if (message.type == MessageType::kSnap) {
    coverage_.Count(Seen::kSnapshotsSent);
    ReportSnapshot(message, !delays_.empty());
  }
  if (message.type == MessageType::kHeartbeat) LookAtReadRounds(id, message);
  if (options_.recording != nullptr) options_.recording->Message(now_, message, delays_);
  if (delays_.empty()) {
    coverage_.Count(network_.Reaches(id, message.to) ? Seen::kLost : Seen::kCut);
    TraceMessage("lost      ", message);
    if (random_.Chance(0.1)) server(id).node().ReportUnreachable(message.to);
    return;
  }
  coverage_.Count(Seen::kDuplicated, delays_.size() - 1);
  for (SimTime delay : delays_) {
    if (delay > 50 * faults_.delay) coverage_.Count(Seen::kVeryLate);
    Schedule(delay, EventKind::kDeliver, message.to, SlotFor(message));
  }
  if (faults_.replay_old > 0 && random_.Chance(0.05)) {
    if (old_messages_.size() < kOldMessages) {
      old_messages_.push_back(message);
    } else {
      old_messages_[random_.Below(kOldMessages)] = message;
    }
  }
}

// To describe a message takes longer than to handle it.
void Simulation::TraceMessage(absl::string_view what, const Message& message) {
  if (options_.trace != nullptr) Trace(what, raftpb::Describe(message));
}

uint64_t Simulation::SlotFor(const Message& message) {
  if (free_slots_.empty()) {
    in_flight_.push_back(message);
    return in_flight_.size() - 1;
  }
  const uint64_t slot = free_slots_.back();
  free_slots_.pop_back();
  in_flight_[slot] = message;
  return slot;
}

// The transport tells the sender of a snapshot how it went, unless it forgets.
void Simulation::ReportSnapshot(const Message& message, bool arrived) {
  if (!healing_ && random_.Chance(faults_.lose_report)) return coverage_.Count(Seen::kReportsLost);
  const Message report = {
      .type = MessageType::kSnapStatus, .to = message.from, .from = message.to, .reject = !arrived};
  const SimTime longest = delays_.empty() ? 0 : *std::max_element(delays_.begin(), delays_.end());
  Schedule(longest + kTick / 2, EventKind::kDeliver, message.from, SlotFor(report));
}

void Simulation::DeliverTo(NodeId to, const Message& message) {
  Body& receiver = body(to);
  if (!server(to).alive() || receiver.frozen) return;
  if (receiver.paused) {
    if (receiver.inbox.size() < kInboxLimit) receiver.inbox.push_back(message);
    return;
  }
  coverage_.Count(Seen::kDelivered);
  trace_hash_ = Mix(Mix(trace_hash_, message.term * 64 + static_cast<uint64_t>(message.type)),
                    message.index * 1024 + message.from * 32 + to);
  TraceMessage("delivered ", message);
  raft::RawNode& node = server(to).node();
  if (message.type == MessageType::kSnapStatus) {
    node.ReportSnapshot(message.from, message.reject ? raft::SnapshotOutcome::kFailed
                                                     : raft::SnapshotOutcome::kFinished);
    return TouchAndWork(to);
  }
  if (message.type == MessageType::kVote || message.type == MessageType::kPreVote) {
    invariants_.BeforeVoteRequest(node, message);
  }
  if (message.from != kNone && message.from <= servers_.size()) {
    receiver.heard[message.from - 1] = receiver.ticks;
  }
  if (random_.Chance(faults_.forged)) Forge(message);
  LookAtArrival(message);
  const bool unwelcome = AsksInLease(message);
  const raft::Term term = node.raft().term();
  const absl::Status stepped = node.Step(message);
  if (unwelcome && node.raft().term() == term) coverage_.Count(Seen::kVoteIgnoredInLease);
  if (unwelcome && node.raft().term() != term) {
    invariants_.Fail("L4", absl::StrCat(to, " follows ", raftpb::Describe(message),
                                        " though it heard of its leader a moment ago"));
  }
  const bool of_leader = message.type == MessageType::kApp ||
                         message.type == MessageType::kHeartbeat ||
                         message.type == MessageType::kSnap;
  if (stepped.ok() && of_leader && message.term == node.raft().term()) {
    receiver.leader_heard = receiver.ticks;
  }
  if (!stepped.ok()) {
    coverage_.Count(Seen::kRefused);
    Trace("  refused: ", stepped.message());
    if (raft::IsInvalidMessage(stepped) || raft::IsPromiseBroken(stepped)) {
      invariants_.Fail("D5", absl::StrCat(to, " refuses ", raftpb::Describe(message),
                                          " of a correct peer: ", stepped.message()));
    }
  }
  delivering_to_ = message.type == MessageType::kHeartbeatResp ? to : kNone;
  if (delivering_to_ != kNone) delivered_round_ = std::string(message.context);
  TouchAndWork(to);
  delivering_to_ = kNone;
  if (!healing_ && !old_messages_.empty() && random_.Chance(faults_.replay_old)) MaybeReplay();
}

// Somebody who speaks the protocol, but not in any term: must be refused, and change nothing. Only
// the wishes of clients, passed on, may come without one.
void Simulation::Forge(const Message& message) {
  if (message.term == 0 || message.type == MessageType::kTransferLeader) return;
  Message forged = message;
  forged.term = 0;
  coverage_.Count(Seen::kForged);
  if (server(message.to).node().Step(forged).ok()) {
    invariants_.Fail(
        "D5", absl::StrCat(message.to, " takes ", raftpb::Describe(forged), ", which has no term"));
  }
}

void Simulation::MaybeReplay() {
  const Message message = old_messages_[random_.Below(old_messages_.size())];
  coverage_.Count(Seen::kReplayed);
  Schedule(1 + random_.Exponential(faults_.delay), EventKind::kDeliver, message.to,
           SlotFor(message));
}

// --- Servers -------------------------------------------------------------------------------------

void Simulation::StartWrite(NodeId id) {
  const double mean = faults_.write_takes * (id == 1 ? faults_.slow_disk : 1);
  Schedule(1 + random_.Exponential(mean * kTick), EventKind::kWriteDone, id, body(id).life);
}

void Simulation::StartApply(NodeId id) {
  Schedule(1 + random_.Exponential(faults_.apply_takes * kTick), EventKind::kApplyDone, id,
           body(id).life);
}

// In the next moment: it is in the middle of its work.
void Simulation::OnDiskFailed(NodeId id, const absl::Status& why) {
  Note(id, "stops, its disk failed: ", std::string(why.message()));
  coverage_.Count(Seen::kDiskFailures);
  // An error of before may be told late, but only once.
  if (healing_ && body(id).failed_after_healing++ > 0) {
    return invariants_.Fail(
        "Q1",
        absl::StrCat("the disk of ", id, " is whole, and refuses: ", std::string(why.message())));
  }
  Schedule(0, EventKind::kDiskFailed, id, body(id).life);
}

void Simulation::OnApplied(NodeId id, const raftpb::Entry& entry, absl::string_view answer) {
  trace_hash_ = Mix(trace_hash_, entry.term * 4096 + entry.index);
  if (clients_ != nullptr) {
    trace_hash_ = HashBytes(trace_hash_, answer);
    if (!raftpb::IsConfChange(entry)) {
      clients_->OnApplied(now_, id, DecodeNumber(entry.data), answer);
    }
    clients_->OnProgress(now_, id, entry.index, server(id).machine());
  }
  if (raftpb::IsConfChange(entry)) {
    coverage_.Count(Seen::kChangesApplied);
    LookAtPromotions(id);
    if (!server(id).state().conf_state.voters_outgoing.empty()) {
      coverage_.Count(Seen::kJointConfigurations);
    }
    return;
  }
  const uint64_t number = DecodeNumber(entry.data);
  if (number == 0) return;
  invariants_.OnProposalApplied(id, number, entry.index);
  if (probes_applied_[id - 1] == number) probes_applied_[id - 1] = 0;
}

void Simulation::OnReadState(NodeId id, const raft::ReadState& read) {
  coverage_.Count(Seen::kReadsAnswered);
  const uint64_t number = DecodeNumber(read.context);
  LookAtAnsweredRead(id, number);
  invariants_.OnReadAnswered(id, number, read.index);
  if (clients_ != nullptr) {
    clients_->OnReadIndex(now_, id, number, read.index, server(id).state().applied.index,
                          server(id).machine());
  }
  if (probes_read_[id - 1] == number) probes_read_[id - 1] = 0;
}

void Simulation::OnRole(NodeId id, const raft::SoftState& state) {
  if (options_.trace != nullptr) {
    Trace(id, " is ", raft::Describe(state), " at term ", server(id).node().raft().term());
  }
  if (state.role != Role::kLeader) return;
  const auto leads = [](const std::unique_ptr<SimServer>& each) {
    return each->alive() && each->node().raft().role() == Role::kLeader;
  };
  if (std::count_if(servers_.begin(), servers_.end(), leads) >= 3) {
    coverage_.Count(Seen::kThreeLeaders);
  }
}

void Simulation::Start(NodeId id) {
  Note(id, "starts");
  ++body(id).life;
  body(id).paused = false;
  body(id).leader_heard = body(id).ticks;
  body(id).heard.assign(servers_.size(), body(id).ticks);
  server(id).Start();
  if (invariants_.violation()) return;
  if (server(id).node().raft().log().committed() < std::exchange(body(id).commit_before, 0)) {
    coverage_.Count(Seen::kCommitsForgotten);
  }
  Schedule(random_.Below(body(id).tick), EventKind::kTick, id, body(id).life);
}

void Simulation::Crash(NodeId id) {
  if (!server(id).alive()) return;
  Note(id, "crashes");
  coverage_.Count(Seen::kCrashes);
  const raft::Raft& raft = server(id).node().raft();
  const raftpb::HardState memory = raft.hard_state();
  if (!raft.membership().voters.outgoing.empty()) coverage_.Count(Seen::kCrashInJoint);
  body(id).inbox.clear();
  body(id).asked_reads.clear();
  body(id).paused = false;
  if (clients_ != nullptr) clients_->OnCrashed(id);
  body(id).commit_before = memory.commit;
  server(id).Crash(random_);
  const raftpb::HardState& disk = server(id).hard_state();
  if (memory.vote != kNone && (disk.term < memory.term || disk.vote == kNone)) {
    body(id).lost_vote = memory.term;
  }
}

void Simulation::Pause(NodeId id) {
  Note(id, "pauses");
  coverage_.Count(Seen::kPauses);
  body(id).paused = true;
  Schedule(random_.Exponential(faults_.pause_lasts * kTick), EventKind::kResume, id, body(id).life);
}

void Simulation::Resume(NodeId id) {
  if (!body(id).paused) return;
  Note(id, "resumes");
  body(id).paused = false;
  std::deque<Message> inbox = std::exchange(body(id).inbox, {});
  for (const Message& message : inbox) {
    if (invariants_.violation()) return;
    DeliverTo(id, message);
  }
}

void Simulation::Restart(NodeId id) {
  if (!server(id).alive()) Start(id);
}

const raft::Raft* Simulation::Core(NodeId id) const {
  return server(id).alive() ? &server(id).node().raft() : nullptr;
}

NodeId Simulation::Leader() const {
  NodeId leader = kNone;
  for (NodeId id = 1; id <= servers_.size(); ++id) {
    const raft::Raft* raft = Runs(id) ? Core(id) : nullptr;
    if (raft == nullptr || raft->role() != Role::kLeader) continue;
    if (leader == kNone || raft->term() > Core(leader)->term()) leader = id;
  }
  return leader;
}

NodeId Simulation::RandomRunning() {
  const NodeId first = 1 + random_.Below(servers_.size());
  for (size_t i = 0; i < servers_.size(); ++i) {
    const NodeId id = 1 + (first - 1 + i) % servers_.size();
    if (Runs(id)) return id;
  }
  return kNone;
}

// There may be several, of different terms, and the one that was deposed is the one to ask.
NodeId Simulation::SomeLeader() {
  const NodeId first = random_.Below(servers_.size());
  for (size_t i = 0; i < servers_.size(); ++i) {
    const NodeId id = 1 + (first + i) % servers_.size();
    if (Runs(id) && server(id).node().raft().role() == Role::kLeader) return id;
  }
  return kNone;
}

}  // namespace rafttest
