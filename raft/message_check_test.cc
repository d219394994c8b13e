// What a message may say, looked at alone: everything that correct servers send to each other
// passes, and each way to be wrong has its reason. What the state of the receiver adds is in
// door_test.cc.
#include "raft/message_check.h"

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "raft/errors.h"
#include "raft/testing/cluster.h"
#include "raftpb/describe.h"
#include "raftpb/wire.h"

namespace raft {
namespace {

using raftpb::EntryType;
using raftpb::Message;
using raftpb::MessageType;
using ::testing::HasSubstr;

constexpr uint64_t k2To63 = uint64_t{1} << 63;

TEST(MessageCheck, WhatServersSayToEachOtherPasses) {
  testing::Cluster group({.voters = {1, 2, 3}, .learners = {4}});
  group.Elect(1);
  group.Commit("x");
  ASSERT_TRUE(group.node(2).Propose(absl::Cord("forwarded")).ok());
  ASSERT_TRUE(group.node(3).ReadIndex(absl::Cord("read")).ok());
  group.Settle();
  group.Isolate(3);
  group.Commit("y");
  group.Compact(1);
  group.Heal();
  for (int i = 0; i < 3; ++i) {
    group.Tick(1);
    group.Settle();
  }
  group.ChangeMembership(testing::AddVoter(4));
  ASSERT_TRUE(group.node(2).TransferLeadership(3).ok());
  group.Settle();
  std::vector<MessageType> seen;
  for (const Message& m : group.sent()) {
    EXPECT_TRUE(CheckRemoteMessage(m).ok()) << raftpb::Describe(m);
    seen.push_back(m.type);
  }
  for (MessageType type :
       {MessageType::kProp, MessageType::kApp, MessageType::kAppResp, MessageType::kVote,
        MessageType::kVoteResp, MessageType::kSnap, MessageType::kHeartbeat,
        MessageType::kHeartbeatResp, MessageType::kTransferLeader, MessageType::kTimeoutNow,
        MessageType::kReadIndex, MessageType::kReadIndexResp, MessageType::kPreVote,
        MessageType::kPreVoteResp}) {
    EXPECT_THAT(seen, ::testing::Contains(type)) << raftpb::Name(type) << " was never sent";
  }
}

TEST(MessageCheck, TheLargestNumbersThatPass) {
  Message append = {.type = MessageType::kApp,
                    .from = 2,
                    .term = k2To63,
                    .log_term = k2To63,
                    .index = k2To63 - 1,
                    .entries = {{.term = k2To63, .index = k2To63}},
                    .commit = k2To63};
  EXPECT_TRUE(CheckRemoteMessage(append).ok());
  append.reject_hint = k2To63;
  EXPECT_TRUE(CheckRemoteMessage(append).ok());
}

TEST(MessageCheck, EveryRefusalSaysWhy) {
  const auto snapshot = [](raftpb::SnapshotMetadata metadata) {
    return std::make_shared<raftpb::Snapshot>(raftpb::Snapshot{.metadata = std::move(metadata)});
  };
  struct {
    Message message;
    const char* why;
  } cases[] = {
      {{.type = MessageType{99}, .from = 2, .term = 1}, "type is 99"},
      {{.type = MessageType::kVote, .from = kNone, .term = 1}, "sender is no server"},
      {{.type = MessageType::kVote, .from = kLocalApplyThread, .term = 1}, "sender is no server"},
      {{.type = MessageType::kVote, .from = 2, .term = 1, .responses = {Message{}}}, "responses"},
      {{.type = MessageType::kVote, .from = 2}, "no term"},
      {{.type = MessageType::kVote, .from = 2, .term = kMaxTerm + 1}, "no next"},
      {{.type = MessageType::kVote, .from = 2, .term = 1, .index = k2To63 + 1}, "above 2^63"},
      {{.type = MessageType::kApp, .from = 2, .term = 1, .log_term = 2}, "later than its own"},
      {{.type = MessageType::kApp, .from = 2, .term = 1, .entries = {{.term = 1, .index = 2}}},
       "does not follow"},
      {{.type = MessageType::kApp, .from = 2, .term = 1, .entries = {{.term = 2, .index = 1}}},
       "between terms"},
      {{.type = MessageType::kApp,
        .from = 2,
        .term = 1,
        .log_term = 1,
        .index = k2To63,
        .entries = {{.term = 1, .index = k2To63 + 1}}},
       "beyond index 2^63"},
      {{.type = MessageType::kSnap,
        .from = 2,
        .term = 1,
        .snapshot = snapshot({.index = 1, .term = 2})},
       "a snapshot at index 1 of term 2"},
      {{.type = MessageType::kSnap,
        .from = 2,
        .term = 1,
        .snapshot = snapshot({.conf_state = {.voters = {1, 1}}, .index = 1, .term = 1})},
       "membership makes no sense"},
      {{.type = MessageType::kReadIndex, .from = 2}, "exactly one context"},
      {{.type = MessageType::kProp, .from = 2}, "without entries"},
  };
  for (const auto& c : cases) {
    const absl::Status status = CheckRemoteMessage(c.message);
    EXPECT_TRUE(IsInvalidMessage(status)) << c.why << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.why));
  }
}

