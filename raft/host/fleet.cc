#include "raft/host/fleet.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "raft/check.h"
#include "raft/errors.h"

namespace raft::testing {
namespace {

constexpr uint32_t kStepsPerTick = 4;
constexpr Index kFounded = 1;  // All logs start behind this index.

// FNV-1a, continued: the same on every machine and in every run.
uint64_t Mix(uint64_t hash, uint64_t number) {
  for (int i = 0; i < 8; ++i, number >>= 8) hash = (hash ^ (number & 255)) * 0x100000001b3;
  return hash;
}

uint64_t Mix(uint64_t hash, const raftpb::Entry& entry) {
  hash = Mix(Mix(hash, entry.index), entry.term);
  for (absl::string_view piece : entry.data.Chunks()) {
    for (char c : piece) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

absl::Cord Save(uint64_t hash) { return absl::Cord(absl::StrCat(hash)); }

uint64_t Load(const absl::Cord& data) {
  uint64_t hash = 0;
  RAFT_CHECK(absl::SimpleAtoi(std::string(data), &hash)) << "a snapshot that nobody made";
  return hash;
}

}  // namespace

// A host, what it stands on, and its disks, which outlive it.
struct Fleet::Machine : HostStorage, HostEmbedder {
  Machine(Fleet* fleet, HostId id) : fleet(fleet), id(id) {}

  absl::Status Add(GroupId group, const Ready& ready) override {
    batch.push_back({group, ready.hard_state, ready.entries, ready.snapshot});
    return absl::OkStatus();
  }

  absl::Status Write(bool must_sync) override {
    if (fleet->OneIn(fleet->options_.fail_write_one_in))
      return absl::DataLossError("the disk died");
    for (const Change& change : batch) {
      Replica& replica = replicas[change.group - 1];
      if (change.snapshot != nullptr) {
        RAFT_CHECK(replica.log.ApplySnapshot(change.snapshot).ok()) << "an old snapshot";
      }
      if (change.hard_state.has_value()) replica.log.SetHardState(*change.hard_state);
      RAFT_CHECK(replica.log.Append(change.entries).ok()) << "memory has room";
      if (must_sync) replica.synced = replica.log.hard_state();
    }
    batch.clear();
    return absl::OkStatus();
  }

  void Send(HostMessage& message) override { fleet->OnSend(message); }
  void Apply(GroupId group, const Ready& ready) override { fleet->OnApply(*this, group, ready); }
  void OnFailure(GroupId group, const absl::Status& why) override {
    fleet->Violated(absl::StrCat("group ", group, " on host ", id, ": ", why.ToString()));
  }

  struct Change {
    GroupId group;
    absl::optional<raftpb::HardState> hard_state;
    raftpb::EntryList entries;
    raftpb::SnapshotPtr snapshot;
  };

  Fleet* fleet;
  HostId id;
  std::vector<Replica> replicas;  // By group.
  std::vector<Change> batch;
  std::unique_ptr<Host> host;  // Null while it is down.
};

Fleet::Fleet(FleetOptions options)
    : options_(std::move(options)),
      random_(options_.seed),
      agreed_(options_.groups, {Mix(0, kFounded)}),
      leaders_(options_.groups) {
  auto founding = std::make_shared<raftpb::Snapshot>();
  founding->metadata.index = kFounded;
  founding->metadata.term = 1;
  founding->data = Save(agreed_[0][0]);
  for (HostId id = 1; id <= options_.hosts; ++id) {
    founding->metadata.conf_state.voters.push_back(id);
  }
  founding_ = founding;
  Config shared;
  options_.configure(shared);
  shared_ = std::make_shared<const Config>(std::move(shared));
  for (HostId id = 1; id <= options_.hosts; ++id) {
    machines_.push_back(std::make_unique<Machine>(this, id));
    Machine& machine = *machines_.back();
    machine.replicas.resize(options_.groups);
    for (Replica& replica : machine.replicas) {
      RAFT_CHECK(replica.log.ApplySnapshot(founding_).ok());
      replica.synced = {.term = 1, .commit = kFounded};
      replica.log.SetHardState(replica.synced);
      replica.applied = kFounded;
      replica.hash = agreed_[0][0];
    }
    Start(machine);
  }
}

Fleet::~Fleet() = default;

std::unique_ptr<RawNode> Fleet::MakeNode(HostId host, GroupId group, Replica& replica) {
  const GroupConfig config = {.id = host,
                              .storage = &replica.log,
                              .applied = replica.applied,
                              .seed = options_.seed + group * options_.hosts + host,
                              .shared = shared_};
  absl::StatusOr<std::unique_ptr<RawNode>> node = RawNode::Create(config);
  RAFT_CHECK(node.ok()) << node.status();
  return *std::move(node);
}

void Fleet::Start(Machine& machine) {
  HostOptions options = options_.host;
  options.id = machine.id;
  options.life = ++lives_;
  machine.host = std::make_unique<Host>(options, machine, machine);
  for (GroupId group = 1; group <= options_.groups; ++group) {
    RAFT_CHECK(
        machine.host->Add(group, MakeNode(machine.id, group, machine.replicas[group - 1])).ok());
  }
}

Host& Fleet::host(HostId id) { return *machines_[id - 1]->host; }
bool Fleet::IsUp(HostId id) const { return machines_[id - 1]->host != nullptr; }

// --- Time ---

void Fleet::Tick(uint32_t n) {
  for (; n > 0; --n) {
    for (auto& machine : machines_) {
      if (machine->host == nullptr) continue;
      machine->host->Tick();
      Work(*machine);
    }
    for (uint32_t i = 0; i < kStepsPerTick; ++i) Step();
  }
}

void Fleet::Step() {
  ++step_;
  while (!wire_.empty() && wire_.begin()->first <= step_) {
    const HostMessage message = std::move(wire_.extract(wire_.begin()).mapped());
    Machine& machine = *machines_[message.to - 1];
    if (machine.host == nullptr) continue;
    machine.host->Receive(message);
    for (const GroupMessage& m : message.messages) {
      if (m.message.type != raftpb::MessageType::kSnap || !IsUp(message.from)) continue;
      host(message.from).ReportSnapshot(m.group, m.message.to, SnapshotOutcome::kFinished);
    }
  }
  for (auto& machine : machines_) {
    if (machine->host != nullptr) Work(*machine);
  }
}

void Fleet::Settle() {
  for (bool quiet = false; !quiet;) {
    Step();
    quiet = wire_.empty();
  }
}

void Fleet::Work(Machine& machine) {
  if (!machine.host->Work().ok()) Crash(machine.id);
}

// --- Faults ---

void Fleet::Crash(HostId id) {
  Machine& machine = *machines_[id - 1];
  machine.host.reset();
  machine.batch.clear();
  ++crashes_;
}

void Fleet::Restart(HostId id) {
  Machine& machine = *machines_[id - 1];
  RAFT_CHECK(machine.host == nullptr) << "host " << id << " is up";
  for (Replica& replica : machine.replicas) {
    // What is applied was committed; the disk may have lost only that it was.
    raftpb::HardState stored = replica.synced;
    stored.commit = std::max(stored.commit, replica.applied);
    replica.log.SetHardState(stored);
  }
  Start(machine);
}

void Fleet::Isolate(HostId id) {
  for (HostId other = 1; other <= options_.hosts; ++other) {
    Cut(id, other);
    Cut(other, id);
  }
}

void Fleet::Heal() {
  cuts_.clear();
  lost_ = nullptr;
  options_.drop_one_in = 0;
  options_.fail_write_one_in = 0;
  for (HostId id = 1; id <= options_.hosts; ++id) {
    if (!IsUp(id)) Restart(id);
  }
}

void Fleet::OnSend(HostMessage& message) {
  ++messages_;
  uint64_t payload = 0;
  for (const GroupMessage& m : message.messages) payload += m.message.entries.PayloadSize();
  if (payload > 0) host(message.from).Sent(message.to, payload);
  const bool lost = OneIn(options_.drop_one_in) || cuts_.contains({message.from, message.to}) ||
                    (lost_ != nullptr && lost_(message));
  if (lost) return;  // Of lost snapshots nobody is told: their leaders find out.
  if (OneIn(options_.repeat_one_in)) {
    wire_.emplace(step_ + random_.Between(1, options_.max_delay), message);
  }
  wire_.emplace(step_ + random_.Between(1, options_.max_delay), std::move(message));
  message = HostMessage();
}

// --- Groups ---

HostId Fleet::LeaderOf(GroupId group) const {
  HostId leader = 0;
  Term latest = 0;
  for (const auto& machine : machines_) {
    if (machine->host == nullptr) continue;
    const BasicStatus status = machine->host->Find(group)->GetBasicStatus();
    if (status.soft_state.role == Role::kLeader && status.hard_state.term > latest) {
      leader = machine->id;
      latest = status.hard_state.term;
    }
  }
  return leader;
}

bool Fleet::Propose(GroupId group, absl::Cord data) {
  const HostId leader = LeaderOf(group);
  return leader != 0 && host(leader).Propose(group, std::move(data)).ok();
}

void Fleet::Campaign(HostId id, GroupId group) {
  RAFT_CHECK(host(id).Touch(group)->Campaign().ok());
}

Index Fleet::Applied(HostId host, GroupId group) const {
  return machines_[host - 1]->replicas[group - 1].applied;
}

size_t Fleet::Asleep() const {
  size_t asleep = 0;
  for (const auto& machine : machines_) {
    if (machine->host != nullptr) asleep += machine->host->stats().asleep;
  }
  return asleep;
}

// --- Invariants ---

void Fleet::OnApply(Machine& machine, GroupId group, const Ready& ready) {
  Replica& replica = machine.replicas[group - 1];
  if (ready.soft_state.has_value() && ready.soft_state->role == Role::kLeader) {
    // Election Safety (Figure 3.2).
    const Term term = machine.host->Find(group)->GetBasicStatus().hard_state.term;
    const HostId first = leaders_[group - 1].try_emplace(term, machine.id).first->second;
    if (first != machine.id) {
      Violated(absl::StrCat("group ", group, " has two leaders of term ", term, ": ", first,
                            " and ", machine.id));
    }
  }
  if (ready.snapshot != nullptr) {
    replica.applied = ready.snapshot->metadata.index;
    replica.hash = Load(ready.snapshot->data);
    Agree(machine.id, group, replica.applied, replica.hash);
  }
  for (const raftpb::Entry& entry : ready.committed_entries) {
    if (entry.index != replica.applied + 1) {
      Violated(absl::StrCat("group ", group, " on host ", machine.id, " is given ", entry.index,
                            " to apply after ", replica.applied));
    }
    replica.applied = entry.index;
    replica.hash = Mix(replica.hash, entry);
    ++applied_entries_;
    const bool first = Agree(machine.id, group, entry.index, replica.hash);
    committed_commands_ += first && !entry.data.empty();
  }
  if (options_.compact_every != kNoLimit &&
      replica.applied >= replica.log.FirstIndex() + options_.compact_every) {
    RAFT_CHECK(
        replica.log
            .CreateSnapshot(replica.applied, founding_->metadata.conf_state, Save(replica.hash))
            .ok());
    RAFT_CHECK(replica.log.Compact(replica.applied).ok());
  }
}

// State Machine Safety (Figure 3.2): the same up to every index, on all hosts and in all lives.
// Whether nobody had got that far before.
bool Fleet::Agree(HostId host, GroupId group, Index index, uint64_t hash) {
  std::vector<uint64_t>& agreed = agreed_[group - 1];
  const size_t at = index - kFounded;
  if (at == agreed.size()) {
    agreed.push_back(hash);
    return true;
  }
  if (at > agreed.size() || agreed[at] != hash) {
    Violated(
        absl::StrCat("group ", group, " on host ", host, " applied something else up to ", index));
  }
  return false;
}

void Fleet::ExpectNothingLost() {
  for (GroupId group = 1; group <= options_.groups; ++group) {
    const Index last = kFounded + agreed_[group - 1].size() - 1;
    for (HostId id = 1; id <= options_.hosts; ++id) {
      if (Applied(id, group) == last) continue;
      Violated(absl::StrCat("group ", group, " on host ", id, " has applied ", Applied(id, group),
                            " of ", last));
    }
  }
}

void Fleet::Violated(std::string what) {
  if (violations_.size() < 20) violations_.push_back(std::move(what));
}

}  // namespace raft::testing
