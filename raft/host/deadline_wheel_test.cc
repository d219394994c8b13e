#include "raft/host/deadline_wheel.h"

#include <cstdint>
#include <map>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "raft/test_random.h"

namespace raft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

std::vector<DeadlineWheel::Item> Tick(DeadlineWheel& wheel) {
  std::vector<DeadlineWheel::Item> due;
  wheel.Tick(due);
  return due;
}

TEST(DeadlineWheel, AnItemIsDueOnceAndThenNoMore) {
  DeadlineWheel wheel;
  wheel.Schedule(7, 2);
  EXPECT_THAT(Tick(wheel), IsEmpty());
  EXPECT_THAT(Tick(wheel), ElementsAre(7));
  EXPECT_EQ(wheel.due(7), DeadlineWheel::kNever);
  EXPECT_THAT(Tick(wheel), IsEmpty());
}

TEST(DeadlineWheel, WhatIsOverdueIsDueAtTheNextTick) {
  DeadlineWheel wheel;
  Tick(wheel);
  wheel.Schedule(1, 0);
  EXPECT_THAT(Tick(wheel), ElementsAre(1));
}

TEST(DeadlineWheel, SchedulingAgainMovesAnItem) {
  DeadlineWheel wheel;
  wheel.Schedule(1, 1);
  wheel.Schedule(2, 1);
  wheel.Schedule(1, 2);
  EXPECT_THAT(Tick(wheel), ElementsAre(2));
  EXPECT_THAT(Tick(wheel), ElementsAre(1));
}

TEST(DeadlineWheel, NeverTakesAnItemOff) {
  DeadlineWheel wheel;
  wheel.Schedule(1, 1);
  wheel.Schedule(1, DeadlineWheel::kNever);
  EXPECT_THAT(Tick(wheel), IsEmpty());
}

TEST(DeadlineWheel, ADeadlineBehindTheHorizonIsNotEarly) {
  DeadlineWheel wheel;
  wheel.Schedule(1, 5000);
  for (int i = 1; i < 5000; ++i) ASSERT_THAT(Tick(wheel), IsEmpty()) << i;
  EXPECT_THAT(Tick(wheel), ElementsAre(1));
}

TEST(DeadlineWheel, AgreesWithASortedMap) {
  DeadlineWheel wheel;
  std::map<DeadlineWheel::Item, uint64_t> expected;
  TestRandom random(1);
  for (uint64_t now = 1; now < 20'000; ++now) {
    for (int i = 0; i < 3; ++i) {
      const auto item = static_cast<DeadlineWheel::Item>(random.Below(200));
      if (random.Below(5) == 0) {
        wheel.Schedule(item, DeadlineWheel::kNever);
        expected.erase(item);
      } else {
        expected[item] = now + random.Below(3000);
        wheel.Schedule(item, expected[item]);
      }
    }
    std::vector<DeadlineWheel::Item> due;
    for (auto at = expected.begin(); at != expected.end();) {
      if (at->second <= now) {
        due.push_back(at->first);
        at = expected.erase(at);
      } else {
        ++at;
      }
    }
    ASSERT_THAT(Tick(wheel), UnorderedElementsAreArray(due)) << now;
  }
}

}  // namespace
}  // namespace raft
