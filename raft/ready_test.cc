#include "raft/ready.h"

#include <functional>
#include <memory>

#include "gtest/gtest.h"

namespace raft {
namespace {

raftpb::SnapshotPtr SomeSnapshot() {
  raftpb::Snapshot snapshot;
  snapshot.metadata.index = 5;
  snapshot.metadata.term = 2;
  snapshot.metadata.conf_state.voters = {1, 2, 3};
  return std::make_shared<const raftpb::Snapshot>(snapshot);
}

const raftpb::Message kHeartbeat{
    .type = raftpb::MessageType::kHeartbeat, .to = 2, .from = 1, .term = 1, .commit = 3};
const raftpb::Message kVote{.type = raftpb::MessageType::kVoteResp, .to = 10, .from = 1, .term = 1};

TEST(ReadyTest, IsDescribedInTheOrderOfItsParts) {
  Ready ready;
  ready.soft_state = SoftState{.lead = 10, .role = Role::kLeader};
  ready.hard_state = raftpb::HardState{.term = 2, .vote = 1, .commit = 4};
  ready.read_states = {{.index = 11, .context = absl::Cord("ctx")}, {.index = 12, .context = {}}};
  ready.entries = {raftpb::Entry{.term = 2, .index = 6, .data = absl::Cord("a")},
                   raftpb::Entry{.term = 2, .index = 7}};
  ready.snapshot = SomeSnapshot();
  ready.committed_entries = {raftpb::Entry{.term = 1, .index = 4, .data = absl::Cord("b")}};
  ready.messages = {kHeartbeat};
  ready.messages_after_write = {kVote};
  ready.must_sync = true;
  EXPECT_EQ(Describe(ready),
            "Ready MustSync=true:\n"
            "Lead:10 State:StateLeader\n"
            "HardState Term:2 Vote:1 Commit:4\n"
            "ReadStates [{11 [99 116 120]} {12 []}]\n"
            "Entries:\n"
            "2/6 EntryNormal \"a\"\n"
            "2/7 EntryNormal \"\"\n"
            "Snapshot Index:5 Term:2 ConfState:Voters:[1 2 3] VotersOutgoing:[] Learners:[]"
            " LearnersNext:[] AutoLeave:false\n"
            "CommittedEntries:\n"
            "1/4 EntryNormal \"b\"\n"
            "Messages:\n"
            "1->2 MsgHeartbeat Term:1 Log:0/0 Commit:3\n"
            "1->a MsgVoteResp Term:1 Log:0/0\n");
}

TEST(ReadyTest, BytesOfAContextAreUnsigned) {
  Ready ready;
  ready.read_states = {{.index = 1, .context = absl::Cord("\xff\x80")}};
  EXPECT_EQ(Describe(ready), "Ready MustSync=false:\nReadStates [{1 [255 128]}]\n");
}

TEST(ReadyTest, IsEmptyWithoutAnyPart) {
  const std::function<void(Ready&)> parts[] = {
      [](Ready& r) { r.soft_state = SoftState{}; },
      [](Ready& r) { r.hard_state = raftpb::HardState{.term = 1}; },
      [](Ready& r) { r.read_states = {{.index = 1, .context = {}}}; },
      [](Ready& r) { r.entries = {raftpb::Entry{}}; },
      [](Ready& r) { r.snapshot = SomeSnapshot(); },
      [](Ready& r) { r.committed_entries = {raftpb::Entry{}}; },
      [](Ready& r) { r.messages = {kVote}; },
      [](Ready& r) { r.messages_after_write = {kVote}; },
  };
  Ready ready;
  EXPECT_TRUE(ready.empty());
  EXPECT_EQ(Describe(ready), "<empty Ready>");
  for (const auto& add : parts) {
    add(ready);
    ready.must_sync = true;
    EXPECT_FALSE(ready.empty());
    EXPECT_NE(Describe(ready), "<empty Ready>");
    ready.Clear();
    EXPECT_TRUE(ready.empty());
    EXPECT_FALSE(ready.must_sync);
  }
}

TEST(ReadyTest, RolesHaveNames) {
  EXPECT_EQ(Name(Role::kFollower), "StateFollower");
  EXPECT_EQ(Name(Role::kCandidate), "StateCandidate");
  EXPECT_EQ(Name(Role::kLeader), "StateLeader");
  EXPECT_EQ(Name(Role::kPreCandidate), "StatePreCandidate");
  EXPECT_EQ(Describe(SoftState{}), "Lead:0 State:StateFollower");
}

}  // namespace
}  // namespace raft
