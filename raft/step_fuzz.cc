// Any bytes as the life of a group: a schedule of deliveries, losses, repetitions, ticks,
// proposals, reads, membership changes, restarts, compactions, and messages that no correct peer
// sends.
//
// Nothing may crash a server. As long as nobody has lied, the safety properties of
// raft/testing/safety.h hold after every step, reads see what was committed before they were asked,
// and servers that applied as much are equal.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "raft/check.h"
#include "raft/testing/cluster.h"
#include "raftpb/wire.h"

namespace raft {
namespace {

using raftpb::Message;
using raftpb::MessageType;
using testing::Cluster;
using testing::ClusterOptions;

constexpr NodeId kFounders = 3;
constexpr NodeId kServers = 4;  // The last one may join.
constexpr int kMaxSteps = 1500;
constexpr size_t kMaxInFlight = 64;

class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), end_(data + size) {}
  bool empty() const { return data_ == end_; }
  uint8_t Next() { return empty() ? 0 : *data_++; }
  uint64_t Below(uint64_t n) { return Next() % n; }
  bool Bit() { return Next() & 1; }

 private:
  const uint8_t* data_;
  const uint8_t* end_;
};

// The first bytes choose how the servers are set up.
struct Setup {
  uint8_t flags;
  uint8_t more;
  bool Has(int bit) const { return flags >> bit & 1; }
  bool MayLie() const { return more & 1; }

  void Configure(Config& config) const {
    config.pre_vote = Has(0);
    config.check_quorum = Has(1);
    config.async_storage_writes = Has(2);
    config.immediate_sends = Has(3);
    config.step_down_on_removal = Has(4);
    config.disable_proposal_forwarding = Has(5);
    if (Has(6)) {  // Everything is scarce.
      config.max_size_per_msg = 24;
      config.max_committed_size_per_ready = 40;
      config.max_uncommitted_size = 30;
      config.max_inflight_msgs = 2;
      config.max_inflight_bytes = 30;
      config.max_pending_reads = 3;
      config.snapshot_patience = 1;
    }
    if (Has(7) && config.check_quorum) config.read_only = ReadOnlyOption::kLeaseBased;
    config.heartbeat_tick = 1 + (more >> 1 & 1);
    config.election_tick = 4;
  }
};

class Life {
 public:
  Life(const uint8_t* data, size_t size)
      : bytes_(data, size), setup_{bytes_.Next(), bytes_.Next()}, group_(Options()) {
    for (NodeId id = kFounders + 1; id <= kServers; ++id) group_.Add(id);
  }

  void Live() {
    for (int step = 0; step < kMaxSteps && !bytes_.empty(); ++step) {
      Step();
      CollectReads();
      while (group_.wire().size() > kMaxInFlight) group_.wire().pop_front();
    }
    if (!lied_) CompareStateMachines();
  }

 private:
  ClusterOptions Options() {
    ClusterOptions options;
    options.voters = {1, 2, 3};
    options.configure = [setup = setup_](Config& config) { setup.Configure(config); };
    options.on_violation = [](const std::string& what) { RAFT_CHECK(false) << what; };
    return options;
  }

  NodeId AnyServer() { return 1 + bytes_.Below(kServers); }
  size_t AnyInFlight() { return bytes_.Below(group_.wire().size()); }

  void Step() {
    const uint8_t what = bytes_.Next();
    switch (what % 20) {
      case 0:
      case 1: group_.HandleReady(AnyServer()); break;
      case 2:
      case 3: Everybody(); break;
      case 4:
      case 5: DeliverOldest(what / 20 + 1); break;
      case 6:
        if (!group_.wire().empty()) group_.Deliver(AnyInFlight()).IgnoreError();
        break;
      case 7: Lose(); break;
      case 8: Repeat(); break;
      case 9: group_.Tick(AnyServer(), what / 20); break;
      case 10: TimeOut(AnyServer()); break;
      case 11: Propose(AnyServer(), what / 20); break;
      case 12: Read(AnyServer()); break;
      case 13: ChangeMembership(AnyServer()); break;
      case 14: group_.Restart(AnyServer(), /*keep_state_machine=*/bytes_.Bit()); break;
      case 15: Compact(AnyServer()); break;
      case 16: Command(AnyServer()); break;
      case 17: RunStorage(AnyServer()); break;
      case 18: ReplayFromLongAgo(); break;
      case 19: Lie(); break;
    }
  }

