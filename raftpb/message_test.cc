#include "raftpb/message.h"

#include <memory>
#include <vector>

#include "absl/strings/cord.h"
#include "gtest/gtest.h"
#include "raftpb/conf_change.h"

namespace raftpb {
namespace {

using enum MessageType;

Message Full() {
  Message m = {.type = kSnap, .to = 1, .from = 2, .term = 3, .log_term = 4, .index = 5};
  m.entries = {{.term = 6, .index = 7}};
  m.commit = 8;
  m.vote = 9;
  m.snapshot = std::make_shared<const Snapshot>(Snapshot{.metadata = {.index = 10}});
  m.reject = true;
  m.reject_hint = 11;
  m.context = absl::Cord("context");
  m.responses = {Message{.to = 12}};
  return m;
}

TEST(MessageEquality, LooksAtEveryField) {
  const Message full = Full();
  EXPECT_EQ(full, Full());

  struct {
    const char* field;
    void (*change)(Message& m);
  } cases[] = {
      {"type", [](Message& m) { m.type = kApp; }},
      {"to", [](Message& m) { ++m.to; }},
      {"from", [](Message& m) { ++m.from; }},
      {"term", [](Message& m) { ++m.term; }},
      {"log_term", [](Message& m) { ++m.log_term; }},
      {"index", [](Message& m) { ++m.index; }},
      {"entries", [](Message& m) { m.entries.PushBack({}); }},
      {"commit", [](Message& m) { ++m.commit; }},
      {"vote", [](Message& m) { ++m.vote; }},
      {"no snapshot", [](Message& m) { m.snapshot = nullptr; }},
      {"snapshot", [](Message& m) { m.snapshot = std::make_shared<const Snapshot>(); }},
      {"reject", [](Message& m) { m.reject = false; }},
      {"reject_hint", [](Message& m) { ++m.reject_hint; }},
      {"context", [](Message& m) { m.context = absl::Cord("other"); }},
      {"responses", [](Message& m) { ++m.responses[0].to; }},
  };
  for (const auto& c : cases) {
    Message changed = Full();
    c.change(changed);
    EXPECT_FALSE(changed == full) << c.field;
    EXPECT_FALSE(full == changed) << c.field;
  }
}

TEST(MessageEquality, ComparesWhatSnapshotsSay) {
  const Message none;
  Message empty;
  empty.snapshot = std::make_shared<const Snapshot>();
  EXPECT_EQ(none, empty);
  EXPECT_EQ(empty, none);
}

TEST(EntryEquality, IgnoresHowTheTypeWasWritten) {
  EXPECT_EQ((Entry{.term = 1, .type_is_explicit = true}), Entry{.term = 1});
  EXPECT_FALSE((Entry{.type = EntryType::kConfChange}) == Entry{});
}

TEST(MessageTypes, AreLocalOrResponses) {
  struct {
    MessageType type;
    bool is_local, is_response;
  } cases[] = {
      {kHup, true, false},
      {kBeat, true, false},
      {kProp, false, false},
      {kApp, false, false},
      {kAppResp, false, true},
      {kVote, false, false},
      {kVoteResp, false, true},
      {kSnap, false, false},
      {kHeartbeat, false, false},
      {kHeartbeatResp, false, true},
      {kUnreachable, true, true},
      {kSnapStatus, true, false},
      {kCheckQuorum, true, false},
      {kTransferLeader, false, false},
      {kTimeoutNow, false, false},
      {kReadIndex, false, false},
      {kReadIndexResp, false, true},
      {kPreVote, false, false},
      {kPreVoteResp, false, true},
      {kStorageAppend, true, false},
      {kStorageAppendResp, true, true},
      {kStorageApply, true, false},
      {kStorageApplyResp, true, true},
      {kForgetLeader, false, false},
      {static_cast<MessageType>(99), false, false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(IsLocalMessage(c.type), c.is_local) << static_cast<int>(c.type);
    EXPECT_EQ(IsResponse(c.type), c.is_response) << static_cast<int>(c.type);
  }
}

TEST(ConfChanges, KnowWhereTheyLead) {
  using enum ConfChangeTransition;
  struct {
    const char* name;
    ConfChangeV2 change;
    bool leaves, enters, auto_leaves;
  } cases[] = {
      {"empty", {}, true, false, true},
      {"one operation", {.changes = {{}}}, false, false, true},
      {"two operations", {.changes = {{}, {}}}, false, true, true},
      {"implicit", {.transition = kJointImplicit, .changes = {{}}}, false, true, true},
      {"explicit", {.transition = kJointExplicit}, false, true, false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(c.change.LeavesJoint(), c.leaves) << c.name;
    EXPECT_EQ(c.change.EntersJoint(), c.enters) << c.name;
    EXPECT_EQ(c.change.AutoLeaves(), c.auto_leaves) << c.name;
  }
}

TEST(ConfChanges, OldOnesAreNewOnesWithOneOperation) {
  const ConfChange change = {
      .id = 1, .type = ConfChangeType::kRemoveNode, .node_id = 3, .context = absl::Cord("why")};
  const ConfChangeV2 v2 = {.changes = {{ConfChangeType::kRemoveNode, 3}},
                           .context = absl::Cord("why")};
  EXPECT_EQ(change.AsV2(), v2);
}

}  // namespace
}  // namespace raftpb
