#include "rafttest/script_output.h"

#include <gtest/gtest.h>

namespace rafttest {
namespace {

using raft::LogLevel;

TEST(ScriptOutput, ShowsLogLinesOfTheLevelAndAbove) {
  ScriptOutput output;
  output.set_verbosity(LogLevel::kWarn);
  output.Print("printed\n");
  output.Log(LogLevel::kInfo, "info");
  output.Log(LogLevel::kWarn, "warn");
  output.Log(LogLevel::kFatal, "fatal");
  EXPECT_EQ(output.Take(), "printed\nWARN warn\nFATAL fatal\n");
  EXPECT_EQ(output.Take(), "");
}

TEST(ScriptOutput, WithoutALevelItShowsNothing) {
  ScriptOutput output;
  output.set_verbosity(absl::nullopt);
  output.Print("printed\n");
  output.Log(LogLevel::kFatal, "fatal");
  EXPECT_EQ(output.Take(), "");
}

TEST(ScriptOutput, IndentsEveryLineAndEndsTheLast) {
  ScriptOutput output;
  output.Print("a\n");
  output.Indent([&] {
    output.Print("b\nc\n");
    output.Indent([&] { output.Log(LogLevel::kInfo, "d"); });
    output.Print("unended");
  });
  output.Indent([] {});
  output.Print("e");
  EXPECT_EQ(output.Take(), "a\n  b\n  c\n    INFO d\n  unended\ne");
}

TEST(ParseVerbosity, TakesTheNamesInAnyCase) {
  EXPECT_EQ(ParseVerbosity("debug").value(), Verbosity(LogLevel::kDebug));
  EXPECT_EQ(ParseVerbosity("Info").value(), Verbosity(LogLevel::kInfo));
  EXPECT_EQ(ParseVerbosity("NONE").value(), Verbosity(absl::nullopt));
  EXPECT_EQ(ParseVerbosity("loud").status().message(),
            absl::string_view("log levels must be either of [DEBUG INFO WARN ERROR FATAL NONE]"));
}

}  // namespace
}  // namespace rafttest
