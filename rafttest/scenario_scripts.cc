#include "rafttest/scenario_scripts.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace rafttest {
namespace {

using raft::kNone;
using raft::NodeId;
using raftpb::ConfChangeTransition;
using raftpb::ConfChangeType;
using raftpb::ConfChangeV2;

// Counts its own ticks, and does something at the beginning of each round of them.
class Rounds : public Script {
 public:
  explicit Rounds(uint64_t length) : length_(length) {}

  void OnTick(Stage& stage, Random& random) final {
    const uint64_t at = tick_++ % length_;
    if (at == 0) {
      Begin(stage, random);
    } else {
      Continue(at, stage, random);
    }
  }

 protected:
  virtual void Begin(Stage& stage, Random& random) = 0;
  virtual void Continue(uint64_t at, Stage& stage, Random& random) = 0;

 private:
  const uint64_t length_;
  uint64_t tick_ = 0;
};

std::vector<NodeId> Shuffled(size_t servers, Random& random) {
  std::vector<NodeId> ids(servers);
  for (size_t i = 0; i < servers; ++i) ids[i] = i + 1;
  for (size_t i = servers; i > 1; --i) std::swap(ids[i - 1], ids[random.Below(i)]);
  return ids;
}

void CutBoth(SimNetwork& network, NodeId a, NodeId b) {
  network.Cut(a, b);
  network.Cut(b, a);
}

void Isolate(Stage& stage, NodeId id) {
  for (NodeId other = 1; other <= stage.size(); ++other) {
    if (other != id) CutBoth(stage.network(), id, other);
  }
}

bool InJoint(const raft::Raft* raft) {
  return raft != nullptr && !raft->membership().voters.outgoing.empty();
}

// Two groups that reach each other only through the one in the middle. The old leader is on a side:
// those on the other side hear of it only by rumour, and must neither deadlock nor depose each
// other for ever.
class BridgeScript : public Rounds {
 public:
  BridgeScript() : Rounds(80) {}

 private:
  void Begin(Stage& stage, Random& random) override {
    stage.network().HealAll();
    const std::vector<NodeId> ids = Shuffled(stage.size(), random);
    const size_t half = 1 + (ids.size() - 1) / 2;
    for (size_t a = 1; a < half; ++a) {
      for (size_t b = half; b < ids.size(); ++b) CutBoth(stage.network(), ids[a], ids[b]);
    }
    before_ = stage.Leader();
  }
  void Continue(uint64_t at, Stage& stage, Random&) override {
    if (at == 60) stage.network().HealAll();
    if (at > 60 || stage.Leader() == kNone || stage.Leader() == before_) return;
    before_ = stage.Leader();
    stage.Mark();
  }

  NodeId before_ = kNone;
};

// Servers are clogged one after the other, and released in another order: what was said long ago
// arrives mixed with what is said now.
class SwizzleClogScript : public Rounds {
 public:
  SwizzleClogScript() : Rounds(60) {}

 private:
  void Begin(Stage& stage, Random& random) override {
    stage.network().HealAll();
    clogging_ = Shuffled(stage.size(), random);
    clogging_.resize(1 + random.Below(stage.size()));
    releasing_ = clogging_;
    for (size_t i = releasing_.size(); i > 1; --i) {
      std::swap(releasing_[i - 1], releasing_[random.Below(i)]);
    }
  }
  void Continue(uint64_t at, Stage& stage, Random& random) override {
    if (random.Chance(0.5)) return;
    if (!clogging_.empty()) {
      SetClog(stage, clogging_.back(), (60 - at) * kTick);
      clogging_.pop_back();
    } else if (at > 20 && !releasing_.empty()) {
      SetClog(stage, releasing_.back(), 0);
      releasing_.pop_back();
      if (releasing_.empty()) stage.Mark();
    }
  }
  static void SetClog(Stage& stage, NodeId id, SimTime longest) {
    for (NodeId other = 1; other <= stage.size(); ++other) {
      stage.network().Clog(id, other, longest);
      stage.network().Clog(other, id, longest);
    }
  }

  std::vector<NodeId> clogging_;
  std::vector<NodeId> releasing_;
};

// The leader is heard but does not hear, or hears and is not heard: in both cases another must
// lead.
class OneWayLinksScript : public Rounds {
 public:
  OneWayLinksScript() : Rounds(90) {}

 private:
  void Begin(Stage& stage, Random& random) override {
    stage.network().HealAll();
    victim_ = stage.Leader();
    const bool deaf = random.Chance(0.5);
    for (NodeId other = 1; other <= stage.size() && victim_ != kNone; ++other) {
      if (other == victim_) continue;
      if (deaf) stage.network().Cut(other, victim_);
      if (!deaf) stage.network().Cut(victim_, other);
    }
  }
  void Continue(uint64_t, Stage& stage, Random&) override {
    if (victim_ == kNone || stage.Leader() == kNone || stage.Leader() == victim_) return;
    stage.Mark();
    stage.network().HealAll();
    victim_ = kNone;
  }

