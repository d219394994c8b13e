#include "rafttest/simulation.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "raft/errors.h"
#include "raft/raft.h"
#include "raftpb/describe.h"
#include "rafttest/hashed_log.h"
#include "rafttest/linearizability.h"
#include "rafttest/memory_disk.h"

namespace rafttest {

using raft::kNone;
using raft::NodeId;
using raft::Role;
using raftpb::ConfChangeSingle;
using raftpb::ConfChangeTransition;
using raftpb::ConfChangeType;
using raftpb::ConfChangeV2;
using raftpb::Message;
using raftpb::MessageType;

namespace {

constexpr size_t kOldMessages = 32;
constexpr size_t kInboxLimit = 1000;

absl::Cord EncodeNumber(uint64_t number, size_t size) {
  std::string bytes(std::max(size, sizeof(number)), 'x');
  std::memcpy(bytes.data(), &number, sizeof(number));
  return absl::Cord(std::move(bytes));
}

uint64_t DecodeNumber(const absl::Cord& data) {
  if (data.size() < sizeof(uint64_t)) return 0;
  uint64_t number = 0;
  const std::string bytes(data.Subcord(0, sizeof(number)));
  std::memcpy(&number, bytes.data(), sizeof(number));
  return number;
}

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

// Whether a forwarded proposal or read may come about twice: the core does not tell copies apart.
bool MayRepeat(const Faults& faults) { return faults.duplicate > 0 || faults.replay_old > 0; }

// Drawn also when they are given: either way the same faults make the same run.
Faults FaultsOf(const SimulationOptions& options, Random& random) {
  const Faults drawn = Faults::Draw(random);
  return options.faults.value_or(drawn);
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

void Coverage::Add(const Coverage& other) {
  elections += other.elections;
  crashes += other.crashes;
  partitions += other.partitions;
  pauses += other.pauses;
  dropped += other.dropped;
  duplicated += other.duplicated;
  replayed += other.replayed;
  delivered += other.delivered;
  refused += other.refused;
  proposals += other.proposals;
  committed += other.committed;
  reads_answered += other.reads_answered;
  snapshots_sent += other.snapshots_sent;
  membership_changes += other.membership_changes;
  joint_configurations += other.joint_configurations;
  transfers += other.transfers;
  events += other.events;
  ticks += other.ticks;
  disk_failures += other.disk_failures;
  operations += other.operations;
  given_up += other.given_up;
  histories_given_up += other.histories_given_up;
  disk.Add(other.disk);
}

template <typename... Parts>
void Simulation::Trace(const Parts&... parts) {
  if (options_.trace == nullptr) return;
  options_.trace->push_back(
      absl::StrCat(absl::StrFormat("%10.3f  ", static_cast<double>(now_) / kTick), parts...));
}

template <typename... Parts>
void Simulation::Note(NodeId id, const Parts&... parts) {
  if (options_.recording != nullptr) {
    options_.recording->Event(now_, id, absl::StrCat(parts...));
  }
  if (id == kNone) return Trace(parts...);
  Trace(id, " ", parts...);
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

Simulation::Simulation(const SimulationOptions& options)
    : options_(options),
      random_(options.seed),
      faults_(FaultsOf(options, random_)),
      invariants_(options.servers + options.spares, {.old_acks_may_leave = faults_.immediate_sends,
                                                     .messages_may_repeat = MayRepeat(faults_)}),
      network_(options.servers + options.spares, faults_),
      bodies_(options.servers + options.spares),
      may_repeat_(MayRepeat(faults_)) {
  const size_t all = options.servers + options.spares;
  raftpb::ConfState founders;
  for (NodeId id = 1; id <= options.servers; ++id) founders.voters.push_back(id);
  if (options.wal && !options.faults) faults_.DrawDisk(random_);
  if (options.application != nullptr) {
    clients_ = std::make_unique<Clients>(*options.application, random_.Between(2, 10),
                                         10 * faults_.election_tick * kTick, random_.Fork());
  }
  for (NodeId id = 1; id <= all; ++id) {
    const raft::Config config = ConfigFor(id, faults_, random_, options.logger);
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
}

Simulation::~Simulation() = default;

SimulationResult Simulation::Run() {
  for (NodeId id = 1; id <= servers_.size(); ++id) Start(id);
  ScheduleNext(EventKind::kPropose, faults_.propose_every);
  ScheduleNext(EventKind::kRead, faults_.read_every);
  ScheduleNext(EventKind::kPartition, faults_.partition_every);
  ScheduleNext(EventKind::kCrash, faults_.crash_every);
  ScheduleNext(EventKind::kCrashAll, faults_.crash_all_every);
  ScheduleNext(EventKind::kPause, faults_.pause_every);
  ScheduleNext(EventKind::kTransfer, faults_.transfer_every);
  ScheduleNext(EventKind::kCampaign, faults_.campaign_every);
  ScheduleNext(EventKind::kMembership, faults_.membership_every);
  SimulationResult result;
  result.faults = faults_;
  RunUntil(options_.ticks * kTick);
  if (options_.check_liveness && !invariants_.violation()) {
    const SimTime healed = now_;
    CheckLiveness();
    result.leader_after = leader_after_;
    result.service_after = now_ - healed;
  }
  if (!invariants_.violation()) CheckHistory();
  result.violation = invariants_.violation();
  result.when = now_;
  if (options_.recording != nullptr) options_.recording->End(now_, result.violation);
  result.trace_hash = trace_hash_;
  coverage_.elections = invariants_.elections();
  coverage_.committed = invariants_.committed();
  for (const WalDisk* disk : wal_disks_) coverage_.disk.Add(disk->coverage());
  result.coverage = coverage_;
  return result;
}

// --- Time ----------------------------------------------------------------------------------------

void Simulation::Schedule(SimTime delay, EventKind kind, NodeId server, uint64_t detail) {
  events_.push({now_ + delay, sequence_++, kind, server, detail});
}

void Simulation::ScheduleNext(EventKind kind, double every) {
  if (every > 0 && !healing_) Schedule(1 + random_.Exponential(every * kTick), kind, kNone, 0);
}

void Simulation::RunUntil(SimTime end) {
  while (!invariants_.violation() && !events_.empty() && events_.top().time <= end) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.time;
    ++coverage_.events;
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
  if (event.kind == EventKind::kRestart) {
    if (!server(id).alive()) Start(id);
    return;
  }
  if (event.detail != body(id).life || !server(id).alive() || body(id).frozen) return;
  if (event.kind == EventKind::kResume) return Resume(id);
  if (event.kind == EventKind::kDiskFailed) {
    Crash(id);
    if (healing_ && !invariants_.violation()) return Start(id);
    return Schedule(random_.Exponential(faults_.crash_lasts * kTick), EventKind::kRestart, id, 0);
  }
  if (body(id).paused) return Schedule(kTick, event.kind, id, event.detail);
  switch (event.kind) {
    case EventKind::kTick:
      ++coverage_.ticks;
      Schedule(body(id).tick, EventKind::kTick, id, event.detail);
      server(id).node().Tick();
      ++body(id).ticks;
      CheckContact(id);
      TouchAndWork(id);
      return;
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
       {&raft.membership().voters.incoming, &raft.membership().voters.outgoing}) {
    const size_t count = std::count_if(half->begin(), half->end(), heard);
    if (half->begin() == half->end() || 2 * count > half->ids().size()) continue;
    invariants_.Fail(
        "L4", absl::StrCat(id, " leads term ", raft.term(), ", having heard of ", count, " of ",
                           half->ids().size(), " voters in ", patience, " ticks"));
  }
}

// After every input: first the checks, then the work that it made.
void Simulation::TouchAndWork(NodeId id) {
  invariants_.AfterStep(id, server(id).node());
  if (invariants_.violation()) return;
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
  network_.Deliveries(id, message.to, random_, delays_);
  if (message.type == MessageType::kSnap) {
    ++coverage_.snapshots_sent;
    ReportSnapshot(message, !delays_.empty());
  }
  if (options_.recording != nullptr) options_.recording->Message(now_, message, delays_);
  if (delays_.empty()) {
    ++coverage_.dropped;
    Trace("lost      ", raftpb::Describe(message));
    if (random_.Chance(0.1)) server(id).node().ReportUnreachable(message.to);
    return;
  }
  coverage_.duplicated += delays_.size() - 1;
  for (SimTime delay : delays_) {
    uint64_t slot = in_flight_.size();
    if (free_slots_.empty()) {
      in_flight_.push_back(message);
    } else {
      slot = free_slots_.back();
      free_slots_.pop_back();
      in_flight_[slot] = message;
    }
    Schedule(delay, EventKind::kDeliver, message.to, slot);
  }
  if (faults_.replay_old > 0 && random_.Chance(0.05)) {
    if (old_messages_.size() < kOldMessages) {
      old_messages_.push_back(message);
    } else {
      old_messages_[random_.Below(kOldMessages)] = message;
    }
  }
}

// The transport tells the sender of a snapshot how it went, unless it forgets.
void Simulation::ReportSnapshot(const Message& message, bool arrived) {
  if (!healing_ && random_.Chance(faults_.lose_report)) return;
  Message report = {
      .type = MessageType::kSnapStatus, .to = message.from, .from = message.to, .reject = !arrived};
  uint64_t slot = in_flight_.size();
  in_flight_.push_back(std::move(report));
  const SimTime longest = delays_.empty() ? 0 : *std::max_element(delays_.begin(), delays_.end());
  Schedule(longest + kTick / 2, EventKind::kDeliver, message.from, slot);
}

void Simulation::DeliverTo(NodeId to, const Message& message) {
  Body& receiver = body(to);
  if (!server(to).alive() || receiver.frozen) return;
  if (receiver.paused) {
    if (receiver.inbox.size() < kInboxLimit) receiver.inbox.push_back(message);
    return;
  }
  ++coverage_.delivered;
  trace_hash_ = Mix(Mix(trace_hash_, message.term * 64 + static_cast<uint64_t>(message.type)),
                    message.index * 1024 + message.from * 32 + to);
  Trace("delivered ", raftpb::Describe(message));
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
  const bool unwelcome = AsksInLease(message);
  const raft::Term term = node.raft().term();
  const absl::Status stepped = node.Step(message);
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
    ++coverage_.refused;
    Trace("  refused: ", stepped.message());
    if (raft::IsInvalidMessage(stepped) || raft::IsPromiseBroken(stepped)) {
      invariants_.Fail("D5", absl::StrCat(to, " refuses ", raftpb::Describe(message),
                                          " of a correct peer: ", stepped.message()));
    }
  }
  TouchAndWork(to);
  if (!healing_ && !old_messages_.empty() && random_.Chance(faults_.replay_old)) MaybeReplay();
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

void Simulation::MaybeReplay() {
  const Message message = old_messages_[random_.Below(old_messages_.size())];
  ++coverage_.replayed;
  uint64_t slot = in_flight_.size();
  in_flight_.push_back(message);
  Schedule(1 + random_.Exponential(faults_.delay), EventKind::kDeliver, message.to, slot);
}

// --- Servers -------------------------------------------------------------------------------------

void Simulation::StartWrite(NodeId id) {
  Schedule(1 + random_.Exponential(faults_.write_takes * kTick), EventKind::kWriteDone, id,
           body(id).life);
}

void Simulation::StartApply(NodeId id) {
  Schedule(1 + random_.Exponential(faults_.apply_takes * kTick), EventKind::kApplyDone, id,
           body(id).life);
}

// In the next moment: it is in the middle of its work.
void Simulation::OnDiskFailed(NodeId id, const absl::Status& why) {
  Trace(id, " stops, its disk failed: ", why.message());
  ++coverage_.disk_failures;
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
    ++coverage_.membership_changes;
    if (!server(id).state().conf_state.voters_outgoing.empty()) ++coverage_.joint_configurations;
    return;
  }
  const uint64_t number = DecodeNumber(entry.data);
  if (number == 0) return;
  if (dropped_.contains(number)) {
    invariants_.Fail("E1", absl::StrCat("proposal ", number, " was refused, and is applied by ", id,
                                        " at ", entry.index));
  }
  const auto [first, is_first] = applied_at_.emplace(number, entry.index);
  if (!is_first && first->second != entry.index && !may_repeat_) {
    invariants_.Fail("E1", absl::StrCat("proposal ", number, " is applied at ", first->second,
                                        " and at ", entry.index));
  }
  if (probes_applied_[id - 1] == number) probes_applied_[id - 1] = 0;
}

void Simulation::OnReadState(NodeId id, const raft::ReadState& read) {
  ++coverage_.reads_answered;
  const uint64_t number = DecodeNumber(read.context);
  invariants_.OnReadAnswered(id, number, read.index);
  if (clients_ != nullptr) {
    clients_->OnReadIndex(now_, id, number, read.index, server(id).state().applied.index,
                          server(id).machine());
  }
  if (probes_read_[id - 1] == number) probes_read_[id - 1] = 0;
}

void Simulation::OnRole(NodeId id, const raft::SoftState& state) {
  Trace(id, " is ", raft::Describe(state), " at term ", server(id).node().raft().term());
}

void Simulation::Start(NodeId id) {
  Note(id, "starts");
  ++body(id).life;
  body(id).paused = false;
  body(id).leader_heard = body(id).ticks;
  body(id).heard.assign(servers_.size(), body(id).ticks);
  server(id).Start();
  if (invariants_.violation()) return;
  Schedule(random_.Below(body(id).tick), EventKind::kTick, id, body(id).life);
}

void Simulation::Crash(NodeId id) {
  if (!server(id).alive()) return;
  Note(id, "crashes");
  ++coverage_.crashes;
  body(id).inbox.clear();
  body(id).paused = false;
  if (clients_ != nullptr) clients_->OnCrashed(id);
  server(id).Crash(random_);
}

void Simulation::Pause(NodeId id) {
  Note(id, "pauses");
  ++coverage_.pauses;
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

// --- Clients and nemesis -------------------------------------------------------------------------

void Simulation::HandleNemesis(EventKind kind) {
  if (healing_) return;
  const NodeId leader = SomeLeader();
  const NodeId id = leader != kNone && random_.Chance(0.5) ? leader : RandomRunning();
  switch (kind) {
    case EventKind::kPropose:
      if (id != kNone) clients_ != nullptr ? ClientActs(id) : Propose(id);
      return ScheduleNext(kind, faults_.propose_every);
    case EventKind::kRead:
      if (id != kNone) clients_ != nullptr ? ClientActs(id) : Read(id);
      return ScheduleNext(kind, faults_.read_every);
    case EventKind::kPartition: {
      network_.HealAll();
      ++coverage_.partitions;
      const char* shape = network_.CutSome(random_, leader);
      Note(kNone, "partition: ", shape);
      Schedule(1 + random_.Exponential(faults_.partition_lasts * kTick), EventKind::kHeal, kNone,
               0);
      return ScheduleNext(kind, faults_.partition_every);
    }
    case EventKind::kHeal: Note(kNone, "partition heals"); return network_.HealAll();
    case EventKind::kCrash:
      if (id != kNone) {
        Crash(id);
        Schedule(random_.Exponential(faults_.crash_lasts * kTick), EventKind::kRestart, id, 0);
      }
      return ScheduleNext(kind, faults_.crash_every);
    case EventKind::kCrashAll:
      for (NodeId each = 1; each <= servers_.size(); ++each) {
        Crash(each);
        Schedule(random_.Exponential(faults_.crash_lasts * kTick), EventKind::kRestart, each, 0);
      }
      return ScheduleNext(kind, faults_.crash_all_every);
    case EventKind::kPause:
      if (id != kNone) Pause(id);
      return ScheduleNext(kind, faults_.pause_every);
    case EventKind::kTransfer: {
      const NodeId to = 1 + random_.Below(servers_.size());
      if (id != kNone) {
        Note(id, "is asked to move leadership to ", to);
        ++coverage_.transfers;
        server(id).node().TransferLeadership(to).IgnoreError();
        TouchAndWork(id);
      }
      return ScheduleNext(kind, faults_.transfer_every);
    }
    case EventKind::kCampaign:
      if (id != kNone) {
        const bool forget = random_.Chance(0.3);
        Trace(id, forget ? " forgets its leader" : " campaigns");
        raft::RawNode& node = server(id).node();
        (forget ? node.ForgetLeader() : node.Campaign()).IgnoreError();
        TouchAndWork(id);
      }
      return ScheduleNext(kind, faults_.campaign_every);
    case EventKind::kMembership:
      if (id != kNone) ChangeMembership(id);
      return ScheduleNext(kind, faults_.membership_every);
    default: return;
  }
}

void Simulation::Propose(NodeId id) {
  const uint64_t number = next_proposal_++;
  Trace(id, " proposes ", number);
  ++coverage_.proposals;
  const absl::Status proposed =
      server(id).node().Propose(EncodeNumber(number, faults_.payload_bytes));
  if (raft::IsProposalDropped(proposed)) dropped_[number] = true;
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
    ++coverage_.proposals;
    absl::Cord payload = EncodeNumber(number, SimServer::kPayloadHeader);
    payload.Append(attempt->command);
    const absl::Status proposed = server(id).node().Propose(std::move(payload));
    if (raft::IsProposalDropped(proposed)) {
      dropped_[number] = true;
      clients_->OnRefused(number);
    }
  }
  TouchAndWork(id);
}

void Simulation::Read(NodeId id) {
  const uint64_t number = next_read_++;
  Trace(id, " reads ", number);
  invariants_.OnReadAsked(id, number);
  server(id).node().ReadIndex(EncodeNumber(number, 0)).IgnoreError();
  TouchAndWork(id);
}

// Any change over all servers, sensible or not.
void Simulation::ChangeMembership(NodeId id) {
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
  Note(id, "proposes change ", raftpb::Notation(change.changes));
  server(id).node().ProposeConfChange(change).IgnoreError();
  TouchAndWork(id);
}

// E1: all that clients saw could come from one machine that does one thing at a time (§6.3).
void Simulation::CheckHistory() {
  if (clients_ == nullptr) return;
  coverage_.operations = clients_->answered();
  coverage_.given_up = clients_->given_up();
  const LinearizabilityResult checked = CheckLinearizability(
      clients_->History(), options_.application->model(), {.max_configurations = 300'000});
  using Verdict = LinearizabilityResult::Verdict;
  if (checked.verdict == Verdict::kGaveUp) ++coverage_.histories_given_up;
  if (checked.verdict == Verdict::kNotLinearizable) invariants_.Fail("E1", checked.explanation);
}

// --- Liveness ------------------------------------------------------------------------------------

void Simulation::CheckLiveness() {
  HealSome();
  // Who is no member and does not know may campaign for ever; only pre-vote with check quorum keeps
  // that from disturbing the others.
  const bool disturbed = !faults_.pre_vote || !faults_.check_quorum || faults_.mixed_votes;
  if (disturbed && !Settled()) return;
  // With immediate sends a server without pre-vote and check quorum never answers an old leader,
  // as in etcd/raft: beside servers that have them it may campaign for ever.
  if (faults_.mixed_votes && faults_.immediate_sends) return;
  const SimTime start = now_;
  const SimTime election = faults_.election_tick * kTick * 2;  // The slowest clock.
  while (!invariants_.violation() && !AllFollowOneLeader()) {
    if (now_ - start > 50 * election + 10 * kTick) {
      return invariants_.Fail("L1",
                              absl::StrCat("no leader that all of ", Names(Core()), " follow ",
                                           (now_ - start) / kTick, " ticks after healing"));
    }
    RunUntil(now_ + kTick);
  }
  leader_after_ = now_ - start;
  const raft::Index behind = invariants_.committed();
  const SimTime led = now_;
  while (!invariants_.violation() && !AllCaughtUp()) {
    if (now_ - led > 70 * election + behind * 10 * kTick) {
      return invariants_.Fail(
          "L2", absl::StrCat("not all of ", Names(Core()), " have caught up ", (now_ - led) / kTick,
                             " ticks after a leader was there"));
    }
    RunUntil(now_ + kTick);
  }
  if (!invariants_.violation() && !Service(now_ + 20 * election)) {
    invariants_.Fail("L3", absl::StrCat("of ", Names(Core()), " proposals are missing at ",
                                        Names(Pending(Core(), probes_applied_)), ", reads at ",
                                        Names(Pending(Core(), probes_read_))));
  }
}

// Everything works again; but some servers may stay away for good, if that leaves a quorum.
void Simulation::HealSome() {
  Note(kNone, "everything heals");
  healing_ = true;
  faults_.drop = faults_.duplicate = faults_.replay_old = faults_.heavy_tail = 0;
  faults_.disk_error = faults_.disk_full = faults_.disk_short = faults_.power_cut = 0;
  faults_.delay = kTick / 4.0;
  faults_.write_takes = std::min(faults_.write_takes, 0.1);
  faults_.apply_takes = std::min(faults_.apply_takes, 0.1);
  network_.HealAll();
  // As in etcd/raft, with immediate sends a request for a vote restarts the timers of those who
  // refuse it. Without pre-votes, a server that cannot win and whose clock is the fastest by far
  // keeps them from campaigning.
  if (faults_.immediate_sends && !faults_.pre_vote) {
    for (Body& each : bodies_) each.tick = kTick;
  }
  // No change of membership may come out of the network later.
  for (Message& message : in_flight_) {
    if (message.type == MessageType::kProp) message.entries = {raftpb::Entry{}};
  }
  for (NodeId id = 1; id <= servers_.size() && !invariants_.violation(); ++id) {
    if (server(id).failed()) Crash(id);
    if (invariants_.violation()) return;
    if (!server(id).alive()) Start(id);
    if (!invariants_.violation()) Resume(id);
  }
  if (invariants_.violation() || !Settled()) return;
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
std::vector<NodeId> Simulation::Core() const {
  std::vector<NodeId> core = invariants_.newest_configuration().voters;
  const auto frozen = [&](NodeId id) { return bodies_[id - 1].frozen; };
  core.erase(std::remove_if(core.begin(), core.end(), frozen), core.end());
  return core;
}

bool Simulation::AllFollowOneLeader() const {
  const std::vector<NodeId> core = Core();
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
  const std::vector<NodeId> core = Core();
  const raft::Raft& leader = server(server(core[0]).node().raft().lead()).node().raft();
  const raft::Index last = leader.log().LastIndex();
  return leader.membership().IsVoter(leader.id()) && leader.log().applied() == last &&
         std::all_of(core.begin(), core.end(),
                     [&](NodeId id) { return server(id).node().raft().log().applied() == last; });
}

// A proposal and a read at every server, tried again as a client would.
bool Simulation::Service(SimTime deadline) {
  const std::vector<NodeId> core = Core();
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
