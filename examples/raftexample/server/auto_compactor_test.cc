#include "examples/raftexample/server/auto_compactor.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

absl::Time At(int64_t seconds) { return absl::FromUnixSeconds(seconds); }

TEST(AutoCompactor, KeepsWhatIsYoungerThanThePeriod) {
  AutoCompactor compactor = AutoCompactor::Periodic(absl::Seconds(10));
  EXPECT_EQ(compactor.interval(), absl::Seconds(1));
  EXPECT_EQ(compactor.Tick(At(0), 100), absl::nullopt);
  EXPECT_EQ(compactor.Tick(At(5), 200), absl::nullopt);
  EXPECT_EQ(compactor.Tick(At(10), 300), 100);
  EXPECT_EQ(compactor.Tick(At(12), 300), absl::nullopt) << "nothing new is old enough";
  EXPECT_EQ(compactor.Tick(At(15), 300), 200);
  EXPECT_EQ(compactor.Tick(At(60), 300), 300);
  EXPECT_EQ(compactor.Tick(At(90), 300), absl::nullopt) << "each revision once";
}

TEST(AutoCompactor, LongPeriodsAreLookedAtEverySixMinutes) {
  EXPECT_EQ(AutoCompactor::Periodic(absl::Hours(72)).interval(), absl::Minutes(6));
}

TEST(AutoCompactor, ANewLeaderStartsToCountAgain) {
  AutoCompactor compactor = AutoCompactor::Periodic(absl::Seconds(10));
  compactor.Tick(At(0), 100);
  compactor.Forget();
  EXPECT_EQ(compactor.Tick(At(10), 200), absl::nullopt);
  EXPECT_EQ(compactor.Tick(At(20), 300), 200);
}

TEST(AutoCompactor, KeepsTheLastRevisions) {
  AutoCompactor compactor = AutoCompactor::ByRevision(100);
  EXPECT_EQ(compactor.Tick(At(0), 50), absl::nullopt);
  EXPECT_EQ(compactor.Tick(At(300), 100), absl::nullopt);
  EXPECT_EQ(compactor.Tick(At(600), 250), 150);
  EXPECT_EQ(compactor.Tick(At(900), 250), absl::nullopt);
  EXPECT_EQ(compactor.Tick(At(1200), 251), 151);
}

}  // namespace
}  // namespace raftexample
