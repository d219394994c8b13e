#include "examples/raftexample/mvcc/key_range.h"

#include <string>

#include "gtest/gtest.h"

namespace raftexample {
namespace {

const std::string kZero(1, '\0');

TEST(KeyRange, ContainsWhatTheRequestMeans) {
  const struct {
    const char* name;
    std::string key, range_end, asked;
    bool contained;
  } cases[] = {
      {"a single key", "a", "", "a", true},
      {"what begins with a single key", "a", "", "a" + kZero, false},
      {"the first of a range", "a", "c", "a", true},
      {"inside a range", "a", "c", "bzz", true},
      {"the end of a range", "a", "c", "c", false},
      {"before a range", "b", "c", "a", false},
      {"nothing in a reversed range", "c", "a", "b", false},
      {"nothing in a range that ends where it begins", "a", "a", "a", false},
      {"from key: itself", "b", kZero, "b", true},
      {"from key: everything after", "b", kZero, "\xff\xff", true},
      {"from key: nothing before", "b", kZero, "a", false},
      {"all keys", kZero, kZero, kZero, true},
      {"bytes over 127 are not negative", "a", "\xff", "\xc3", true},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(KeyRange({c.key, c.range_end}).Contains(c.asked), c.contained) << c.name;
  }
}

TEST(KeyRange, KnowsWhenItMeansNothing) {
  EXPECT_TRUE((KeyRange{"b", "a"}).IsEmpty());
  EXPECT_TRUE((KeyRange{"a", "a"}).IsEmpty());
  EXPECT_FALSE((KeyRange{"a", ""}).IsEmpty());
  EXPECT_FALSE((KeyRange{"a", kZero}).IsEmpty()) << "one zero byte is no end";
  EXPECT_FALSE((KeyRange{"a", "a" + kZero}).IsEmpty());
}

}  // namespace
}  // namespace raftexample
