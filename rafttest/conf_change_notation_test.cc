#include "rafttest/conf_change_notation.h"

#include <gtest/gtest.h>

#include "raftpb/describe.h"

namespace rafttest {
namespace {

TEST(ParseConfChanges, IsTheInverseOfNotation) {
  for (const char* text : {"", "v1", "v1 l2 r3 u4", "v0", "v18446744073709551615"}) {
    auto changes = ParseConfChanges(text);
    ASSERT_TRUE(changes.ok()) << text;
    EXPECT_EQ(raftpb::Notation(*changes), text);
  }
}

TEST(ParseConfChanges, SaysWhatItCannotRead) {
  struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"v", "unknown token v"},
      {"v1  v2", "unknown token "},
      {"x1", "unknown input: x1"},
      {"v1 vx", "strconv.ParseUint: parsing \"x\": invalid syntax"},
      {"v1\nv2", "strconv.ParseUint: parsing \"1\\nv2\": invalid syntax"},
      {"v18446744073709551616",
       "strconv.ParseUint: parsing \"18446744073709551616\": value out of range"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ParseConfChanges(c.text).status().message(), absl::string_view(c.error)) << c.text;
  }
}

}  // namespace
}  // namespace rafttest
