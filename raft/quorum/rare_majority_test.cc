#include "raft/quorum/rare_majority.h"

#include <utility>

#include "gtest/gtest.h"
#include "raft/test_random.h"

namespace raft::quorum {
namespace {

TEST(RareMajority, CostsAPointerWhileEmpty) { EXPECT_EQ(sizeof(RareMajority), sizeof(void*)); }

TEST(RareMajority, SaysWhatAMajoritySays) {
  TestRandom random(1);
  Majority plain;
  RareMajority rare;
  for (int i = 0; i < 10'000; ++i) {
    const NodeId id = random.Between(1, 5);
    if (random.OneIn(2)) {
      plain.Insert(id);
      rare.Insert(id);
    } else {
      plain.Erase(id);
      rare.Erase(id);
    }
    ASSERT_EQ(rare.ids(), plain);
    ASSERT_EQ(rare.empty(), plain.empty());
    ASSERT_EQ(rare.size(), plain.size());
    ASSERT_EQ(rare.contains(id), plain.contains(id));
    ASSERT_EQ(rare, RareMajority(plain));
  }
}

TEST(RareMajority, CopiesAreIndependent) {
  RareMajority ids = Majority({1, 2});
  RareMajority copy = ids;
  copy.Insert(3);
  EXPECT_EQ(ids.ids(), Majority({1, 2}));
  ids = copy;
  copy.Clear();
  EXPECT_EQ(ids.ids(), Majority({1, 2, 3}));
  const RareMajority moved = std::move(ids);
  EXPECT_EQ(moved.ids(), Majority({1, 2, 3}));
}

}  // namespace
}  // namespace raft::quorum
