#include "examples/raftexample/server/slow_log.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace raftexample {
namespace {

class Lines final : public raft::Logger {
 public:
  bool Enabled(raft::LogLevel level) const override { return level >= raft::LogLevel::kWarn; }
  void Log(raft::LogLevel, absl::string_view line) override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

TEST(SlowLog, NamesWhatWasSlowAndHowLong) {
  Lines log;
  SlowLog slow(&log);
  slow.Tell("answering", absl::Microseconds(312'345), "");
  slow.Tell("applying", absl::Seconds(2), "7 bytes");
  EXPECT_EQ(log.lines,
            (std::vector<std::string>{"answering took 312.3ms", "applying took 2s; 7 bytes"}));
}

TEST(SlowLog, SaysAFewLinesPerSecondAndHowManyItDidNotSay) {
  Lines log;
  SlowLog slow(&log, /*lines_per_second=*/2);
  const absl::Time start = absl::UnixEpoch();
  for (int i = 0; i < 5; ++i) slow.Tell("it", absl::Seconds(1), "", start);
  EXPECT_EQ(log.lines.size(), 2u);
  slow.Tell("it", absl::Seconds(1), "", start + absl::Milliseconds(999));
  EXPECT_EQ(log.lines.size(), 2u);
  slow.Tell("it", absl::Seconds(1), "", start + absl::Seconds(1));
  ASSERT_EQ(log.lines.size(), 3u);
  EXPECT_EQ(log.lines.back(), "it took 1s; 4 more were slow since the last line");
  slow.Tell("it", absl::Seconds(1), "", start + absl::Seconds(1));
  EXPECT_EQ(log.lines.back(), "it took 1s");
}

}  // namespace
}  // namespace raftexample
