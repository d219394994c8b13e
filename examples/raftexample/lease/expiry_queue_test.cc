#include "examples/raftexample/lease/expiry_queue.h"

#include <map>
#include <random>
#include <set>

#include "gtest/gtest.h"

namespace raftexample {
namespace {

using Time = ExpiryQueue::Time;

Time At(int seconds) { return Time() + std::chrono::seconds(seconds); }

TEST(ExpiryQueue, TheFirstThatIsDueComesFirst) {
  ExpiryQueue queue;
  queue.Set(7, At(30));
  queue.Set(8, At(10));
  queue.Set(9, At(10));
  EXPECT_FALSE(queue.Due(At(9)));
  EXPECT_EQ(queue.Due(At(10)), 8) << "due at that very time; equal times by ID";
  queue.Set(8, At(40));  // Moves back.
  EXPECT_EQ(queue.Due(At(10)), 9);
  queue.Set(7, At(5));  // Moves forward.
  EXPECT_EQ(queue.Due(At(10)), 7);
  queue.Remove(7);
  queue.Remove(7);
  EXPECT_EQ(queue.size(), 2u);
}

TEST(ExpiryQueue, DoesWhatASortedSetWouldDo) {
  std::mt19937 random(11);
  ExpiryQueue queue;
  std::map<int64_t, Time> times;
  std::set<std::pair<Time, int64_t>> sorted;
  for (int step = 0; step < 20000; ++step) {
    const int64_t id = random() % 200;
    if (times.count(id) > 0) sorted.erase({times[id], id});
    if (random() % 3 == 0) {
      queue.Remove(id);
      times.erase(id);
    } else {
      const Time due = At(static_cast<int>(random() % 100));
      queue.Set(id, due);
      times[id] = due;
      sorted.emplace(due, id);
    }
    ASSERT_EQ(queue.size(), sorted.size());
    const Time now = At(static_cast<int>(random() % 100));
    if (sorted.empty() || sorted.begin()->first > now) {
      ASSERT_FALSE(queue.Due(now));
    } else {
      ASSERT_EQ(queue.Due(now), sorted.begin()->second);
    }
  }
}

}  // namespace
}  // namespace raftexample
