#include "raft/host/host.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/check.h"
#include "raft/errors.h"
#include "raft/quorum/joint.h"
#include "raft/raft.h"
#include "raft/tracker/config.h"
#include "raft/tracker/progress.h"

namespace raft {

using raftpb::Message;
using raftpb::MessageType;
using tracker::Progress;

namespace {

bool HasSomethingToStore(const Ready& ready) {
  return !ready.entries.empty() || ready.hard_state.has_value() || ready.snapshot != nullptr;
}

bool HasSomethingToApply(const Ready& ready) {
  return !ready.committed_entries.empty() || ready.snapshot != nullptr ||
         !ready.read_states.empty() || ready.soft_state.has_value();
}

uint64_t PayloadOf(const Message& m) {
  return m.entries.PayloadSize() + (m.snapshot != nullptr ? m.snapshot->data.size() : 0);
}

bool IsPlainBeat(const Message& m) {
  return (m.type == MessageType::kHeartbeat || m.type == MessageType::kHeartbeatResp) &&
         m.context.empty();
}

}  // namespace

Host::Host(const HostOptions& options, HostStorage& storage, HostEmbedder& embedder)
    : options_(options), storage_(storage), embedder_(embedder) {
  RAFT_CHECK(options_.id != 0 && options_.heartbeat_interval > 0 && options_.longest_sleep > 0 &&
             options_.max_round_groups > 0)
      << "options of host " << options_.id;
}

Host::~Host() = default;

// --- Groups ---

absl::Status Host::Add(GroupId id, std::unique_ptr<RawNode> node) {
  const Config& config = node->raft().config();
  RAFT_CHECK(HostOf(node->raft().id()) == options_.id)
      << "server " << node->raft().id() << " lives elsewhere";
  RAFT_CHECK(!config.async_storage_writes) << "a host writes by itself";
  if (by_id_.contains(id)) {
    return absl::AlreadyExistsError(absl::StrCat("group ", id, " has a server here"));
  }
  if (free_.empty()) {
    free_.push_back(static_cast<Slot>(groups_.size()));
    groups_.emplace_back();
  }
  const Slot slot = free_.back();
  free_.pop_back();
  by_id_[id] = slot;
  groups_[slot] = {
      .id = id,
      .node = std::move(node),
      .counted = now(),
      .last_active = now(),
      .may_sleep = options_.sleep_after > 0 && config.read_only != ReadOnlyOption::kLeaseBased};
  WatchMembers(*groups_[slot].node);
  AfterInput(slot);
  return absl::OkStatus();
}

std::unique_ptr<RawNode> Host::Remove(GroupId id) {
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) return nullptr;
  const Slot slot = at->second;
  by_id_.erase(at);
  Group& group = groups_[slot];
  WakePeers(group);
  wheel_.Schedule(slot, DeadlineWheel::kNever);
  stats_.asleep -= group.asleep ? 1 : 0;
  uncommitted_bytes_ -= group.uncommitted;
  std::unique_ptr<RawNode> node = std::move(group.node);
  group = Group();  // It may still be in busy_; there it is passed over.
  free_.push_back(slot);
  return node;
}

Host::Group* Host::Lookup(GroupId id) {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &groups_[at->second];
}

const RawNode* Host::Find(GroupId id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : groups_[at->second].node.get();
}

bool Host::IsAsleep(GroupId id) const {
  const auto at = by_id_.find(id);
  return at != by_id_.end() && groups_[at->second].asleep;
}

HostStats Host::stats() const {
  HostStats stats = stats_;
  stats.groups = by_id_.size();
  stats.uncommitted_bytes = uncommitted_bytes_;
  return stats;
}

// --- Other hosts ---

Host::Peer& Host::PeerAt(HostId id) {
  auto at = std::lower_bound(peers_.begin(), peers_.end(), id,
                             [](const Peer& peer, HostId wanted) { return peer.id < wanted; });
  if (at == peers_.end() || at->id != id) {
    at = peers_.insert(at, Peer{.id = id, .heard = now()});
  }
  return *at;
}

