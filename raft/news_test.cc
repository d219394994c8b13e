// However often a peer is marked, it hears once; the stronger mark counts; taking clears.
#include "raft/news.h"

#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace raft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = News::Kind;
using Marked = std::pair<NodeId, Kind>;

std::vector<Marked> TakePeers(News& news) {
  std::vector<Marked> peers;
  news.TakePeers([&peers](NodeId peer, Kind kind) { peers.emplace_back(peer, kind); });
  return peers;
}

TEST(News, PeersAreTakenOnceInAscendingOrder) {
  News news;
  EXPECT_TRUE(news.empty());
  for (NodeId id : {5, 2, 9, 2, 5, 5, 1}) news.Mark(id, Kind::kEntries);
  EXPECT_FALSE(news.empty());
  EXPECT_THAT(TakePeers(news), ElementsAre(Marked{1, Kind::kEntries}, Marked{2, Kind::kEntries},
                                           Marked{5, Kind::kEntries}, Marked{9, Kind::kEntries}));
  EXPECT_TRUE(news.empty());
  EXPECT_THAT(TakePeers(news), IsEmpty());
}

TEST(News, TheStrongerMarkCountsWhateverTheOrder) {
  News news;
  news.Mark(1, Kind::kEntries);
  news.Mark(1, Kind::kAnything);
  news.Mark(2, Kind::kAnything);
  news.Mark(2, Kind::kEntries);
  EXPECT_THAT(TakePeers(news), ElementsAre(Marked{1, Kind::kAnything}, Marked{2, Kind::kAnything}));
}

TEST(News, AllAreMarkedUntilTheMarksAreTakenOrSomebodyJoins) {
  News news;
  EXPECT_FALSE(news.all_marked());
  news.Mark(1, Kind::kAnything);
  news.NoteAllMarked();
  EXPECT_TRUE(news.all_marked());
  TakePeers(news);
  EXPECT_FALSE(news.all_marked());
  news.Mark(1, Kind::kAnything);
  news.NoteAllMarked();
  news.SomebodyJoins();
  EXPECT_FALSE(news.all_marked());
  EXPECT_FALSE(news.empty());
}

TEST(News, HeartbeatsAreAMarkOfTheirOwn) {
  News news;
  EXPECT_FALSE(news.TakeHeartbeat());
  news.MarkHeartbeat();
  news.MarkHeartbeat();
  EXPECT_FALSE(news.empty());
  EXPECT_THAT(TakePeers(news), IsEmpty());
  EXPECT_TRUE(news.TakeHeartbeat());
  EXPECT_FALSE(news.TakeHeartbeat());
  EXPECT_TRUE(news.empty());
}

}  // namespace
}  // namespace raft
