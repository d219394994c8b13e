#include "examples/raftexample/watch/watch.h"

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "examples/raftexample/mvcc/record.h"
#include "examples/raftexample/watch/event_maker.h"
#include "examples/raftexample/watch/testing.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

using etcdserverpb::WatchCreateRequest;

using WatchTest = StoreTest;

TEST_F(WatchTest, GathersWhatItHasNotBeenGivenAndDoesNotFilter) {
  const auto no_put = WatchCreateRequest::NOPUT, no_delete = WatchCreateRequest::NODELETE;
  struct {
    const char* name;
    std::vector<WatchCreateRequest::FilterType> filters;
    int64_t revision;
    bool deletes;
    bool gathered;
  } cases[] = {
      {"before its first", {}, 4, false, false},
      {"its first", {}, 5, false, true},
      {"a later one", {}, 6, false, true},
      {"a delete", {}, 6, true, true},
      {"puts filtered, a put", {no_put}, 6, false, false},
      {"puts filtered, a delete", {no_put}, 6, true, true},
      {"deletes filtered, a put", {no_delete}, 6, false, true},
      {"deletes filtered, a delete", {no_delete}, 6, true, false},
      {"both filtered, a put", {no_delete, no_put}, 6, false, false},
      {"both filtered, a delete", {no_delete, no_put}, 6, true, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    WatchCreateRequest request = ToWatch("a");
    for (auto filter : c.filters) request.add_filters(filter);
    Watch watch(nullptr, 1, request, 5);
    Record record;
    record.deletes = c.deletes;
    record.key = "a";
    const std::string stored = EncodeRecord(record);
    const Change change{{c.revision, 0}, stored};
    EventMaker maker(*store_, change, record);
    EXPECT_EQ(watch.MaybeGather(maker), c.gathered);
    ASSERT_EQ(watch.events.size(), c.gathered ? 1u : 0u);
    if (c.gathered) {
      EXPECT_EQ(watch.events[0]->revision, c.revision);
    }
  }
}

TEST_F(WatchTest, GathersWhatWasBeforeIfItAsked) {
  Put("a", "1");
  Store::Write write(store_.get());
  Put(write, "a", "2");
  const Change change = write.changes()[0];
  const absl::optional<Record> record = DecodeRecord(change.stored);
  EventMaker maker(*store_, change, *record);
  WatchCreateRequest asks = ToWatch("a");
  asks.set_prev_kv(true);
  Watch told(nullptr, 1, asks, 1), not_told(nullptr, 2, ToWatch("a"), 1);
  EXPECT_TRUE(told.MaybeGather(maker));
  EXPECT_TRUE(not_told.MaybeGather(maker));
  write.Finish();
  EXPECT_EQ(WatchOutput({{}, told.events}).ToProto().events(0).prev_kv().value(), "1");
  EXPECT_FALSE(WatchOutput({{}, not_told.events}).ToProto().events(0).has_prev_kv());
}

TEST_F(WatchTest, OfNoKeyIsOfTheSmallest) {
  const Watch one(nullptr, 1, ToWatch(""), 1), all(nullptr, 2, ToWatch("", kZero), 1);
  EXPECT_TRUE(one.range().Contains(kZero));
  EXPECT_FALSE(one.range().Contains("a"));
  EXPECT_TRUE(all.range().Contains(kZero));
  EXPECT_TRUE(all.range().Contains("a"));
}

}  // namespace
}  // namespace raftexample