  // A round in which everybody does what there is to do, and everything arrives.
  void Everybody() {
    for (NodeId id : group_.ids()) {
      while (group_.HandleReady(id)) {
      }
      group_.RunStorage(id);
    }
    DeliverOldest(static_cast<int>(group_.wire().size()));
  }

  void DeliverOldest(int count) {
    while (count-- > 0 && !group_.wire().empty()) group_.Deliver().IgnoreError();
  }

  void Lose() {
    if (group_.wire().empty()) return;
    group_.wire().erase(group_.wire().begin() + AnyInFlight());
  }

  void Repeat() {
    if (group_.wire().empty()) return;
    group_.wire().push_back(group_.wire()[AnyInFlight()]);
  }

  void ReplayFromLongAgo() {
    if (group_.sent().empty()) return;
    const size_t place = bytes_.Next() + size_t{256} * bytes_.Below(4);
    group_.wire().push_back(group_.sent()[place % group_.sent().size()]);
  }

  void TimeOut(NodeId id) {
    const uint32_t due = group_.node(id).TicksUntilDue();
    if (due != std::numeric_limits<uint32_t>::max()) group_.Tick(id, due);
  }

  void Propose(NodeId id, size_t length) {
    group_.Propose(id, absl::StrCat("c", ++proposals_, std::string(length, 'x'))).IgnoreError();
  }

  // --- Reads ---

  void Read(NodeId id) {
    const std::string context = absl::StrCat(++reads_);
    asked_[context] = group_.CommittedAnywhere();
    group_.node(id).ReadIndex(absl::Cord(context)).IgnoreError();
  }

  // What immediate_sends gives up (Config): groups of a single voter answer without asking.
  bool MayReadTooEarly() {
    for (NodeId id : group_.ids()) had_one_voter_ |= group_.raft(id).membership().HasOneVoter();
    return setup_.Has(3) && had_one_voter_;
  }

  void CollectReads() {
    const bool may_read_too_early = MayReadTooEarly();
    for (NodeId id : group_.ids()) {
      for (const ReadState& read : group_.reads(id)) {
        // With a lease this is true only while clocks run evenly, and here they do not.
        if (lied_ || setup_.Has(7) || may_read_too_early) continue;
        const auto asked = asked_.find(std::string(read.context));
        RAFT_CHECK(asked != asked_.end()) << "an answer to nobody's question";
        RAFT_CHECK(read.index >= asked->second)
            << "a read at " << read.index << " misses what was committed up to " << asked->second;
      }
      group_.reads(id).clear();
    }
  }

  // --- Membership ---

  raftpb::ConfChangeV2 AnyChange() {
    raftpb::ConfChangeV2 change;
    change.transition = static_cast<raftpb::ConfChangeTransition>(bytes_.Below(3));
    for (uint64_t left = bytes_.Below(4); left > 0; --left) {
      change.changes.push_back(
          {static_cast<raftpb::ConfChangeType>(bytes_.Below(4)), bytes_.Below(kServers + 1)});
    }
    return change;
  }

  void ChangeMembership(NodeId id) { group_.node(id).ProposeConfChange(AnyChange()).IgnoreError(); }

