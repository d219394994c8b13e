#include "rafttest/line_diff.h"

#include <gtest/gtest.h>

namespace rafttest {
namespace {

TEST(LineDiff, MarksWhatOnlyOneTextHas) {
  struct {
    const char* name;
    const char* expected;
    const char* actual;
    const char* diff;
  } cases[] = {
      {"equal", "a\nb\n", "a\nb\n", ""},
      {"nothing expected", "", "a\n", "+ a\n"},
      {"nothing got", "a\n", "", "- a\n"},
      {"changed", "a\nb\nc\n", "a\nx\nc\n", "  a\n- b\n+ x\n  c\n"},
      {"inserted", "a\nc\n", "a\nb\nc\n", "  a\n+ b\n  c\n"},
      {"repeated lines", "a\na\n", "a\na\na\n", "  a\n  a\n+ a\n"},
      {"moved", "a\nb\nc\n", "b\nc\na\n", "- a\n  b\n  c\n+ a\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(LineDiff(c.expected, c.actual), c.diff) << c.name;
}

TEST(LineDiff, CutsLongCommonParts) {
  EXPECT_EQ(LineDiff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5x\n6\n7\n8\n9\n"),
            "  ...\n  2\n  3\n  4\n- 5\n+ 5x\n  6\n  7\n  8\n  ...\n");
}

}  // namespace
}  // namespace rafttest
