// Which configurations there may be, and which may follow one another.
#include "rafttest/configuration_rules.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"

namespace rafttest {
namespace {

using raftpb::ConfState;

TEST(ConfigurationRules, AQuorumIsMostOfEachHalf) {
  const ConfState joint = {.voters = {1, 2, 3}, .voters_outgoing = {3, 4, 5}};
  const auto are = [](std::vector<raft::NodeId> ids) {
    return [ids](raft::NodeId id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); };
  };
  EXPECT_TRUE(HasQuorum(joint, are({1, 3, 4})));
  EXPECT_FALSE(HasQuorum(joint, are({1, 2, 3})));
  EXPECT_FALSE(HasQuorum(joint, are({3, 4, 5})));
  EXPECT_FALSE(HasQuorum({.voters = {1, 2, 3, 4}}, are({1, 2}))) << "half is not most";
}

TEST(ConfigurationRules, NeighboursOverlap) {
  const ConfState three = {.voters = {1, 2, 3}};
  EXPECT_TRUE(QuorumsOverlap(three, {.voters = {1, 2, 3, 4}}));
  EXPECT_FALSE(QuorumsOverlap(three, {.voters = {3, 4, 5}}));
  EXPECT_TRUE(QuorumsOverlap(three, {.voters = {3, 4, 5}, .voters_outgoing = {1, 2, 3}}));
}

TEST(ConfigurationRules, OneStepAtATime) {
  const ConfState three = {.voters = {1, 2, 3}};
  const ConfState joint = {.voters = {3, 4}, .voters_outgoing = {1, 2, 3}, .learners_next = {1}};
  struct {
    const char* name;
    ConfState from, to;
    bool may;
  } cases[] = {
      {"nothing changes", three, three, true},
      {"one voter more", three, {.voters = {1, 2, 3, 4}}, true},
      {"a voter becomes a learner", three, {.voters = {1, 2}, .learners = {3}}, true},
      {"one voter for another", three, {.voters = {1, 2, 4}}, false},
      {"into joint", three, joint, true},
      {"into joint from elsewhere", {.voters = {1, 2}}, joint, false},
      {"from joint into joint", joint, {.voters = {5}, .voters_outgoing = {1, 2, 3}}, false},
      {"out of joint", joint, {.voters = {3, 4}, .learners = {1}}, true},
      {"out of joint, the learner forgotten", joint, {.voters = {3, 4}}, false},
      {"out of joint, backwards", joint, three, false},
  };
  for (const auto& c : cases) EXPECT_EQ(WhyNoNeighbours(c.from, c.to).empty(), c.may) << c.name;
}

TEST(ConfigurationRules, WhatNoConfigurationIs) {
  struct {
    const char* name;
    ConfState state;
    bool may;
  } cases[] = {
      {"voters and learners", {.voters = {1}, .learners = {2}}, true},
      {"no voters", {.learners = {2}}, false},
      {"voter and learner", {.voters = {1, 2}, .learners = {2}}, false},
      {"outgoing voter and learner",
       {.voters = {1}, .learners = {2}, .voters_outgoing = {2}},
       false},
      {"a learner to be that is no outgoing voter", {.voters = {1}, .learners_next = {2}}, false},
      {"leaves what is not joint", {.voters = {1}, .auto_leave = true}, false},
  };
  for (const auto& c : cases) EXPECT_EQ(WhyMalformed(c.state).empty(), c.may) << c.name;
}

}  // namespace
}  // namespace rafttest