  void CompareStateMachines() {
    std::map<Index, const testing::StateMachine*> at;
    const testing::StateMachine* longest = &group_.machine(1);
    for (NodeId id : group_.ids()) {
      const testing::StateMachine& machine = group_.machine(id);
      if (machine.applied > longest->applied) longest = &machine;
      const auto [other, is_new] = at.emplace(machine.applied, &machine);
      RAFT_CHECK(is_new || other->second->conf_state == machine.conf_state)
          << "two memberships at index " << machine.applied;
    }
    for (const auto& [applied, machine] : at) {
      RAFT_CHECK(
          machine->commands.size() <= longest->commands.size() &&
          std::equal(machine->commands.begin(), machine->commands.end(), longest->commands.begin()))
          << "state machines differ at index " << applied;
    }
  }

  // --- What the embedder does ---

  void Compact(NodeId id) {
    if (group_.machine(id).applied >= group_.storage(id).FirstIndex()) group_.Compact(id);
  }

  void Command(NodeId id) {
    RawNode& node = group_.node(id);
    const NodeId other = 1 + bytes_.Below(kServers + 1);
    switch (bytes_.Below(6)) {
      case 0: node.TransferLeadership(other).IgnoreError(); break;
      case 1: node.ForgetLeader().IgnoreError(); break;
      case 2: node.ReportUnreachable(other); break;
      case 3: node.ReportSnapshot(other, SnapshotOutcome::kFinished); break;
      case 4: node.ReportSnapshot(other, SnapshotOutcome::kFailed); break;
      case 5: node.Campaign().IgnoreError(); break;
    }
  }

  void RunStorage(NodeId id) {
    const bool append = bytes_.Bit();
    if (append && !group_.append_work(id).empty()) group_.RunAppend(id);
    if (!append && !group_.apply_work(id).empty()) group_.RunApply(id);
  }

  // --- Lies: real messages, changed ---

  void Lie() {
    if (!setup_.MayLie()) return;
    lied_ = true;
    group_.ExpectNoSafety();
    Message m;
    const std::vector<Message>& sent = group_.sent();
    if (!sent.empty()) m = sent[(bytes_.Next() + size_t{256} * bytes_.Below(4)) % sent.size()];
    const NodeId to = AnyServer();
    if (bytes_.Bit()) m.to = to;
    for (uint64_t left = 1 + bytes_.Below(4); left > 0; --left) Change(m);
    group_.Step(to, m).IgnoreError();
  }

  uint64_t AnyNumber(uint64_t near) {
    constexpr uint64_t k2To63 = uint64_t{1} << 63;
    switch (bytes_.Below(8)) {
      case 0: return 0;
      case 1: return k2To63 - 1 + bytes_.Below(3);
      case 2: return std::numeric_limits<uint64_t>::max() - bytes_.Below(3);
      case 3: return bytes_.Next();
      default: return near + bytes_.Below(7) - 3;
    }
  }

  NodeId AnyId() {
    switch (bytes_.Below(8)) {
      case 0: return kNone;
      case 1: return kLocalAppendThread;
      case 2: return kLocalApplyThread;
      default: return bytes_.Below(7);
    }
  }

  absl::Cord AnyContent() {
    std::string content(bytes_.Below(12), '\0');
    for (char& c : content) c = static_cast<char>(bytes_.Next());
    return absl::Cord(content);
  }

  void Change(Message& m) {
    switch (bytes_.Below(15)) {
      case 0: m.type = MessageType{static_cast<int32_t>(bytes_.Below(26))}; break;
      case 1: m.to = AnyId(); break;
      case 2: m.from = AnyId(); break;
      case 3:
      case 4: m.term = AnyNumber(m.term); break;
      case 5: m.log_term = AnyNumber(m.log_term); break;
      case 6:
      case 7: m.index = AnyNumber(m.index); break;
      case 8: m.commit = AnyNumber(m.commit); break;
      case 9: m.reject = !m.reject; break;
      case 10: m.reject_hint = AnyNumber(m.reject_hint); break;
      case 11: m.context = bytes_.Bit() ? AnyContent() : absl::Cord(kTransferContext); break;
      case 12: ChangeEntries(m); break;
      case 13: ChangeSnapshot(m); break;
      case 14:
        if (bytes_.Bit()) {
          m.responses.push_back({.type = MessageType::kVoteResp, .to = AnyId(), .from = AnyId()});
        } else {
          Garble(m);
        }
    }
  }

