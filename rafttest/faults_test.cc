#include "rafttest/faults.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rafttest {
namespace {

Faults Drawn(uint64_t seed) {
  Random random(seed);
  return Faults::Draw(random);
}

TEST(Faults, AreAFunctionOfTheSeed) {
  EXPECT_EQ(Drawn(1).Describe(), Drawn(1).Describe());
  EXPECT_NE(Drawn(1).Describe(), Drawn(2).Describe());
}

// Runs without a fault are as needed as runs with it, for each by itself.
TEST(Faults, EachIsOftenAbsentAndOftenPresent) {
  constexpr double Faults::*kClasses[] = {&Faults::drop,           &Faults::duplicate,
                                          &Faults::replay_old,     &Faults::heavy_tail,
                                          &Faults::lose_report,    &Faults::crash_every,
                                          &Faults::pause_every,    &Faults::partition_every,
                                          &Faults::transfer_every, &Faults::write_takes,
                                          &Faults::apply_takes,    &Faults::membership_every,
                                          &Faults::torn_write,     &Faults::clock_skew,
                                          &Faults::ready_delay,    &Faults::crash_all_every,
                                          &Faults::read_every,     &Faults::campaign_every};
  constexpr int kSeeds = 1000;
  for (double Faults::*fault : kClasses) {
    int absent = 0;
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) absent += Drawn(seed).*fault == 0;
    EXPECT_GT(absent, kSeeds * 4 / 10);
    EXPECT_LT(absent, kSeeds * 9 / 10);
  }
}

TEST(Faults, TheirTextSaysAllOfThem) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Faults faults = Drawn(seed);
    const absl::StatusOr<Faults> parsed = Faults::Parse(faults.Describe());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, faults) << faults.Describe();
  }
  EXPECT_EQ(Faults().Describe(), "");
}

TEST(Faults, WhatIsNoneIsRefused) {
  for (const char* text :
       {"dorp=1", "drop=x", "drop", "pre_vote=2", "election_tick=-1", "drop=1x"}) {
    EXPECT_FALSE(Faults::Parse(text).ok()) << text;
  }
}

TEST(Faults, CalmerIsOneLess) {
  const absl::StatusOr<Faults> faults = Faults::Parse("drop=0.5,pre_vote=0,election_tick=7");
  ASSERT_TRUE(faults.ok());
  std::vector<std::string> calmer;
  for (const Faults& each : faults->Calmer()) calmer.push_back(each.Describe());
  EXPECT_THAT(calmer, ::testing::ElementsAre("pre_vote=0,election_tick=7",
                                             "drop=0.5,election_tick=7", "drop=0.5,pre_vote=0"));
}

}  // namespace
}  // namespace rafttest