const Host::Peer* Host::FindPeer(HostId id) const {
  const auto at = std::lower_bound(peers_.begin(), peers_.end(), id,
                                   [](const Peer& peer, HostId x) { return peer.id < x; });
  return at == peers_.end() || at->id != id ? nullptr : &*at;
}

bool Host::IsAlive(HostId host) const {
  const Peer* peer = FindPeer(host);
  return peer != nullptr && peer->alive;
}

void Host::ForgetHost(HostId host) {
  std::erase_if(peers_, [host](const Peer& peer) { return peer.id == host; });
}

void Host::WatchMembers(const RawNode& node) {
  node.raft().membership().VisitTracked([this](NodeId member) {
    if (HostOf(member) != options_.id) PeerAt(HostOf(member));
  });
}

// Rule 2 of "why this is safe".
void Host::WatchHosts() {
  for (size_t i = 0; i < peers_.size(); ++i) {
    Peer& peer = peers_[i];
    if (!peer.alive || now() - peer.heard < options_.host_timeout) continue;
    peer.alive = false;
    WakeAllSharedWith(peer.id);
  }
}

void Host::WakeAllSharedWith(HostId host) {
  for (Slot slot = 0; slot < groups_.size(); ++slot) {
    const Group& group = groups_[slot];
    if (!group.asleep) continue;
    const Raft& raft = group.node->raft();
    bool concerned = HostOf(raft.lead()) == host;
    if (raft.role() == Role::kLeader) {
      raft.membership().VisitTracked(
          [&](NodeId member) { concerned = concerned || HostOf(member) == host; });
    }
    if (concerned) Wake(slot);
  }
}

// --- Time ---

void Host::Tick() {
  if (!failure_.ok()) return;
  due_.clear();
  wheel_.Tick(due_);
  for (Slot slot : due_) OnDue(slot);
  WatchHosts();
  if (now() % options_.heartbeat_interval != 0) return;
  for (Peer& peer : peers_) peer.owed = true;
  owes_ = !peers_.empty();
}

void Host::OnDue(Slot slot) {
  Group& group = groups_[slot];
  if (group.due > now()) {  // It was heard of its leader since.
    wheel_.Schedule(slot, group.due);
    return;
  }
  ++stats_.touched;
  if (group.asleep) return Wake(slot);
  if (LeaderMaySleep(group)) return PutLeaderToSleep(slot);
  CatchUp(group);
  AfterInput(slot);
}

void Host::CatchUp(Group& group) {
  if (now() == group.counted) return;
  group.node->Tick(static_cast<uint32_t>(now() - group.counted));
  group.counted = now();
}

// The core may have changed in any way.
void Host::AfterInput(Slot slot) {
  Group& group = groups_[slot];
  const uint32_t ticks = group.node->TicksUntilDue();
  group.due =
      ticks == std::numeric_limits<uint32_t>::max() ? DeadlineWheel::kNever : group.counted + ticks;
  // A follower's patience starts anew with every heartbeat. Its place on the wheel stays; when that
  // comes up there is time enough to move it.
  if (group.due < wheel_.due(slot)) wheel_.Schedule(slot, group.due);
  const uint64_t uncommitted = group.node->raft().uncommitted_size();
  uncommitted_bytes_ += uncommitted - group.uncommitted;
  group.uncommitted = uncommitted;
  if (group.node->HasReady()) MarkBusy(slot);
}

void Host::MarkBusy(Slot slot) {
  if (groups_[slot].busy) return;
  groups_[slot].busy = true;
  busy_.push_back(slot);
}

void Host::Fail(Slot slot, const absl::Status& why) {
  Group& group = groups_[slot];
  if (group.failed) return;
  if (group.asleep) Wake(slot);
  group.failed = true;
  WakePeers(group);
  wheel_.Schedule(slot, DeadlineWheel::kNever);
  embedder_.OnFailure(group.id, why);
}

// --- Sleep ---

