#include "examples/raftexample/server/cluster_ids.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

TEST(ClusterIds, EveryFounderFindsTheSame) {
  EXPECT_EQ(FoundingMemberId({"http://a:1", "http://a:2"}, "t"),
            FoundingMemberId({"http://a:2", "http://a:1"}, "t"));
  EXPECT_EQ(ClusterId({1, 2, 3}, "t"), ClusterId({3, 1, 2}, "t"));
}

TEST(ClusterIds, WhatDiffersHasAnotherName) {
  EXPECT_NE(FoundingMemberId({"http://a:1"}, "t"), FoundingMemberId({"http://a:1"}, "u"));
  EXPECT_NE(FoundingMemberId({"http://a:1"}, "t"), FoundingMemberId({"http://a:2"}, "t"));
  EXPECT_NE(ClusterId({1, 2}, "t"), ClusterId({1, 2}, "u"));
  // Adding, removing and adding the same URLs makes three members.
  EXPECT_NE(AddedMemberId({"http://a:1"}, 7, 1), AddedMemberId({"http://a:1"}, 7, 2));
  EXPECT_NE(AddedMemberId({"http://a:1"}, 7, 1), AddedMemberId({"http://a:1"}, 8, 1));
}

TEST(ClusterIds, HaveNoLeadingZerosAndNoSign) {
  for (int i = 0; i < 1000; ++i) {
    const uint64_t id = AddedMemberId({"http://a:1"}, 7, i);
    EXPECT_GE(id, uint64_t{1} << 60);
    EXPECT_LT(id, uint64_t{1} << 63);
  }
}

}  // namespace
}  // namespace raftexample