  NodeId victim_ = kNone;
};

// The links of whoever leads come and go faster than an election takes.
class FlappingLeaderScript : public Script {
 public:
  void OnTick(Stage& stage, Random& random) override {
    stage.network().HealAll();
    const NodeId leader = stage.Leader();
    if (leader == kNone || random.Chance(0.3)) return;
    Isolate(stage, leader);
    if (++flaps_ % 100 == 0) stage.Mark();
  }

 private:
  uint64_t flaps_ = 0;
};

// The leader replaces itself by a spare through a joint configuration, and may crash inside it.
class LeaderRemovedInJointScript : public Rounds {
 public:
  LeaderRemovedInJointScript() : Rounds(70) {}

 private:
  void Begin(Stage& stage, Random& random) override {
    for (NodeId id = 1; id <= stage.size(); ++id) stage.Restart(id);
    leader_ = stage.Leader();
    if (leader_ == kNone) return;
    const raft::tracker::Config& now = stage.Core(leader_)->membership();
    NodeId spare = 1;
    while (spare <= stage.size() && now.IsVoter(spare)) ++spare;
    ConfChangeV2 change;
    change.transition = random.Chance(0.7) ? ConfChangeTransition::kJointImplicit
                                           : ConfChangeTransition::kJointExplicit;
    change.changes.push_back({ConfChangeType::kRemoveNode, leader_});
    if (spare <= stage.size()) change.changes.push_back({ConfChangeType::kAddNode, spare});
    stage.Change(leader_, change);
    crash_ = random.Chance(0.5);
  }
  void Continue(uint64_t at, Stage& stage, Random& random) override {
    if (leader_ == kNone) return;
    const raft::Raft* old = stage.Core(leader_);
    if (InJoint(old) && crash_ && random.Chance(0.3)) stage.Crash(leader_);
    const NodeId now = stage.Leader();
    if (now == kNone) return;
    // An explicit way out is for a person to take.
    if (at == 50 && InJoint(stage.Core(now))) stage.Change(now, ConfChangeV2{});
    if (now == leader_ || stage.Core(now)->membership().IsVoter(leader_)) return;
    stage.Mark();
    leader_ = kNone;
  }

  NodeId leader_ = kNone;
  bool crash_ = false;
};

// A leader that alone knows of a joint configuration is cut off together with the incoming half,
// which confirms its reads; the others do not know of it yet, and elect by the old majority.
class ReadsInJointScript : public Rounds {
 public:
  ReadsInJointScript() : Rounds(100) {}

 private:
  void Begin(Stage& stage, Random&) override {
    stage.network().HealAll();
    cut_ = false;
    leader_ = stage.Leader();
    if (leader_ == kNone) return;
    const raft::tracker::Config& now = stage.Core(leader_)->membership();
    if (InJoint(stage.Core(leader_))) return stage.Change(leader_, ConfChangeV2{});
    ConfChangeV2 change;
    change.transition = ConfChangeTransition::kJointExplicit;
    for (NodeId id = 1; id <= stage.size(); ++id) {
      if (id == leader_) continue;
      change.changes.push_back(
          {now.IsVoter(id) ? ConfChangeType::kRemoveNode : ConfChangeType::kAddNode, id});
    }
    stage.Change(leader_, change);
  }
  void Continue(uint64_t at, Stage& stage, Random&) override {
    if (leader_ == kNone || stage.Core(leader_) == nullptr) return;
    if (at == 70) stage.network().HealAll();
    if (at < 70 && !cut_ && InJoint(stage.Core(leader_))) CutOff(stage);
    if (!cut_ || at >= 70) return;
    for (NodeId id = 1; id <= stage.size(); ++id) {
      const raft::Raft* raft = stage.Core(id);
      if (raft == nullptr || raft->role() != raft::Role::kLeader) continue;
      stage.Propose(id);
      if (id == leader_) stage.Read(id);
      if (id != leader_ && raft->term() > stage.Core(leader_)->term()) stage.Mark();
    }
  }
  void CutOff(Stage& stage) {
    const raft::quorum::Joint& voters = stage.Core(leader_)->membership().voters;
    for (NodeId id = 1; id <= stage.size(); ++id) {
      if (id == leader_ || !voters.outgoing.contains(id)) continue;
      for (NodeId other = 1; other <= stage.size(); ++other) {
        if (other == leader_ || voters.incoming.contains(other)) {
          CutBoth(stage.network(), id, other);
        }
      }
    }
    cut_ = true;
  }

  NodeId leader_ = kNone;
  bool cut_ = false;
};

// One server after the other is restarted, as for an upgrade; the next one as soon as the last is
// back, caught up or not.
class RollingRestartsScript : public Rounds {
 public:
  RollingRestartsScript() : Rounds(12) {}