bool Host::LeaderMaySleep(const Group& group) const {
  if (!group.may_sleep || now() - group.last_active < options_.sleep_after) return false;
  const Raft& raft = group.node->raft();
  if (raft.role() != Role::kLeader || !raft.IsAtRest() || group.node->HasReady()) return false;
  const Index last = raft.log().LastIndex();
  bool all_follow = true;
  const auto follows = [&](NodeId id) -> absl::optional<bool> {
    if (id == raft.id()) return true;
    return IsAlive(HostOf(id));
  };
  for (const auto& [id, progress] : *raft.progress()) {
    if (id == raft.id() || !IsAlive(HostOf(id))) continue;
    all_follow &=
        progress.state() == tracker::ProgressState::kReplicate && progress.match() == last;
  }
  return all_follow && raft.membership().voters.CountVotes(follows) == quorum::VoteResult::kWon;
}

void Host::PutLeaderToSleep(Slot slot) {
  const Group& group = groups_[slot];
  const Raft& raft = group.node->raft();
  for (const auto& [id, progress] : *raft.progress()) {
    if (id == raft.id()) continue;
    PeerAt(HostOf(id))
        .heartbeats.push_back({.group = group.id,
                               .from = raft.id(),
                               .to = id,
                               .term = raft.term(),
                               .commit = std::min(progress.match(), raft.log().committed()),
                               .kind = Beat::Kind::kSleep});
  }
  FallAsleep(slot, std::max<uint32_t>(options_.longest_sleep / 2, 1));
}

// A follower that has exactly what its leader has, by its leader's word (rule 1).
bool Host::FollowerMaySleep(const Group& group, const Beat& beat) const {
  const Raft& raft = group.node->raft();
  return group.may_sleep && raft.role() == Role::kFollower && raft.id() == beat.to &&
         raft.term() == beat.term && raft.lead() == beat.from && raft.IsAtRest() &&
         raft.log().LastIndex() == beat.commit && !group.node->HasReady();
}

void Host::FallAsleep(Slot slot, uint32_t at_most) {
  Group& group = groups_[slot];
  if (!group.asleep) {
    group.asleep = true;
    ++stats_.asleep;
    ++stats_.fell_asleep;
    group.node->ReleaseMemory();
  }
  // Not all at once who fell asleep at once; group ids are as good as chance for that.
  group.due = now() + at_most - group.id % (at_most / 4 + 1);
  wheel_.Schedule(slot, group.due);
}

// The time asleep was none: the count goes on where it stood.
void Host::Wake(Slot slot) {
  Group& group = groups_[slot];
  group.asleep = false;
  --stats_.asleep;
  group.counted = now();
  group.last_active = now();
  AfterInput(slot);
}

// Who sleeps, trusting that this server leads, must not go on.
void Host::WakePeers(const Group& group) {
  const Raft& raft = group.node->raft();
  raft.membership().VisitTracked([&](NodeId member) {
    if (HostOf(member) == options_.id) return;
    PeerAt(HostOf(member))
        .out.beats.push_back(
            {.group = group.id, .from = raft.id(), .to = member, .kind = Beat::Kind::kWakeUp});
    owes_ = true;
  });
}

// --- Input ---

absl::Status Host::Propose(GroupId id, absl::Cord data) {
  if (!failure_.ok()) return failure_;
  if (uncommitted_bytes_ > 0 && uncommitted_bytes_ + data.size() > options_.max_uncommitted_bytes) {
    return ProposalDropped(DropReason::kOverQuota);
  }
  RawNode* node = Touch(id);
  if (node == nullptr) return absl::NotFoundError(absl::StrCat("no group ", id, " here"));
  const absl::Status proposed = node->Propose(std::move(data));
  AfterInput(by_id_[id]);
  return proposed;
}

RawNode* Host::Touch(GroupId id) {
  const auto at = by_id_.find(id);
  if (at == by_id_.end() || groups_[at->second].failed || !failure_.ok()) return nullptr;
  const Slot slot = at->second;
  Group& group = groups_[slot];
  if (group.asleep) Wake(slot);
  CatchUp(group);
  group.last_active = now();
  // What the caller does with it is found out by Work, or by the next tick.
  group.due = now() + 1;
  wheel_.Schedule(slot, group.due);
  MarkBusy(slot);
  return group.node.get();
}

