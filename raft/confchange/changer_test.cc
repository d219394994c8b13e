#include "raft/confchange/changer.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "raft/quorum/majority.h"
#include "raft/test_random.h"

namespace raft::confchange {
namespace {

using quorum::Majority;
using raftpb::ConfChangeSingle;
using raftpb::ConfChangeTransition;
using raftpb::ConfChangeType;
using raftpb::ConfChangeV2;
using tracker::Config;

constexpr NodeId kServers = 6;
constexpr ConfChangeType kAdd = ConfChangeType::kAddNode;
constexpr ConfChangeType kLearn = ConfChangeType::kAddLearnerNode;
constexpr ConfChangeType kRemove = ConfChangeType::kRemoveNode;
constexpr ConfChangeType kUpdate = ConfChangeType::kUpdateNode;

// --- A model: sets, and when everybody's progress began ------------------------------------------

using Set = std::set<NodeId>;

struct Model {
  Set incoming;
  Set outgoing;
  Set learners;
  Set learners_next;
  bool auto_leave = false;
  std::map<NodeId, int> born;  // Of the tracked.

  void Apply(const ConfChangeSingle& op, int now) {
    const NodeId id = op.node_id;
    if (id == kNone || op.type == kUpdate) return;
    const bool known = born.count(id) != 0;
    if (op.type == kRemove) {
      for (Set* set : {&incoming, &learners, &learners_next}) set->erase(id);
      if (outgoing.count(id) == 0) born.erase(id);
      return;
    }
    if (!known) born[id] = now;
    if (op.type == kAdd) {
      learners.erase(id);
      learners_next.erase(id);
      incoming.insert(id);
    } else if (learners.count(id) == 0) {
      incoming.erase(id);
      (outgoing.count(id) != 0 ? learners_next : learners).insert(id);
    }
  }

  void Leave() {
    learners.insert(learners_next.begin(), learners_next.end());
    learners_next.clear();
    outgoing.clear();
    auto_leave = false;
    for (auto it = born.begin(); it != born.end();) {
      const bool stays = incoming.count(it->first) != 0 || learners.count(it->first) != 0;
      it = stays ? std::next(it) : born.erase(it);
    }
  }

  // What a change does, in the words of etcd/raft if it does nothing.
  std::string Apply(const ConfChangeV2& change, int now) {
    const Model before = *this;
    if (change.LeavesJoint()) {
      if (outgoing.empty()) return "can't leave a non-joint config";
      Leave();
      return "";
    }
    if (change.EntersJoint()) {
      if (!outgoing.empty()) return "config is already joint";
      if (incoming.empty()) return "can't make a zero-voter config joint";
      outgoing = incoming;
      auto_leave = change.AutoLeaves();
    } else if (!outgoing.empty()) {
      return "can't apply simple config change in joint config";
    }
    for (const ConfChangeSingle& op : change.changes) Apply(op, now);
    std::string error;
    if (incoming.empty()) error = "removed all voters";
    if (error.empty() && !change.EntersJoint()) {
      Set changed;
      std::set_symmetric_difference(incoming.begin(), incoming.end(), before.incoming.begin(),
                                    before.incoming.end(), std::inserter(changed, changed.end()));
      if (changed.size() > 1) error = "more than one voter changed without entering joint config";
    }
    if (!error.empty()) *this = before;
    return error;
  }

