#include "examples/raftexample/mvcc/key_history.h"

#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace raftexample {
namespace {

// Put at 2 and 4, deleted at 6, put again at 8.
KeyHistory TwoLives() {
  KeyHistory history;
  history.Put({2, 0});
  history.Put({4, 1});
  history.Delete({6, 0});
  history.Put({8, 0});
  return history;
}

TEST(KeyHistory, EachLifeCountsItsOwnPuts) {
  KeyHistory history;
  EXPECT_EQ(history.Put({2, 0}).version, 1);
  EXPECT_EQ(history.Put({4, 1}).version, 2);
  EXPECT_EQ(history.life().create_revision, 2);
  history.Delete({6, 0});
  EXPECT_FALSE(history.alive());
  EXPECT_EQ(history.Put({8, 0}).version, 1);
  EXPECT_EQ(history.life().create_revision, 8);
}

TEST(KeyHistory, AReadFindsTheLastChangeBeforeIt) {
  const KeyHistory history = TwoLives();
  EXPECT_FALSE(history.At(1));
  EXPECT_EQ(history.At(2), (Revision{2, 0}));
  EXPECT_EQ(history.At(3), (Revision{2, 0}));
  EXPECT_EQ(history.At(5), (Revision{4, 1}));
  EXPECT_FALSE(history.At(6));
  EXPECT_FALSE(history.At(7));
  EXPECT_EQ(history.At(100), (Revision{8, 0}));
}

TEST(KeyHistory, CompactionKeepsWhatCanStillBeRead) {
  const struct {
    int64_t at;
    size_t left;
  } cases[] = {{1, 4}, {2, 4}, {3, 4}, {4, 3},
               {5, 3}, {6, 2},  // The delete at the compacted revision itself can be watched.
               {7, 1}, {8, 1}, {9, 1}};
  for (const auto& c : cases) {
    KeyHistory history = TwoLives();
    history.Compact(c.at);
    EXPECT_EQ(history.change_count(), c.left) << c.at;
  }
  KeyHistory dead;
  dead.Put({2, 0});
  dead.Delete({3, 0});
  dead.Compact(3);
  EXPECT_EQ(dead.change_count(), 1u);
  dead.Compact(4);
  EXPECT_TRUE(dead.empty());
}

TEST(KeyHistory, SurvivesSaysTheSameBeforeAndAfterTheCompaction) {
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    KeyHistory history;
    std::vector<Revision> changes;
    for (int64_t main = 2; main < 20; ++main) {
      if (random() % 2 == 0) continue;
      changes.push_back({main, static_cast<uint32_t>(random() % 3)});
      if (history.alive() && random() % 3 == 0) {
        history.Delete(changes.back());
      } else {
        history.Put(changes.back());
      }
    }
    const int64_t at = 1 + random() % 20;
    KeyHistory compacted = history;
    compacted.Compact(at);
    size_t survivors = 0;
    for (const Revision& change : changes) {
      EXPECT_EQ(history.Survives(change, at), compacted.Survives(change, at));
      survivors += compacted.Survives(change, at);
    }
    EXPECT_EQ(survivors, compacted.change_count());
    for (int64_t main = at; main < 21; ++main) EXPECT_EQ(history.At(main), compacted.At(main));
  }
}

}  // namespace
}  // namespace raftexample
