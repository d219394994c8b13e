#include "rafttest/datadriven.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace rafttest {
namespace {

using Values = std::vector<std::string>;

TEST(ParseDirective, ArgumentsHaveThreeForms) {
  struct {
    const char* name;
    const char* line;
    std::vector<Argument> arguments;
  } cases[] = {
      {"none", "cmd", {}},
      {"key", "cmd a", {{"a", {}}}},
      {"value", "cmd a=b", {{"a", {"b"}}}},
      {"empty value", "cmd a= b", {{"a", {""}}, {"b", {}}}},
      {"value with signs", "cmd a=b=(c)", {{"a", {"b=(c)"}}}},
      {"key in parentheses", "cmd (a)", {{"(a)", {}}}},
      {"list", "cmd a=(b,c)", {{"a", {"b", "c"}}}},
      {"spaces after a comma", "cmd a=(b,  c)  d", {{"a", {"b", "c"}}, {"d", {}}}},
      {"empty list", "cmd a=()", {{"a", {""}}}},
      {"empty elements", "cmd a=(,)", {{"a", {"", ""}}}},
      {"nested parentheses", "cmd a=(b(c,d),e)", {{"a", {"b(c,d)", "e"}}}},
      {"repeated", "cmd a=1 a=2", {{"a", {"1"}}, {"a", {"2"}}}},
      {"only spaces separate", "cmd a\tb", {{"a\tb", {}}}},
      {"other white space at the ends of words",
       "cmd \u00a0a \t\u2003b\u2028",
       {{"a", {}}, {"b", {}}}},
      {"surrounded by blanks", "  cmd   a  ", {{"a", {}}}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    absl::StatusOr<Directive> directive = ParseDirective(c.line);
    ASSERT_TRUE(directive.ok()) << directive.status();
    EXPECT_EQ(directive->command, "cmd");
    EXPECT_EQ(directive->arguments, c.arguments);
  }
}

TEST(ParseDirective, WhatCannotBeReadIsAScriptError) {
  for (const char* line : {"cmd =", "cmd a =b", "cmd a=(b", "cmd a=(b(c)", "cmd a=(b)c"}) {
    absl::StatusOr<Directive> directive = ParseDirective(line);
    EXPECT_TRUE(IsScriptError(directive.status())) << line;
  }
}

TEST(ParseDirective, FindsTheFirstArgumentOfAKey) {
  absl::StatusOr<Directive> directive = ParseDirective("cmd a=1 b a=2");
  ASSERT_TRUE(directive.ok());
  ASSERT_NE(directive->Find("a"), nullptr);
  EXPECT_EQ(directive->Find("a")->values, Values{"1"});
  EXPECT_EQ(directive->Find("c"), nullptr);
}

// Answers `echo` with its input, `blank` with a blank line in the middle, `break` with an error,
// and everything else with the number of its arguments.
absl::StatusOr<std::string> Answer(const Directive& d) {
  if (d.command == "echo") return d.input;
  if (d.command == "blank") return std::string("above\n\nbelow\n");
  if (d.command == "break") return ScriptError("broken");
  return absl::StrCat(d.command, " ", d.arguments.size());
}

TEST(RunScript, PassesIfAllIsAsExpected) {
  const absl::Status run = RunScript("s", R"(# A comment, and an empty line.

one a
----
one 1

  # An indented comment.
two a \
    b
----
two 2

echo
# not a comment
  but input
----
# not a comment
  but input

blank
----
----
above

below
----
----

echo
----)",
                                     Answer);
  EXPECT_TRUE(run.ok()) << run;
}

TEST(RunScript, StopsAtTheFirstDifference) {
  int calls = 0;
  auto count = [&calls](const Directive&) -> absl::StatusOr<std::string> {
    ++calls;
    return std::string("ok");
  };
  const absl::Status run = RunScript("s", "a\n----\nok\n\nb\n----\nno\n\nc\n----\nok\n", count);
  EXPECT_TRUE(absl::StartsWith(run.message(), "s:5: ")) << run;
  EXPECT_TRUE(absl::StrContains(run.message(), "- no\n+ ok\n")) << run;
  EXPECT_EQ(calls, 2);
}

TEST(RunScript, ExpectedOutputEndsAtABlankLineOnly) {
  const absl::Status run = RunScript("s", "a\n----\na 0\nb\n----\nb 0\n", Answer);
  EXPECT_TRUE(absl::StrContains(run.message(), "  a 0\n- b\n- ----\n- b 0\n")) << run;
}

TEST(RunScript, AMissingLastNewlineIsAdded) {
  auto unended = [](const Directive&) -> absl::StatusOr<std::string> { return std::string("x"); };
  EXPECT_TRUE(RunScript("s", "a\n----\nx\n", unended).ok());
  auto ended = [](const Directive&) -> absl::StatusOr<std::string> { return std::string("x\n"); };
  EXPECT_TRUE(RunScript("s", "a\n----\nx\n", ended).ok());
}

TEST(RunScript, MistakesOfTheScriptAreToldWithTheirLine) {
  struct {
    const char* name;
    const char* text;
    const char* message;
  } cases[] = {
      {"handler", "\nbreak\n----\n", "s:2: break: broken"},
      {"unreadable line", "a =\n----\n", "s:1: no key in front of: ="},
      {"no fence", "# c\na\nb\n", "s:2: a directive without ---- after it"},
      {"open pair", "a\n----\n----\nb\n", "s:1: output between pairs of ---- does not end"},
      {"text after pair", "a\n----\n----\nb\n----\n----\nc\n",
       "s:1: no blank line after the second pair of ----"},
  };
  for (const auto& c : cases) {
    const absl::Status run = RunScript("s", c.text, Answer);
    EXPECT_TRUE(IsScriptError(run)) << c.name;
    EXPECT_EQ(run.message(), absl::string_view(c.message)) << c.name;
  }
}

TEST(RewriteScript, RecordsOutputsAndKeepsEverythingElse) {
  absl::StatusOr<std::string> rewritten = RewriteScript("s", R"(# A comment.
one a
----
old

  # Another.
blank
----
echo

two a \
  b
----
----
much

older
----
----

echo
----
gone
# The end.
)",
                                                        Answer);
  ASSERT_TRUE(rewritten.ok()) << rewritten.status();
  const std::string expected = R"(# A comment.
one a
----
one 1

  # Another.
blank
----
----
above

below
----
----

two a \
  b
----
two 2

echo
----
)";
  EXPECT_EQ(*rewritten, expected);
  // What it gives passes, and rewriting it again changes nothing.
  EXPECT_TRUE(RunScript("s", *rewritten, Answer).ok());
  absl::StatusOr<std::string> again = RewriteScript("s", *rewritten, Answer);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, expected);
}

TEST(RewriteScript, WritesNothingIfTheScriptIsMistaken) {
  EXPECT_TRUE(IsScriptError(RewriteScript("s", "break\n----\n", Answer).status()));
}

}  // namespace
}  // namespace rafttest