  Config ToConfig() const {
    const auto ids = [](const Set& set) {
      return Majority(std::vector<NodeId>(set.begin(), set.end()));
    };
    return {.voters = {.incoming = ids(incoming), .outgoing = ids(outgoing)},
            .learners = ids(learners),
            .learners_next = ids(learners_next),
            .auto_leave = auto_leave};
  }
};

ConfChangeV2 RandomChange(TestRandom& random) {
  ConfChangeV2 change;
  change.transition = static_cast<ConfChangeTransition>(random.OneIn(2) ? 0 : random.Below(3));
  for (uint64_t n = random.Below(4); n > 0; --n) {
    change.changes.push_back(
        {static_cast<ConfChangeType>(random.Below(4)), random.Below(kServers + 1)});
  }
  return change;
}

// --- What must hold of any configuration (Figure 4.8 and its surroundings) -----------------------

void ExpectSound(const Config& config) {
  EXPECT_FALSE(config.voters.incoming.empty());
  for (NodeId id : config.learners) EXPECT_FALSE(config.IsVoter(id)) << id;
  for (NodeId id : config.learners_next) {
    EXPECT_TRUE(config.voters.outgoing.contains(id)) << id;
    EXPECT_FALSE(config.voters.incoming.contains(id)) << id;
  }
  EXPECT_TRUE(config.joint() || !config.auto_leave);
}

// Whether two disjoint groups of servers could decide, one under each configuration: then there
// could be two leaders in a term. By looking at every group.
bool CanDecideApart(const Config& a, const Config& b) {
  const auto is_quorum = [](const Config& config, uint32_t group) {
    return config.voters.CountVotes([group](NodeId id) {
      return absl::make_optional((group >> id & 1) != 0);
    }) == quorum::VoteResult::kWon;
  };
  constexpr uint32_t kAll = (2u << kServers) - 2;
  for (uint32_t group = 0; group <= kAll; group += 2) {
    if (is_quorum(a, group) && is_quorum(b, kAll & ~group)) return true;
  }
  return false;
}

TEST(ChangerTest, FollowsTheModelAndKeepsQuorumsTogether) {
  TestRandom random(1);
  for (int run = 0; run < 500; ++run) {
    Model model;
    Config config;
    for (int now = 1; now <= 60; ++now) {
      const ConfChangeV2 change = RandomChange(random);
      const Model before = model;
      const std::string error = model.Apply(change, now);
      const absl::StatusOr<Outcome> outcome = Apply(config, change);
      ASSERT_EQ(outcome.status().message(), error);
      if (!outcome.ok()) continue;

      ASSERT_EQ(outcome->config, model.ToConfig());
      ExpectSound(outcome->config);
      // Whoever has its progress since now starts anew; nobody else does.
      const Set joined(outcome->joined.begin(), outcome->joined.end());
      ASSERT_EQ(joined.size(), outcome->joined.size()) << "nobody joins twice";
      for (NodeId id = 1; id <= kServers; ++id) {
        const auto born = model.born.find(id);
        ASSERT_EQ(outcome->config.Tracks(id), born != model.born.end()) << id;
        ASSERT_EQ(joined.count(id) != 0, born != model.born.end() && born->second == now) << id;
      }
      // The first configuration comes from nothing, and nobody decides anything before it.
      if (!config.voters.incoming.empty()) {
        ASSERT_FALSE(CanDecideApart(config, outcome->config))
            << Describe(config) << " and then " << Describe(outcome->config);
      }
      ASSERT_EQ(*FromConfState(outcome->config.ToConfState()), outcome->config);
      config = outcome->config;
    }
  }
}

// --- By name -------------------------------------------------------------------------------------

// `v1 l2 r3 u4`, as in scripts.
std::vector<ConfChangeSingle> Ops(absl::string_view notation) {
  std::vector<ConfChangeSingle> ops;
  const std::map<char, ConfChangeType> types = {
      {'v', kAdd}, {'l', kLearn}, {'r', kRemove}, {'u', kUpdate}};
  for (size_t i = 0; i + 1 < notation.size(); i += 3) {
    ops.push_back({types.at(notation[i]), static_cast<NodeId>(notation[i + 1] - '0')});
  }
  return ops;
}

Config Voters(std::vector<NodeId> ids) {
  return {.voters = {.incoming = Majority(ids), .outgoing = {}}};
}

std::string Show(const absl::StatusOr<Outcome>& outcome) {
  return outcome.ok() ? Describe(outcome->config) : std::string(outcome.status().message());
}

TEST(SimpleChange, AltersOneVoterAtMost) {  // §4.1
  EXPECT_EQ(Show(Simple(Config{}, Ops("v1"))), "voters=(1)");
  EXPECT_EQ(Show(Simple(Config{}, Ops("v1 v2"))),
            "more than one voter changed without entering joint config");
  EXPECT_EQ(Show(Simple(Voters({1, 2, 3}), Ops("r2 l4 l5 u1"))), "voters=(1 3) learners=(4 5)");
  EXPECT_EQ(Show(Simple(Voters({1, 2}), Ops("v3 r3 v4"))), "voters=(1 2 4)")
      << "what counts is the effect";
  EXPECT_EQ(Show(Simple(Voters({1, 2}), Ops("r1 v3"))),
            "more than one voter changed without entering joint config");
}

TEST(SimpleChange, LeavesAVoter) {
  EXPECT_EQ(Show(Simple(Voters({1}), Ops("r1"))), "removed all voters");
  EXPECT_EQ(Show(Simple(Voters({1}), Ops("l1"))), "removed all voters");
  EXPECT_EQ(Show(Simple(Config{}, {})), "removed all voters");
}

TEST(JointChange, ADemotedVoterLearnsOnlyOnceItsVoteIsGone) {  // §4.3
  const absl::StatusOr<Outcome> joint = EnterJoint(Voters({1, 2, 3}), true, Ops("l2 r3 v4"));
  ASSERT_EQ(Show(joint), "voters=(1 4)&&(1 2 3) learners_next=(2) autoleave");
  EXPECT_EQ(joint->joined, std::vector<NodeId>{4});
  EXPECT_EQ(Show(LeaveJoint(joint->config)), "voters=(1 4) learners=(2)");
  EXPECT_EQ(Show(EnterJoint(joint->config, true, Ops("v5"))), "config is already joint");
  EXPECT_EQ(Show(Simple(joint->config, Ops("v5"))),
            "can't apply simple config change in joint config");
  EXPECT_EQ(Show(LeaveJoint(Voters({1}))), "can't leave a non-joint config");
  EXPECT_EQ(Show(EnterJoint(Config{}, true, Ops("v1"))), "can't make a zero-voter config joint");
}

TEST(JointChange, WhoeverStillVotesKeepsItsProgress) {
  const absl::StatusOr<Outcome> joint = EnterJoint(Voters({1, 2}), false, Ops("r2 v2 v3 r3 l3"));
  ASSERT_EQ(Show(joint), "voters=(1 2)&&(1 2) learners=(3)");
  EXPECT_EQ(joint->joined, std::vector<NodeId>{3});
  const absl::StatusOr<Outcome> simple = Simple(Voters({1, 2}), Ops("r2 v2"));
  ASSERT_EQ(Show(simple), "voters=(1 2)");
  EXPECT_EQ(simple->joined, std::vector<NodeId>{2}) << "it was gone for a moment";
}

TEST(Apply, TakesTheWayThatTheChangeAsksFor) {
  const Config two = Voters({1, 2});
  EXPECT_EQ(Show(Apply(two, {.changes = Ops("v3")})), "voters=(1 2 3)");
  EXPECT_EQ(Show(Apply(two, {.changes = Ops("v3 v4")})), "voters=(1 2 3 4)&&(1 2) autoleave");
  EXPECT_EQ(
      Show(Apply(two, {.transition = ConfChangeTransition::kJointImplicit, .changes = Ops("v3")})),
      "voters=(1 2 3)&&(1 2) autoleave");
  EXPECT_EQ(
      Show(Apply(two, {.transition = ConfChangeTransition::kJointExplicit, .changes = Ops("v3")})),
      "voters=(1 2 3)&&(1 2)");
  EXPECT_EQ(Show(Apply(two, {})), "can't leave a non-joint config");
}

TEST(Apply, RefusesWhatItDoesNotUnderstandOnEveryServerAlike) {
  const Config two = Voters({1, 2});
  EXPECT_EQ(Show(Apply(two, {.changes = {{static_cast<ConfChangeType>(9), 1}}})),
            "unexpected conf change type 9");
  EXPECT_EQ(Show(Apply(two, {.transition = static_cast<ConfChangeTransition>(-1)})),
            "unexpected conf change transition -1");
  EXPECT_EQ(Show(Apply(two, {.changes = {{kAdd, kLocalAppendThread}}})),
            absl::StrCat("node id ", kLocalAppendThread, " is reserved"));
}

TEST(FromConfState, TellsWhyItIsNoConfiguration) {
  const struct {
    const char* name;
    raftpb::ConfState state;
    const char* error;
  } cases[] = {
      {"a new group", {}, ""},
      {"any order", {.voters = {3, 1}, .learners = {2}}, ""},
      {"joint",
       {.voters = {1},
        .learners = {4},
        .voters_outgoing = {1, 2},
        .learners_next = {2},
        .auto_leave = true},
       ""},
      {"id 0", {.voters = {0, 1}}, "voters has the id 0"},
      {"a storage thread", {.voters = {1}, .learners = {kLocalApplyThread}}, "reserved id"},
      {"repeated", {.voters = {1}, .voters_outgoing = {2, 1, 2}}, "outgoing has the id 2 twice"},
      {"only learners", {.learners = {1}}, "no voters"},
      {"only outgoing", {.voters_outgoing = {1}}, "no voters"},
      {"only auto-leave", {.auto_leave = true}, "no voters"},
      {"voting learner", {.voters = {1, 2}, .learners = {2}}, "learner 2 is a voter too"},
      {"outgoing learner",
       {.voters = {1}, .learners = {2}, .voters_outgoing = {2}},
       "learner 2 is a voter too"},
      {"unvoting learner-to-be", {.voters = {1}, .learners_next = {2}}, "no outgoing voter"},
      {"incoming learner-to-be",
       {.voters = {1}, .voters_outgoing = {1}, .learners_next = {1}},
       "incoming voter too"},
      {"nothing to leave", {.voters = {1}, .auto_leave = true}, "not joint"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Config> config = FromConfState(c.state);
    if (*c.error == '\0') {
      EXPECT_TRUE(config.ok()) << c.name << ": " << config.status();
    } else {
      EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument) << c.name;
      EXPECT_NE(config.status().message().find(c.error), absl::string_view::npos)
          << c.name << ": " << config.status();
    }
  }
}

}  // namespace
}  // namespace raft::confchange
