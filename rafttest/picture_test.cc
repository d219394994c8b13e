#include "rafttest/picture.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rafttest {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Picture, HasEverythingThatWasRecorded) {
  Recording recording;
  recording.Server(1000, 1, {.condition = ServerView::Condition::kRuns, .term = 7, .last = 9});
  recording.Message(1500, {.type = raftpb::MessageType::kVote, .to = 2, .from = 1, .term = 7},
                    {25});
  recording.Message(1600, {.type = raftpb::MessageType::kApp, .to = 2, .from = 1, .term = 7}, {});
  recording.Event(1700, 1, "crashes");
  recording.End(1800, Violation{.invariant = "S1", .what = "two leaders"});
  const std::string page = RenderPicture(recording, "A run", "faults: none");
  EXPECT_THAT(page, HasSubstr("<h1>A run</h1>"));
  EXPECT_THAT(page, HasSubstr("\"changes\":[[1000,1,2,0,7,9,0,0]\n]"));
  EXPECT_THAT(page, HasSubstr("[1500,1525,1,2,\"MsgVote\",\"1->2 MsgVote Term:7"));
  EXPECT_THAT(page, HasSubstr("[1600,null,1,2,\"MsgApp\""));
  EXPECT_THAT(page, HasSubstr("\"notes\":[[1700,1,\"crashes\"]\n]"));
  EXPECT_THAT(page, HasSubstr("\"violation\":[\"S1\",\"two leaders\"]"));
  EXPECT_THAT(page, HasSubstr("\"end\":1800"));
}

TEST(Picture, NoTextEscapesFromItsPlace) {
  Recording recording;
  recording.Event(1, 0, "a \"quote\", a \\ and </script>");
  const std::string page = RenderPicture(recording, "<b>&", "x");
  EXPECT_THAT(page, HasSubstr("<h1>&lt;b&gt;&amp;</h1>"));
  EXPECT_THAT(page, HasSubstr(R"("a \"quote\", a \\ and \u003c/script>")"));
  EXPECT_THAT(page, Not(HasSubstr("and </script>")));
}

TEST(Picture, AFileThatCannotBeWrittenIsAnError) {
  const absl::Status status = WritePicture("/no/such/folder/x.html", Recording(), "", "");
  EXPECT_THAT(std::string(status.message()), HasSubstr("/no/such/folder/x.html"));
}

}  // namespace
}  // namespace rafttest
