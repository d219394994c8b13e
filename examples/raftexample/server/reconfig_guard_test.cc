#include "examples/raftexample/server/reconfig_guard.h"

#include <map>

#include "examples/raftexample/proto/errors.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

using internal::MemberChange;

// A cluster as seen from member 1: how long each of the others has been connected.
class ReconfigGuardTest : public testing::Test {
 protected:
  void AddMember(uint64_t id, bool started, absl::Duration connected, bool learner = false) {
    etcdserverpb::Member& member = view_.members.emplace_back();
    member.set_id(id);
    member.set_islearner(learner);
    if (started) member.set_name("n");
    connected_[id] = connected;
  }
  absl::Status Check(MemberChange::Kind kind, uint64_t id, bool learner = false) {
    MemberChange change;
    change.set_kind(kind);
    change.mutable_member()->set_id(id);
    change.mutable_member()->set_islearner(learner);
    view_.connected_for = [this](uint64_t member) { return connected_[member]; };
    return CheckReconfiguration(view_, change);
  }

  static constexpr absl::Duration kLong = absl::Minutes(1);
  static constexpr absl::Duration kJustNow = absl::Seconds(1);
  static constexpr absl::Duration kNot = absl::ZeroDuration();
  ReconfigView view_ = {.self = 1};
  std::map<uint64_t, absl::Duration> connected_;
};

TEST_F(ReconfigGuardTest, OneMemberMayAlwaysGrow) {
  AddMember(1, true, kNot);
  EXPECT_TRUE(Check(MemberChange::ADD, 9).ok());
}

TEST_F(ReconfigGuardTest, ButOnlyByOneThatThenStarts) {
  AddMember(1, true, kNot);
  AddMember(2, false, kNot);
  EXPECT_TRUE(errors::kNotEnoughStarted.Is(Check(MemberChange::ADD, 9)));
}

TEST_F(ReconfigGuardTest, AddingNeedsEverybodyConnected) {
  AddMember(1, true, kNot);
  AddMember(2, true, kLong);
  AddMember(3, true, kLong);
  EXPECT_TRUE(Check(MemberChange::ADD, 9).ok());
  EXPECT_TRUE(Check(MemberChange::ADD, 9, /*learner=*/true).ok());
  connected_[3] = kJustNow;
  EXPECT_TRUE(errors::kUnhealthy.Is(Check(MemberChange::ADD, 9)));
  EXPECT_TRUE(errors::kUnhealthy.Is(Check(MemberChange::ADD, 9, /*learner=*/true)));
}

TEST_F(ReconfigGuardTest, ADeadMemberMayGo) {
  AddMember(1, true, kNot);
  AddMember(2, true, kLong);
  AddMember(3, true, kNot);
  EXPECT_TRUE(Check(MemberChange::REMOVE, 3).ok());
  EXPECT_TRUE(errors::kUnhealthy.Is(Check(MemberChange::REMOVE, 2)))
      << "the two that remain would not be a quorum of two";
}

TEST_F(ReconfigGuardTest, TheLastMemberStays) {
  AddMember(1, true, kNot);
  EXPECT_TRUE(errors::kNotEnoughStarted.Is(Check(MemberChange::REMOVE, 1)));
}

TEST_F(ReconfigGuardTest, LearnersComeAndGoFreely) {
  AddMember(1, true, kNot);
  AddMember(2, true, kNot, /*learner=*/true);
  EXPECT_TRUE(Check(MemberChange::REMOVE, 2).ok());
}

}  // namespace
}  // namespace raftexample
