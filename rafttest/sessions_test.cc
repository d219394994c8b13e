#include "rafttest/sessions.h"

#include "gtest/gtest.h"
#include "rafttest/key_value_application.h"

namespace rafttest {
namespace {

std::unique_ptr<Sessions> NewSessions() {
  return std::make_unique<Sessions>(KeyValueApplication().NewStateMachine());
}

TEST(Sessions, ARepeatedCommandTakesEffectOnce) {
  const auto sessions = NewSessions();
  EXPECT_EQ(sessions->Apply(EncodeSessionCommand(1, 1, "create k a")), "=true");
  EXPECT_EQ(sessions->Apply(EncodeSessionCommand(2, 1, "delete k")), "=ok");
  EXPECT_EQ(sessions->Apply(EncodeSessionCommand(1, 1, "create k a")), "=true") << "as before";
  EXPECT_EQ(sessions->Query("k"), "") << "and not done again";
  EXPECT_EQ(sessions->Apply(EncodeSessionCommand(1, 2, "create k a")), "=true") << "another one";
  EXPECT_EQ(sessions->Query("k"), "=a");
}

TEST(Sessions, AnOldCommandThatComesLateIsPassedOver) {
  const auto sessions = NewSessions();
  sessions->Apply(EncodeSessionCommand(1, 1, "put k a"));
  sessions->Apply(EncodeSessionCommand(1, 2, "put k b"));
  EXPECT_EQ(sessions->Apply(EncodeSessionCommand(1, 1, "put k a")), "");
  EXPECT_EQ(sessions->Query("k"), "=b");
}

TEST(Sessions, TheMemoryTravelsInSnapshots) {
  const auto sessions = NewSessions();
  sessions->Apply(EncodeSessionCommand(1, 1, "create k a"));
  const auto other = NewSessions();
  other->Load(sessions->Save());
  EXPECT_EQ(other->Save(), sessions->Save());
  EXPECT_EQ(other->Apply(EncodeSessionCommand(1, 1, "create k a")), "=true");
  EXPECT_EQ(other->Query("k"), "=a");
}

TEST(Sessions, WhatIsNoCommandChangesNothing) {
  const auto sessions = NewSessions();
  const std::string before = sessions->Save();
  EXPECT_EQ(sessions->Apply("xxxxxxxxxxxxxxxxxxxxxxxxx"), "");
  EXPECT_EQ(sessions->Apply("c"), "");
  EXPECT_EQ(sessions->Save(), before);
}

}  // namespace
}  // namespace rafttest
