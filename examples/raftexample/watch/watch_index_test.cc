#include "examples/raftexample/watch/watch_index.h"

#include <random>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace raftexample {
namespace {

const std::string kZero(1, '\0');

std::multiset<int> Found(const WatchIndex<int>& index, const std::string& key) {
  std::multiset<int> found;
  index.Visit(key, [&](int item) { found.insert(item); });
  return found;
}

TEST(WatchIndex, FindsSinglesAndRanges) {
  WatchIndex<int> index;
  index.Add({"b", ""}, 1);
  index.Add({"a", "c"}, 2);
  index.Add({"b", kZero}, 3);
  index.Add({"a", "c"}, 4);
  EXPECT_EQ(Found(index, "a"), (std::multiset<int>{2, 4}));
  EXPECT_EQ(Found(index, "b"), (std::multiset<int>{1, 2, 3, 4}));
  EXPECT_EQ(Found(index, "c"), (std::multiset<int>{3}));
  index.Remove({"a", "c"}, 2);
  index.Remove({"b", ""}, 1);
  EXPECT_EQ(Found(index, "b"), (std::multiset<int>{3, 4}));
  EXPECT_EQ(index.size(), 2u);
}

TEST(WatchIndex, DoesWhatAListWouldDo) {
  std::mt19937 random(4);
  auto key = [&] {
    return std::string(1 + random() % 2, static_cast<char>('a' + random() % 4)) +
           static_cast<char>('a' + random() % 8);
  };
  struct Entry {
    std::string key, end;
    int item;
  };
  std::vector<Entry> list;
  WatchIndex<int> index;
  for (int step = 0; step < 5000; ++step) {
    if (random() % 2 == 0 || list.empty()) {
      Entry e{key(), "", step};
      switch (random() % 3) {
        case 0: e.end = kZero; break;
        case 1: e.end = e.key + static_cast<char>('a' + random() % 8); break;
        default: break;
      }
      index.Add({e.key, e.end}, e.item);
      list.push_back(e);
    } else if (list.size() > 60 || random() % 2 == 0) {
      const size_t at = random() % list.size();
      index.Remove({list[at].key, list[at].end}, list[at].item);
      list.erase(list.begin() + at);
    }
    const std::string asked = key();
    std::multiset<int> expected;
    for (const Entry& e : list) {
      if (KeyRange{e.key, e.end}.Contains(asked)) expected.insert(e.item);
    }
    ASSERT_EQ(Found(index, asked), expected);
    ASSERT_EQ(index.size(), list.size());
  }
  size_t all = 0;
  index.VisitAll([&](int) { ++all; });
  EXPECT_EQ(all, list.size());
}

}  // namespace
}  // namespace raftexample
