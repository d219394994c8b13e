#include "examples/raftexample/watch/missed_changes.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/raftexample/watch/testing.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

constexpr size_t kNoBound = 1 << 20;

class MissedChangesTest : public StoreTest {
 protected:
  // Adds a watch that has everything before `next`.
  Watch& Behind(int64_t next, const std::string& key, const std::string& range_end = "") {
    watches_.push_back(std::make_shared<Watch>(nullptr, ++last_id_, ToWatch(key, range_end), next));
    return *watches_.back();
  }
  absl::optional<int64_t> Gather(size_t max_bytes) {
    return GatherMissed(*store_, watches_, max_bytes);
  }
  // Which keys, at which revisions; and forgets them.
  static std::string Taken(Watch& watch) {
    std::string text;
    const etcdserverpb::WatchResponse response = WatchOutput{{}, watch.events}.ToProto();
    for (const mvccpb::Event& event : response.events()) {
      absl::StrAppend(&text, text.empty() ? "" : " ", event.kv().key(), event.kv().mod_revision());
    }
    watch.events.clear();
    return text;
  }

  std::vector<std::shared_ptr<Watch>> watches_;
  int64_t last_id_ = 0;
};

TEST_F(MissedChangesTest, EachGetsWhatItMissedAndNothingElse) {
  for (const char* key : {"a", "b", "c", "a"}) Put(key, "x");  // 2 to 5.
  Delete("b");                                                 // 6
  Watch& late = Behind(5, "a");
  Watch& early = Behind(2, "a");
  Watch& wide = Behind(4, "a", "c");
  Watch& idle = Behind(3, "z");
  EXPECT_EQ(Gather(kNoBound), 6);
  EXPECT_EQ(Taken(early), "a2 a5");
  EXPECT_EQ(Taken(late), "a5");
  EXPECT_EQ(Taken(wide), "a5 b6");
  EXPECT_EQ(Taken(idle), "");
}

TEST_F(MissedChangesTest, ABoundNeverTearsARevision) {
  Put("a", "x");  // 2
  Store::Write write(store_.get());
  for (const char* key : {"a", "b", "c"}) Put(write, key, "x");  // 3
  Finish(write);
  Put("a", "x");  // 4
  Watch& watch = Behind(2, "a", kZero);
  EXPECT_EQ(Gather(1), 2);
  EXPECT_EQ(Taken(watch), "a2");
  watch.next = 3;
  EXPECT_EQ(Gather(1), 3) << "in one piece, however large";
  EXPECT_EQ(Taken(watch), "a3 b3 c3");
  watch.next = 4;
  EXPECT_EQ(Gather(1), 4);
  EXPECT_EQ(Taken(watch), "a4");
}

TEST_F(MissedChangesTest, WhatIsCompactedCannotBeReadForAnybody) {
  for (int i = 2; i <= 6; ++i) Put("a", "x");
  Compact(4);
  Watch& near = Behind(4, "a");
  EXPECT_EQ(Gather(kNoBound), 6) << "the compacted revision itself is there";
  EXPECT_EQ(Taken(near), "a4 a5 a6");
  Watch& far = Behind(3, "a");
  EXPECT_EQ(Gather(kNoBound), absl::nullopt);
  EXPECT_EQ(Taken(near), "");
  EXPECT_EQ(Taken(far), "");
}

}  // namespace
}  // namespace raftexample
