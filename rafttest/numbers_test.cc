#include "rafttest/numbers.h"

#include <gtest/gtest.h>

#include <limits>

namespace rafttest {
namespace {

TEST(ParseNumber, TakesDecimalDigitsOnly) {
  struct {
    const char* text;
    uint64_t value;
    const char* error;
  } cases[] = {
      {"0", 0, ""},
      {"007", 7, ""},
      {"18446744073709551615", std::numeric_limits<uint64_t>::max(), ""},
      {"18446744073709551616", 0,
       "strconv.ParseUint: parsing \"18446744073709551616\": value out of range"},
      {"99999999999999999999", 0,
       "strconv.ParseUint: parsing \"99999999999999999999\": value out of range"},
      {"99999999999999999999x", 0,
       "strconv.ParseUint: parsing \"99999999999999999999x\": invalid syntax"},
      {"", 0, "strconv.ParseUint: parsing \"\": invalid syntax"},
      {"-1", 0, "strconv.ParseUint: parsing \"-1\": invalid syntax"},
      {"+1", 0, "strconv.ParseUint: parsing \"+1\": invalid syntax"},
      {"1 ", 0, "strconv.ParseUint: parsing \"1 \": invalid syntax"},
      {"0x1", 0, "strconv.ParseUint: parsing \"0x1\": invalid syntax"},
  };
  for (const auto& c : cases) {
    absl::StatusOr<uint64_t> number = ParseNumber(c.text);
    EXPECT_EQ(number.status().message(), absl::string_view(c.error)) << c.text;
    EXPECT_EQ(number.value_or(0), c.value) << c.text;
  }
}

TEST(ParseBool, TakesTheFormsOfGo) {
  for (const char* yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    EXPECT_EQ(ParseBool(yes).value_or(false), true) << yes;
  }
  for (const char* no : {"0", "f", "F", "FALSE", "false", "False"}) {
    EXPECT_EQ(ParseBool(no).value_or(true), false) << no;
  }
  EXPECT_EQ(ParseBool("yes").status().message(),
            absl::string_view("strconv.ParseBool: parsing \"yes\": invalid syntax"));
}

TEST(NumberOf, AnythingButOneNumberIsAScriptError) {
  EXPECT_EQ(NumberOf({"a", {"1"}}).value_or(0), 1);
  for (const Argument& argument :
       {Argument{"a", {}}, Argument{"a", {"1", "2"}}, Argument{"a", {"x"}}}) {
    EXPECT_TRUE(IsScriptError(NumberOf(argument).status()));
    EXPECT_TRUE(IsScriptError(BoolOf(argument).status()));
  }
}

}  // namespace
}  // namespace rafttest
