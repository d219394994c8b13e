#include "raft/tracker/inflights.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "gtest/gtest.h"
#include "raft/test_random.h"

namespace raft::tracker {
namespace {

// The window as a plain queue.
struct Model {
  std::deque<std::pair<Index, uint64_t>> flights;
  uint32_t max_messages;
  uint64_t max_bytes;

  uint64_t bytes() const {
    uint64_t sum = 0;
    for (const auto& flight : flights) sum += flight.second;
    return sum;
  }
  bool full() const {
    return flights.size() >= max_messages || (max_bytes != 0 && bytes() >= max_bytes);
  }
};

TEST(InflightsTest, IsAQueueOfBoundedLengthAndWeight) {
  TestRandom random(1);
  for (int run = 0; run < 300; ++run) {
    Model model{{}, static_cast<uint32_t>(random.Between(1, 40)), random.Below(3) * 100};
    Inflights inflights(model.max_messages, model.max_bytes);
    Index last = 0;
    for (int step = 0; step < 300; ++step) {
      if (random.OneIn(100)) {
        inflights.Reset();
        model.flights.clear();
      } else if (!model.full() && !random.OneIn(3)) {
        last += random.Between(1, 5);
        const uint64_t bytes = random.Below(60);
        inflights.Add(last, bytes);
        model.flights.emplace_back(last, bytes);
      } else {
        // Acknowledgements come late, repeated, between two messages, and beyond the last.
        const Index acked = last - std::min(last, random.Below(30)) + random.Below(2);
        inflights.FreeUpTo(acked);
        while (!model.flights.empty() && model.flights.front().first <= acked) {
          model.flights.pop_front();
        }
      }
      ASSERT_EQ(inflights.count(), model.flights.size());
      ASSERT_EQ(inflights.bytes(), model.bytes());
      ASSERT_EQ(inflights.Full(), model.full());
      ASSERT_EQ(inflights.empty(), model.flights.empty());
    }
  }
}

TEST(InflightsTest, TheMessageThatPassesTheByteLimitIsStillSent) {
  Inflights inflights(/*max_messages=*/10, /*max_bytes=*/100);
  inflights.Add(1, 99);
  EXPECT_FALSE(inflights.Full());
  inflights.Add(2, 1000);
  EXPECT_TRUE(inflights.Full());
  inflights.FreeUpTo(1);
  EXPECT_TRUE(inflights.Full());
  inflights.FreeUpTo(2);
  EXPECT_FALSE(inflights.Full());
}

TEST(InflightsDeathTest, TakesNothingWhenFull) {
  Inflights inflights(/*max_messages=*/1, /*max_bytes=*/0);
  inflights.Add(1, 0);
  EXPECT_DEATH(inflights.Add(2, 0), "1 messages and 0 bytes are in flight already");
}

}  // namespace
}  // namespace raft::tracker