absl::StatusOr<raftpb::ConfState> Host::ApplyConfChange(GroupId id, const raftpb::Entry& entry) {
  Group* group = Lookup(id);
  RAFT_CHECK(group != nullptr) << "no group " << id << " here";
  absl::StatusOr<raftpb::ConfState> applied = group->node->ApplyConfChange(entry);
  if (applied.ok()) WatchMembers(*group->node);
  return applied;
}

void Host::Sent(HostId to, uint64_t bytes) {
  if (FindPeer(to) == nullptr) return;
  Peer& peer = PeerAt(to);
  peer.in_flight -= std::min(bytes, peer.in_flight);
}

void Host::ReportSnapshot(GroupId id, NodeId to, SnapshotOutcome outcome) {
  if (RawNode* node = Touch(id)) node->ReportSnapshot(to, outcome);
}

void Host::ReportUnreachable(GroupId id, NodeId to) {
  if (RawNode* node = Touch(id)) node->ReportUnreachable(to);
}

void Host::Receive(const HostMessage& message) {
  if (!failure_.ok()) return;
  if (message.to != options_.id || message.from == options_.id) {
    ++stats_.refused;
    return;
  }
  Peer& peer = PeerAt(message.from);
  if (message.life < peer.life) {
    ++stats_.refused;
    return;
  }
  const bool new_life = peer.life != 0 && message.life > peer.life;
  const bool is_back = !peer.alive;
  peer.life = message.life;
  peer.heard = now();
  peer.alive = true;
  if (new_life || is_back) WakeAllSharedWith(message.from);
  for (const Beat& beat : message.beats) OnBeat(beat);
  for (const GroupMessage& m : message.messages) {
    const auto at = by_id_.find(m.group);
    if (at == by_id_.end()) {
      ++stats_.refused;
      continue;
    }
    groups_[at->second].last_active = now();
    StepInto(at->second, m.message);
  }
}

void Host::OnBeat(const Beat& beat) {
  const auto at = by_id_.find(beat.group);
  if (at == by_id_.end()) {
    ++stats_.refused;
    return;
  }
  const Slot slot = at->second;
  Group& group = groups_[slot];
  beat_.type = MessageType::kHeartbeatResp;
  switch (beat.kind) {
    case Beat::Kind::kWakeUp:
      if (group.asleep) Wake(slot);
      return;
    case Beat::Kind::kSleep:
      if (FollowerMaySleep(group, beat)) return FallAsleep(slot, options_.longest_sleep);
      group.refuses_sleep = true;
      [[fallthrough]];
    case Beat::Kind::kHeartbeat: beat_.type = MessageType::kHeartbeat; break;
    case Beat::Kind::kResponse:
      if (group.asleep) return;  // To a heartbeat from before.
      break;
    case Beat::Kind::kStaysAwake: break;
    default: ++stats_.refused; return;
  }
  beat_.to = beat.to;
  beat_.from = beat.from;
  beat_.term = beat.term;
  beat_.commit = beat.commit;
  StepInto(slot, beat_);
}

void Host::StepInto(Slot slot, const Message& message) {
  Group& group = groups_[slot];
  if (group.failed) return;
  if (group.asleep) Wake(slot);
  CatchUp(group);
  const absl::Status stepped = group.node->Step(message);
  if (IsPromiseBroken(stepped)) return Fail(slot, stepped);
  if (!stepped.ok()) ++stats_.refused;
  AfterInput(slot);
}

// --- Rounds ---

absl::Status Host::Work() {
  while (failure_.ok() && next_busy_ < busy_.size()) {
    failure_ = Round();
    if (out_bytes_ >= options_.max_round_bytes) Flush();
  }
  if (failure_.ok()) Flush();
  return failure_;
}

absl::Status Host::Round() {
  size_t taken = 0;
  bool must_write = false;
  bool must_sync = false;
  uint64_t bytes = 0;
  while (next_busy_ < busy_.size() && taken < options_.max_round_groups &&
         bytes < options_.max_round_bytes) {
    const Slot slot = busy_[next_busy_++];
    if (taken == round_.size()) round_.emplace_back();
    if (!Take(slot, round_[taken])) continue;
    const Ready& ready = round_[taken++].ready;
    bytes += ready.entries.PayloadSize() + ready.committed_entries.PayloadSize();
    if (!HasSomethingToStore(ready)) continue;
    must_write = true;
    must_sync |= ready.must_sync || ready.snapshot != nullptr;
    if (absl::Status added = storage_.Add(groups_[slot].id, ready); !added.ok()) return added;
  }
  if (next_busy_ == busy_.size()) {
    busy_.clear();
    next_busy_ = 0;
  }
  if (must_write) {
    if (absl::Status written = storage_.Write(must_sync); !written.ok()) return written;
    ++stats_.rounds;
  }
  for (size_t i = 0; i < taken; ++i) Finish(round_[i]);
  return absl::OkStatus();
}