  // As if bytes had been changed on the way, and the transport had not noticed.
  void Garble(Message& m) {
    std::string encoded = raftpb::Encode(m);
    for (uint64_t left = 1 + bytes_.Below(3); left > 0 && !encoded.empty(); --left) {
      encoded[bytes_.Next() % encoded.size()] = static_cast<char>(bytes_.Next());
    }
    Message garbled;
    if (raftpb::Decode(encoded, garbled).ok()) m = std::move(garbled);
  }

  void ChangeEntries(Message& m) {
    raftpb::EntryList changed;
    const uint64_t victim = bytes_.Below(m.entries.size() + 1);
    uint64_t place = 0;
    for (raftpb::Entry entry : m.entries) {
      if (place++ == victim) {
        switch (bytes_.Below(5)) {
          case 0: continue;  // Leaves a gap.
          case 1: entry.index = AnyNumber(entry.index); break;
          case 2: entry.term = AnyNumber(entry.term); break;
          case 3: entry.type = raftpb::EntryType{static_cast<int32_t>(bytes_.Below(4))}; break;
          case 4: entry.data = AnyContent(); break;
        }
      }
      changed.PushBack(std::move(entry));
    }
    if (victim == m.entries.size()) {
      const Index last = changed.empty() ? m.index : changed.back().index;
      changed.PushBack(
          {.term = AnyNumber(m.term),
           .index = bytes_.Bit() ? last + 1 : AnyNumber(last),
           .type = raftpb::EntryType{static_cast<int32_t>(bytes_.Below(4))},
           .data = bytes_.Bit() ? absl::Cord(raftpb::Encode(AnyChange())) : AnyContent()});
    }
    m.entries = std::move(changed);
  }

  std::vector<NodeId> AnyIds() {
    std::vector<NodeId> ids(bytes_.Below(5));
    for (NodeId& id : ids) id = bytes_.Bit() ? AnyId() : 1 + bytes_.Below(4);
    return ids;
  }

  void ChangeSnapshot(Message& m) {
    if (m.snapshot != nullptr && bytes_.Below(8) == 0) {
      m.snapshot = nullptr;
      return;
    }
    raftpb::Snapshot snapshot = m.snapshot == nullptr ? raftpb::Snapshot() : *m.snapshot;
    raftpb::SnapshotMetadata& metadata = snapshot.metadata;
    if (metadata.index == 0)
      metadata = {.conf_state = {.voters = {1, 2, 3}}, .index = 1, .term = 1};
    switch (bytes_.Below(7)) {
      case 0: metadata.index = AnyNumber(metadata.index); break;
      case 1: metadata.term = AnyNumber(metadata.term); break;
      case 2: metadata.conf_state.voters = AnyIds(); break;
      case 3: metadata.conf_state.learners = AnyIds(); break;
      case 4: metadata.conf_state.voters_outgoing = AnyIds(); break;
      case 5: metadata.conf_state.learners_next = AnyIds(); break;
      case 6: metadata.conf_state.auto_leave = !metadata.conf_state.auto_leave; break;
    }
    m.snapshot = std::make_shared<raftpb::Snapshot>(std::move(snapshot));
    if (bytes_.Bit()) m.type = MessageType::kSnap;
  }

  Bytes bytes_;
  const Setup setup_;
  Cluster group_;
  bool lied_ = false;
  bool had_one_voter_ = false;  // Some server's group, at some time.
  uint64_t proposals_ = 0;
  uint64_t reads_ = 0;
  std::map<std::string, Index>
      asked_;  // Context -> what was committed when the read was asked for.
};

}  // namespace
}  // namespace raft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  raft::Life(data, size).Live();
  return 0;
}
