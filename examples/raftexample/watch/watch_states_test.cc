#include "examples/raftexample/watch/watch_states.h"

#include <memory>
#include <vector>

#include "examples/raftexample/watch/stream.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

using State = Watch::State;

constexpr State kAll[] = {State::kNone, State::kSynced, State::kUnsynced, State::kSlow};

class WatchStatesTest : public testing::Test {
 protected:
  // A watch of "a", or of a range that begins there.
  std::unique_ptr<Watch> NewWatch(int64_t next, const char* range_end = "") {
    etcdserverpb::WatchCreateRequest request;
    request.set_key("a");
    request.set_range_end(range_end);
    request.set_progress_notify(true);
    return std::make_unique<Watch>(&stream_, ++last_id_, request, next);
  }
  void ExpectOnlyIn(State state, Watch& watch) {
    EXPECT_EQ(watch.state, state);
    EXPECT_EQ(states_.synced().size(), state == State::kSynced ? 1u : 0u);
    EXPECT_EQ(states_.unsynced().count(&watch), state == State::kUnsynced ? 1u : 0u);
    EXPECT_EQ(states_.unsynced().size(), state == State::kUnsynced ? 1u : 0u);
    EXPECT_EQ(stream_.slow.count(&watch), state == State::kSlow ? 1u : 0u);
    EXPECT_EQ(states_.slow(), state == State::kSlow ? 1u : 0u);
    EXPECT_EQ(stream_.behind, state == State::kUnsynced || state == State::kSlow ? 1u : 0u);
    EXPECT_EQ(states_.wanting_progress().size(), state == State::kNone ? 0u : 1u);
  }

  Stream stream_{nullptr};
  WatchStates states_;
  int64_t last_id_ = 0;
};

TEST_F(WatchStatesTest, EveryMoveLeavesTheOldStateAndEntersTheNew) {
  for (const char* range_end : {"", "c"}) {
    for (State from : kAll) {
      for (State to : kAll) {
        SCOPED_TRACE(testing::Message()
                     << static_cast<int>(from) << " to " << static_cast<int>(to));
        auto watch = NewWatch(5, range_end);
        states_.Move(*watch, from);
        ExpectOnlyIn(from, *watch);
        states_.Move(*watch, to, 9);
        ExpectOnlyIn(to, *watch);
        EXPECT_EQ(watch->next, 9);
        states_.Move(*watch, State::kNone);
        ExpectOnlyIn(State::kNone, *watch);
      }
    }
  }
}

TEST_F(WatchStatesTest, WhoIsFurthestBehindComesFirst) {
  auto a = NewWatch(7), b = NewWatch(3), c = NewWatch(5), d = NewWatch(5);
  for (Watch* watch : {a.get(), b.get(), c.get(), d.get()}) states_.Move(*watch, State::kUnsynced);
  auto order = [&] {
    std::vector<int64_t> nexts;
    for (const Watch* watch : states_.unsynced()) nexts.push_back(watch->next);
    return nexts;
  };
  EXPECT_EQ(order(), (std::vector<int64_t>{3, 5, 5, 7}));
  states_.Move(*b, State::kUnsynced, 6);
  EXPECT_EQ(order(), (std::vector<int64_t>{5, 5, 6, 7}));
  states_.Move(*c, State::kSynced);
  EXPECT_EQ(order(), (std::vector<int64_t>{5, 6, 7}));
  EXPECT_EQ(stream_.behind, 3u);
}

}  // namespace
}  // namespace raftexample
