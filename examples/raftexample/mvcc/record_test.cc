#include "examples/raftexample/mvcc/record.h"

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace raftexample {
namespace {

TEST(Record, ComesBackAsItWasStored) {
  const std::string zeros("\0k\0", 3);
  const Record records[] = {
      {.key = "k", .value = "v", .create_revision = 2, .version = 1},
      {.key = zeros, .value = zeros, .create_revision = 1, .version = 1, .lease = INT64_MAX},
      {.key = "k", .value = "", .create_revision = INT64_MAX, .version = INT64_MAX, .lease = -1},
      {.deletes = true, .key = "gone"},
      {.deletes = true, .key = ""},
  };
  for (const Record& record : records) {
    const std::string stored = EncodeRecord(record);
    EXPECT_TRUE(DecodeRecord(stored) == record) << record.key;
  }
}

TEST(Record, NoBytesAreReadBeyondTheEnd) {
  const std::string stored =
      EncodeRecord({.key = "a key", .value = "", .create_revision = 300, .version = 1, .lease = 7});
  for (size_t size = 0; size < stored.size(); ++size) {
    // A copy of just that size, so that a sanitizer sees a look behind it.
    const std::vector<char> cut(stored.begin(), stored.begin() + size);
    EXPECT_FALSE(DecodeRecord({cut.data(), cut.size()})) << size;
  }
  EXPECT_FALSE(DecodeRecord("\x02 unknown kind"));
  EXPECT_FALSE(DecodeRecord(std::string(20, '\xff')));
}

TEST(Revision, KeysSortAsRevisionsDo) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 1000; ++i) {
    auto draw = [&] {
      return Revision{static_cast<int64_t>(random() >> (1 + random() % 63)),
                      static_cast<uint32_t>(random() >> (32 + random() % 32))};
    };
    const Revision a = draw(), b = draw();
    EXPECT_EQ(EncodeRevisionKey(a) < EncodeRevisionKey(b), a < b);
    EXPECT_EQ(DecodeRevisionKey(EncodeRevisionKey(a)), a);
  }
  EXPECT_FALSE(DecodeRevisionKey("short"));
}

}  // namespace
}  // namespace raftexample