// The quick look must never pass what the careful one refuses.
TEST(MessageCheck, WhatIsPlainlyValidIsValid) {
  const uint64_t indexes[] = {0, 1, k2To63 - 1, k2To63, k2To63 + 1, kNoLimit};
  int plain = 0;
  for (int type = -1; type <= 24; ++type) {
    for (NodeId from : {kNone, NodeId{2}, kLocalAppendThread, kLocalApplyThread}) {
      for (Term term : {Term{0}, Term{1}, kMaxTerm, kMaxTerm + 1}) {
        for (Term log_term : {Term{0}, Term{2}, kMaxTerm, kMaxTerm + 1}) {
          for (uint64_t number : indexes) {
            for (int field = 0; field < 5; ++field) {
              Message m = {.type = MessageType{type}, .from = from, .term = term};
              m.log_term = log_term;
              if (field == 0) m.index = number;
              if (field == 1) m.commit = number;
              if (field == 2) m.reject_hint = number;
              if (field == 3) m.entries.PushBack({.term = 1, .index = number});
              if (field == 4) m.responses.resize(number == 1 ? 1 : 0);
              if (!IsPlainlyValid(m)) continue;
              ++plain;
              ASSERT_TRUE(CheckRemoteMessage(m).ok()) << raftpb::Describe(m);
            }
          }
        }
      }
    }
  }
  EXPECT_GT(plain, 100);
}

TEST(MessageCheck, ProposedChangesCanBeRead) {
  const absl::Cord v1(raftpb::Encode(raftpb::ConfChange{.node_id = 4}));
  const absl::Cord v2(raftpb::Encode(testing::AddVoter(4)));
  const absl::Cord garbage("\x0a\x7f");
  const struct {
    const char* name;
    EntryType type;
    absl::Cord data;
    bool ok;
  } cases[] = {
      {"normal entries are nobody's business", EntryType::kNormal, garbage, true},
      {"so are those of types to come", EntryType{9}, garbage, true},
      {"a change", EntryType::kConfChange, v1, true},
      {"a change of the newer form", EntryType::kConfChangeV2, v2, true},
      {"the empty change", EntryType::kConfChangeV2, {}, true},
      {"garbage as a change", EntryType::kConfChange, garbage, false},
      {"garbage as one of the newer form", EntryType::kConfChangeV2, garbage, false},
  };
  for (const auto& c : cases) {
    const absl::Status status =
        CheckProposal({{.data = absl::Cord("first")}, {.type = c.type, .data = c.data}});
    EXPECT_EQ(status.ok(), c.ok) << c.name << ": " << status;
    EXPECT_EQ(IsInvalidMessage(status), !c.ok) << c.name;
  }
  EXPECT_TRUE(IsInvalidMessage(CheckProposal({})));
}

}  // namespace
}  // namespace raft
