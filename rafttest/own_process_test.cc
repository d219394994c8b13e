#include "rafttest/own_process.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"

namespace rafttest {
namespace {

TEST(InOwnProcess, GivesTheResultOfTheTask) {
  EXPECT_TRUE(InOwnProcess([] { return absl::OkStatus(); }).ok());
  const std::string text(100'000, 'x');  // More than a pipe holds.
  EXPECT_EQ(InOwnProcess([&] { return absl::NotFoundError(text); }).message(), text);
}

TEST(InOwnProcess, ChangesNothingHere) {
  int value = 1;
  EXPECT_TRUE(InOwnProcess([&] {
                value = 2;
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(value, 1);
}

TEST(InOwnProcess, ACrashIsAnErrorWithItsLastWords) {
  const absl::Status run = InOwnProcess([]() -> absl::Status {
    std::fputs("out of luck\n", stderr);
    std::abort();
  });
  EXPECT_TRUE(absl::StartsWith(run.message(), "died of signal 6")) << run;
  EXPECT_TRUE(absl::StrContains(run.message(), "out of luck\n")) << run;
}

}  // namespace
}  // namespace rafttest