 private:
  void Begin(Stage& stage, Random&) override {
    stage.Crash(next_);
    down_ = next_;
    next_ = next_ % stage.size() + 1;
    if (next_ == 1) stage.Mark();
  }
  void Continue(uint64_t at, Stage& stage, Random& random) override {
    if (at == 8 || random.Chance(0.1)) stage.Restart(down_);
  }

  NodeId next_ = 1;
  NodeId down_ = 1;
};

// One server crashes again as soon as it is up, and its disk never gets anywhere.
class CrashLoopScript : public Script {
 public:
  void OnTick(Stage& stage, Random& random) override {
    if (victim_ == kNone || random.Chance(0.005)) {
      stage.Mark();
      if (victim_ != kNone) stage.Restart(victim_);
      victim_ = 1 + random.Below(stage.size());
    }
    stage.Crash(victim_);
    if (random.Chance(0.7)) stage.Restart(victim_);
  }

 private:
  NodeId victim_ = kNone;
};

// To a single voter, one by one or at once, and back to all.
class ShrinkAndGrowScript : public Rounds {
 public:
  ShrinkAndGrowScript() : Rounds(15) {}

 private:
  void Begin(Stage& stage, Random& random) override {
    const NodeId leader = stage.Leader();
    if (leader == kNone) return;
    const raft::tracker::Config& now = stage.Core(leader)->membership();
    if (InJoint(stage.Core(leader))) return stage.Change(leader, ConfChangeV2{});
    std::vector<NodeId> voters(now.voters.incoming.begin(), now.voters.incoming.end());
    if (voters.size() == 1 && shrinks_) stage.Mark();
    if (voters.size() == 1) shrinks_ = false;
    if (voters.size() == stage.size()) shrinks_ = true;
    ConfChangeV2 change;
    const bool at_once = random.Chance(0.3);
    const NodeId stays = voters[random.Below(voters.size())];
    for (NodeId id = 1; id <= stage.size(); ++id) {
      if (id == stays || now.IsVoter(id) != shrinks_) continue;
      change.changes.push_back(
          {shrinks_ ? ConfChangeType::kRemoveNode : ConfChangeType::kAddNode, id});
      if (!at_once) break;
    }
    if (!change.changes.empty()) stage.Change(leader, change);
  }
  void Continue(uint64_t, Stage&, Random&) override {}

  bool shrinks_ = true;
};

// Two leaders in turn, each alone with server 1, whose disk is slow: its log is rewritten to and
// fro while the writes of before are still under way (the ABA of etcd/raft issue 8).
class ContestedLogScript : public Script {
 public:
  void OnTick(Stage& stage, Random& random) override {
    SimNetwork& network = stage.network();
    const NodeId leader = stage.Leader();
    if (leader == kNone || leader == 1) return network.HealAll();
    if (leader != last_) {
      last_ = leader;
      stage.Mark();
      since_ = 0;
    }
    ++since_;
    stage.Propose(leader);
    network.HealAll();
    // It reaches only server 1 for a while; then somebody else is elected, who has none of it.
    if (since_ < 2) return;
    for (NodeId other = 2; other <= stage.size(); ++other) {
      if (other != leader) CutBoth(network, leader, other);
    }
    if (since_ > 3 && random.Chance(0.5)) {
      NodeId next = 2 + random.Below(stage.size() - 1);
      if (next == leader) next = last_but_one_ != kNone ? last_but_one_ : next;
      last_but_one_ = leader;
      stage.Campaign(next);
    }
  }

 private:
  NodeId last_ = kNone;
  NodeId last_but_one_ = kNone;
  uint64_t since_ = 0;
};

}  // namespace

std::unique_ptr<Script> Bridge() { return std::make_unique<BridgeScript>(); }
std::unique_ptr<Script> SwizzleClog() { return std::make_unique<SwizzleClogScript>(); }
std::unique_ptr<Script> OneWayLinks() { return std::make_unique<OneWayLinksScript>(); }
std::unique_ptr<Script> FlappingLeader() { return std::make_unique<FlappingLeaderScript>(); }
std::unique_ptr<Script> LeaderRemovedInJoint() {
  return std::make_unique<LeaderRemovedInJointScript>();
}
std::unique_ptr<Script> ReadsInJoint() { return std::make_unique<ReadsInJointScript>(); }
std::unique_ptr<Script> RollingRestarts() { return std::make_unique<RollingRestartsScript>(); }
std::unique_ptr<Script> CrashLoop() { return std::make_unique<CrashLoopScript>(); }
std::unique_ptr<Script> ShrinkAndGrow() { return std::make_unique<ShrinkAndGrowScript>(); }
std::unique_ptr<Script> ContestedLog() { return std::make_unique<ContestedLogScript>(); }

}  // namespace rafttest