// Takes the group's Ready, if it has one.
bool Host::Take(Slot slot, Taken& taken) {
  Group& group = groups_[slot];
  group.busy = false;
  if (group.node == nullptr || group.failed) return false;
  AfterInput(slot);  // Who was given access has done what he wanted.
  if (!group.busy) return false;
  group.busy = false;
  if (absl::Status status = group.node->TakeReady(taken.ready); !status.ok()) {
    Fail(slot, status);
    return false;
  }
  taken.slot = slot;
  ++stats_.readies;
  if (!taken.ready.committed_entries.empty() || !taken.ready.entries.empty()) {
    group.last_active = now();
  }
  PutOut(taken, taken.ready.messages);
  return true;
}

// The Ready of a group is stored.
void Host::Finish(Taken& taken) {
  Group& group = groups_[taken.slot];
  PutOut(taken, taken.ready.messages_after_write);
  if (HasSomethingToApply(taken.ready)) embedder_.Apply(group.id, taken.ready);
  group.node->Advance();
  if (taken.ready.snapshot != nullptr) WatchMembers(*group.node);
  for (const Dropped& dropped : taken.dropped) {
    if (dropped.snapshot) group.node->ReportSnapshot(dropped.to, SnapshotOutcome::kFailed);
    group.node->ReportUnreachable(dropped.to);
  }
  taken.dropped.clear();
  taken.ready.Clear();
  AfterInput(taken.slot);
}

void Host::PutOut(Taken& taken, std::vector<Message>& messages) {
  Group& group = groups_[taken.slot];
  for (Message& m : messages) {
    if (HostOf(m.to) == options_.id) {  // Two servers of a group on one host: not our promise.
      ++stats_.refused;
      continue;
    }
    Peer& peer = PeerAt(HostOf(m.to));
    if (IsPlainBeat(m)) {
      const bool response = m.type == MessageType::kHeartbeatResp;
      Beat beat = {
          .group = group.id, .from = m.from, .to = m.to, .term = m.term, .commit = m.commit};
      if (response) {
        beat.kind = std::exchange(group.refuses_sleep, false) ? Beat::Kind::kStaysAwake
                                                              : Beat::Kind::kResponse;
      }
      (response ? peer.out.beats : peer.heartbeats).push_back(beat);
      continue;
    }
    const uint64_t payload = PayloadOf(m);
    if (payload > 0 && options_.max_in_flight_bytes != kNoLimit) {
      if (peer.in_flight > 0 && peer.in_flight + payload > options_.max_in_flight_bytes) {
        taken.dropped.push_back({m.to, m.type == MessageType::kSnap});
        ++stats_.over_budget;
        continue;
      }
      peer.in_flight += payload;
    }
    out_bytes_ += payload;
    peer.out.messages.push_back({group.id, std::move(m)});
  }
}

void Host::Flush() {
  out_bytes_ = 0;
  owes_ = false;
  for (Peer& peer : peers_) {
    if (std::exchange(peer.owed, false)) {
      peer.out.beats.insert(peer.out.beats.end(), peer.heartbeats.begin(), peer.heartbeats.end());
      peer.heartbeats.clear();
    } else if (peer.out.empty()) {
      continue;
    }
    peer.out.from = options_.id;
    peer.out.to = peer.id;
    peer.out.life = options_.life;
    ++stats_.host_messages;
    stats_.beats += peer.out.beats.size();
    stats_.messages += peer.out.messages.size();
    embedder_.Send(peer.out);
    peer.out.beats.clear();
    peer.out.messages.clear();
  }
}

}  // namespace raft
