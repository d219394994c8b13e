// No message can crash a server or make it break a promise. Whatever arrives, Step answers with Ok
// or with a reason, and where there is a reason nothing has changed: each hostile message is tried
// on a follower, a candidate, a pre-candidate and a leader, and everything a message could change
// is compared.
//
// One thing is let in on purpose: appends, heartbeats and snapshots from servers outside the known
// configuration. A server learns its membership from the log, so one that has not applied the entry
// which adds its leader must follow that leader all the same (§4.2.2). That `from` is who it claims
// to be is for the transport to make sure.
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "raft/errors.h"
#include "raft/testing/cluster.h"
#include "raft/testing/photo.h"
#include "raftpb/describe.h"

namespace raft {
namespace {

using raftpb::EntryType;
using raftpb::Message;
using raftpb::MessageType;
using testing::Cluster;
using testing::ClusterOptions;
using ::testing::ElementsAre;
using testing::EntriesOfTerms;
using ::testing::IsEmpty;
using testing::Photo;

constexpr uint64_t k2To63 = uint64_t{1} << 63;
constexpr uint64_t kHighest = std::numeric_limits<uint64_t>::max();

// Server 1 of three in term 5, its log ends with entry 5/6, and it knows four entries to be
// committed.
std::unique_ptr<Cluster> InRole(Role role) {
  ClusterOptions options;
  options.configure = [role](Config& config) {
    config.pre_vote = role == Role::kPreCandidate;
    config.check_quorum = false;
  };
  options.prepare = [role](NodeId id, storage::MemoryStorage& storage) {
    if (id != 1) return;
    const bool elected = role == Role::kLeader;  // Then the last entry is made by winning.
    EXPECT_TRUE(storage
                    .Append(EntriesOfTerms(elected ? std::vector<Term>{1, 1, 2, 2, 4}
                                                   : std::vector<Term>{1, 1, 2, 2, 4, 5}))
                    .ok());
    const bool raises = role == Role::kLeader || role == Role::kCandidate;
    storage.SetHardState({.term = raises ? 4u : 5u, .commit = 4});
  };
  auto group = std::make_unique<Cluster>(std::move(options));
  group->ExpectNoSafety();  // Peers are played.
  if (role == Role::kFollower) {
    group->Receive({.type = MessageType::kHeartbeat, .to = 1, .from = 2, .term = 5, .commit = 4});
  } else {
    group->TimeOut(1);
  }
  group->Flush(1);
  if (role == Role::kLeader) {
    group->Receive({.type = MessageType::kVoteResp, .to = 1, .from = 2, .term = 5});
    group->Flush(1);
  }
  EXPECT_EQ(group->raft(1).role(), role);
  EXPECT_EQ(group->raft(1).term(), 5);
  EXPECT_EQ(group->raft(1).log().LastId(), (EntryId{5, 6}));
  return group;
}

constexpr Role kRoles[] = {Role::kFollower, Role::kPreCandidate, Role::kCandidate, Role::kLeader};

using Verdict = bool (*)(const absl::Status&);

struct Hostile {
  std::string name;
  Message message;
  Verdict verdict = IsInvalidMessage;
};

void ExpectRefused(const std::vector<Hostile>& cases, const std::vector<Role>& roles) {
  for (Role role : roles) {
    const std::unique_ptr<Cluster> group = InRole(role);
    const std::string before = Photo(group->raft(1));
    for (const Hostile& c : cases) {
      const absl::Status status = group->Step(1, c.message);
      EXPECT_TRUE(c.verdict(status)) << c.name << " at " << Name(role) << ": " << status;
      ASSERT_EQ(Photo(group->raft(1)), before) << c.name << " at " << Name(role);
      EXPECT_FALSE(group->node(1).HasReady()) << c.name << " at " << Name(role);
    }
  }
}

void ExpectRefused(const std::vector<Hostile>& cases) {
  ExpectRefused(cases, {std::begin(kRoles), std::end(kRoles)});
}

// A well-formed message of each type that may come from the network, of the current term.
std::vector<Message> GoodMessages() {
  std::vector<Message> good;
  for (MessageType type :
       {MessageType::kProp, MessageType::kApp, MessageType::kAppResp, MessageType::kVote,
        MessageType::kVoteResp, MessageType::kSnap, MessageType::kHeartbeat,
        MessageType::kHeartbeatResp, MessageType::kTransferLeader, MessageType::kTimeoutNow,
        MessageType::kReadIndex, MessageType::kReadIndexResp, MessageType::kPreVote,
        MessageType::kPreVoteResp}) {
    Message m = {.type = type, .to = 1, .from = 2, .term = 5};
    if (type == MessageType::kProp || type == MessageType::kReadIndex ||
        type == MessageType::kReadIndexResp) {
      m.entries = {{.data = absl::Cord("x")}};
    }
    if (type == MessageType::kProp || type == MessageType::kReadIndex) m.term = 0;
    good.push_back(std::move(m));
  }
  return good;
}

TEST(Door, LocalMessagesDoNotComeFromTheNetwork) {
  std::vector<Hostile> cases;
  for (MessageType type :
       {MessageType::kHup, MessageType::kBeat, MessageType::kUnreachable, MessageType::kSnapStatus,
        MessageType::kCheckQuorum, MessageType::kStorageAppend, MessageType::kStorageAppendResp,
        MessageType::kStorageApply, MessageType::kStorageApplyResp, MessageType::kForgetLeader}) {
    for (NodeId from : {NodeId{2}, kLocalAppendThread, kLocalApplyThread, NodeId{1}, kNone}) {
      for (Term term : {0, 5, 6}) {
        const Message m = {.type = type,
                           .to = 1,
                           .from = from,
                           .term = term,
                           .log_term = 5,
                           .index = 6,
                           .entries = EntriesOfTerms({1, 1, 2, 2, 4, 5})};
        cases.push_back({raftpb::Describe(m), m, IsLocalMessageError});
      }
    }
  }
  ExpectRefused(cases);
}

TEST(Door, UnknownTypesAreRefused) {
  std::vector<Hostile> cases;
  for (int32_t type : {24, 25, 1000, -1, std::numeric_limits<int32_t>::max(),
                       std::numeric_limits<int32_t>::min()}) {
    cases.push_back(
        {absl::StrCat("type ", type), {.type = MessageType{type}, .to = 1, .from = 2, .term = 9}});
  }
  ExpectRefused(cases);
}

TEST(Door, MessagesForAnotherServerAreRefused) {
  std::vector<Hostile> cases;
  for (Message m : GoodMessages()) {
    m.to = 3;
    cases.push_back({raftpb::Describe(m), m});
  }
  ExpectRefused(cases);
}

TEST(Door, NobodyButAServerSends) {
  std::vector<Hostile> cases;
  for (NodeId from : {kNone, kLocalAppendThread, kLocalApplyThread}) {
    for (Message m : GoodMessages()) {
      m.from = from;
      cases.push_back({raftpb::Describe(m), m});
    }
  }
  ExpectRefused(cases);
}

TEST(Door, AServerDoesNotSendToItself) {
  std::vector<Hostile> cases;
  for (Message m : GoodMessages()) {
    // Requests that are forwarded keep the name of whom they concern, and may come back.
    if (m.type == MessageType::kProp || m.type == MessageType::kReadIndex ||
        m.type == MessageType::kTransferLeader) {
      continue;
    }
    m.from = 1;
    cases.push_back({raftpb::Describe(m), m});
  }
  ExpectRefused(cases);
}

TEST(Door, ResponsesComeFromMembersOnly) {
  std::vector<Hostile> cases;
  for (Message m : GoodMessages()) {
    if (!raftpb::IsResponse(m.type)) continue;
    m.from = 7;
    for (Term term : {4, 5, 6}) {
      m.term = term;
      cases.push_back({raftpb::Describe(m), m, IsPeerNotFound});
    }
  }
  EXPECT_EQ(cases.size(), 15);
  ExpectRefused(cases);
}

TEST(Door, NobodyAsksForResponsesToBeSent) {
  std::vector<Hostile> cases;
  for (Message m : GoodMessages()) {
    m.responses.push_back({.type = MessageType::kVoteResp, .to = 3, .from = 1, .term = 9});
    cases.push_back({raftpb::Describe(m), m});
  }
  ExpectRefused(cases);
}

TEST(Door, ATermIsNeverZero) {
  std::vector<Hostile> cases;
  for (Message m : GoodMessages()) {
    if (m.term == 0 || m.type == MessageType::kTransferLeader) continue;
    m.term = 0;
    cases.push_back({raftpb::Describe(m), m});
  }
  ExpectRefused(cases);
}

TEST(Door, NumbersStayFarFromTheirEnd) {
  std::vector<Hostile> cases;
  for (const Message& good : GoodMessages()) {
    for (uint64_t Message::*field : {&Message::term, &Message::log_term}) {
      Message m = good;
      m.*field = kHighest;
      cases.push_back({raftpb::Describe(m), m});
    }
    for (uint64_t number : {k2To63 + 1, kHighest - 1, kHighest}) {
      for (uint64_t Message::*field : {&Message::index, &Message::commit, &Message::reject_hint}) {
        Message m = good;
        m.*field = number;
        cases.push_back({raftpb::Describe(m), m});
      }
    }
  }
  ExpectRefused(cases);
}

TEST(Door, TheHighestTermCanBeReachedAndNotPassed) {
  const std::unique_ptr<Cluster> group = InRole(Role::kFollower);
  group->Receive({.type = MessageType::kHeartbeat, .to = 1, .from = 2, .term = kMaxTerm});
  EXPECT_EQ(group->raft(1).term(), kMaxTerm);
  group->TimeOut(1);
  EXPECT_EQ(group->raft(1).role(), Role::kFollower) << "there is no later term to campaign in";
  ASSERT_TRUE(group->node(1).Campaign().ok());
  group->Receive({.type = MessageType::kTimeoutNow, .to = 1, .from = 2, .term = kMaxTerm});
  EXPECT_EQ(group->raft(1).role(), Role::kFollower);
  EXPECT_EQ(group->raft(1).term(), kMaxTerm);
}

// --- Appends -------------------------------------------------------------------------------------

Message Append(EntryId previous, raftpb::EntryList entries) {
  return {.type = MessageType::kApp,
          .to = 1,
          .from = 2,
          .term = 5,
          .log_term = previous.term,
          .index = previous.index,
          .entries = std::move(entries)};
}

TEST(Door, AppendsThatNoLeaderSends) {
  ExpectRefused({
      {"a gap behind the previous entry", Append({5, 6}, {{.term = 5, .index = 8}})},
      {"a gap between entries", Append({5, 6}, {{.term = 5, .index = 7}, {.term = 5, .index = 9}})},
      {"the same index twice", Append({5, 6}, {{.term = 5, .index = 7}, {.term = 5, .index = 7}})},
      {"falling indexes", Append({5, 6}, {{.term = 5, .index = 7}, {.term = 5, .index = 6}})},
      {"index 0", Append({0, 0}, {{.term = 1, .index = 0}})},
      {"an entry at the previous index", Append({5, 6}, {{.term = 5, .index = 6}})},
      {"an entry before the previous index", Append({5, 6}, {{.term = 5, .index = 3}})},
      {"an entry without a term", Append({0, 0}, {{.term = 0, .index = 1}})},
      {"an entry of a later term than the message", Append({5, 6}, {{.term = 6, .index = 7}})},
      {"falling terms", Append({4, 5}, {{.term = 5, .index = 6}, {.term = 4, .index = 7}})},
      {"an earlier term than the previous entry", Append({5, 6}, {{.term = 4, .index = 7}})},
      {"a previous entry of a later term", Append({6, 6}, {})},
      {"entries beyond 2^63", Append({5, k2To63}, {{.term = 5, .index = k2To63 + 1}})},
      {"the last index of all", Append({5, kHighest}, {{.term = 5, .index = 0}})},
  });
}

// The leader's log equals ours up to our commit index, or nobody would have told us: what is below
// is not even looked at.
TEST(Door, NothingBelowTheCommitIndexIsEverReplaced) {
  const std::unique_ptr<Cluster> group = InRole(Role::kFollower);
  const std::vector<Term> log = group->TermsOf(1);
  group->Receive(Append({1, 2}, {{.term = 5, .index = 3}, {.term = 5, .index = 4}}));
  EXPECT_EQ(group->TermsOf(1), log);
  const std::vector<Message> sent = group->Flush(1);
  ASSERT_EQ(sent.size(), 1);
  EXPECT_EQ(sent[0].index, 4) << "points the leader to the commit index";
  EXPECT_FALSE(sent[0].reject);
}

TEST(Door, AnAppendFarBehindTheEndIsARefusalAndNoMore) {
  const std::unique_ptr<Cluster> group = InRole(Role::kFollower);
  const std::vector<Term> log = group->TermsOf(1);
  group->Receive(Append({5, k2To63 - 1}, {{.term = 5, .index = k2To63}}));
  EXPECT_EQ(group->TermsOf(1), log);
  EXPECT_TRUE(group->Flush(1).at(0).reject);
}

// --- Heartbeats ----------------------------------------------------------------------------------

TEST(Door, ACommitIndexBeyondTheLogMeansALostTail) {
  for (Term term : {5, 6}) {
    for (Index commit : {Index{7}, Index{8}, k2To63}) {
      const Message m = {
          .type = MessageType::kHeartbeat, .to = 1, .from = 2, .term = term, .commit = commit};
      ExpectRefused({{raftpb::Describe(m), m, IsPromiseBroken}});
    }
  }
  // From a leader of the past it means nothing.
  const std::unique_ptr<Cluster> group = InRole(Role::kFollower);
  group->Receive({.type = MessageType::kHeartbeat, .to = 1, .from = 3, .term = 4, .commit = 99});
  EXPECT_EQ(group->raft(1).log().committed(), 4);
}

TEST(Door, AppendsMayNameACommitIndexBeyondTheirEntries) {
  const std::unique_ptr<Cluster> group = InRole(Role::kFollower);
  Message m = Append({5, 6}, {{.term = 5, .index = 7}});
  m.commit = k2To63;
  group->Receive(m);
  EXPECT_EQ(group->raft(1).log().committed(), 7);
}

// --- Answers to a leader -------------------------------------------------------------------------

TEST(Door, NobodyHasMoreOfALeadersLogThanTheLeader) {
  const Message ack = {.type = MessageType::kAppResp, .to = 1, .from = 2, .term = 5};
  std::vector<Hostile> cases;
  for (Index beyond : {Index{7}, Index{1000}, k2To63}) {
    Message m = ack;
    m.index = beyond;
    cases.push_back({"an acknowledgement beyond the end", m});
    m.reject = true;
    cases.push_back({"a refusal beyond the end", m});
    m = ack;
    m.reject = true;
    m.index = 6;
    m.log_term = 4;
    m.reject_hint = beyond;
    cases.push_back({"a hint beyond the end", m});
  }
  ExpectRefused(cases, {Role::kLeader});
}

TEST(Door, ReadConfirmationsAreNumbersThatTheLeaderGave) {
  std::vector<Hostile> cases;
  for (size_t length : {1, 2, 3, 4, 5, 6, 7, 9, 16, 1000}) {
    cases.push_back({absl::StrCat("a context of ", length, " bytes"),
                     {.type = MessageType::kHeartbeatResp,
                      .to = 1,
                      .from = 2,
                      .term = 5,
                      .context = absl::Cord(std::string(length, '\1'))}});
  }
  for (unsigned char number : {0, 1, 255}) {  // No read was asked for yet.
    cases.push_back({absl::StrCat("number ", number),
                     {.type = MessageType::kHeartbeatResp,
                      .to = 1,
                      .from = 2,
                      .term = 5,
                      .context = absl::Cord(std::string(1, static_cast<char>(number)) +
                                            std::string(7, '\0'))}});
  }
  ExpectRefused(cases, {Role::kLeader});
  // A lease needs no numbers: whatever they say is passed over.
  ClusterOptions options;
  options.configure = [](Config& config) { config.read_only = ReadOnlyOption::kLeaseBased; };
  Cluster group(std::move(options));
  group.Elect(1);
  group.Receive({.type = MessageType::kHeartbeatResp,
                 .to = 1,
                 .from = 2,
                 .term = 1,
                 .context = absl::Cord("abc")});
  EXPECT_THAT(group.reads(1), IsEmpty());
}

TEST(Door, AVoteOfAnotherKindDoesNotCount) {
  const std::unique_ptr<Cluster> group = InRole(Role::kCandidate);
  group->Receive({.type = MessageType::kPreVoteResp, .to = 1, .from = 2, .term = 5});
  group->Receive({.type = MessageType::kPreVoteResp, .to = 1, .from = 3, .term = 5});
  EXPECT_EQ(group->raft(1).role(), Role::kCandidate);
  for (int i = 0; i < 3; ++i) {  // One server's votes are one vote.
    group->Receive({.type = MessageType::kVoteResp, .to = 1, .from = 2, .term = 5, .reject = true});
  }
  EXPECT_EQ(group->raft(1).role(), Role::kCandidate);
}

// --- Proposals and reads -------------------------------------------------------------------------

Message Proposal(raftpb::EntryList entries) {
  return {.type = MessageType::kProp, .to = 1, .from = 3, .entries = std::move(entries)};
}

// Bytes that are no configuration change: a field that goes beyond the end.
absl::Cord Garbage() { return absl::Cord("\x08\x01\x1a\x7fxx"); }

TEST(Door, ProposalsThatCannotBeReadAreRefusedBeforeTheyAreInALog) {
  const raftpb::Entry good = {.data = absl::Cord("x")};
  ExpectRefused({
      {"no entries", Proposal({})},
      {"a change that cannot be read",
       Proposal({{.type = EntryType::kConfChange, .data = Garbage()}})},
      {"a change of the newer form",
       Proposal({{.type = EntryType::kConfChangeV2, .data = Garbage()}})},
      {"behind a good entry",
       Proposal({good, {.type = EntryType::kConfChangeV2, .data = Garbage()}})},
      {"a read without context", {.type = MessageType::kReadIndex, .to = 1, .from = 3}},
      {"a read with two contexts",
       {.type = MessageType::kReadIndex, .to = 1, .from = 3, .entries = {good, good}}},
  });
}

TEST(Door, TheSameHoldsForTheLocalCaller) {
  const std::unique_ptr<Cluster> group = InRole(Role::kLeader);
  const std::string before = Photo(group->raft(1));
  EXPECT_TRUE(IsInvalidMessage(group->node(1).Propose(absl::Span<const absl::Cord>())));
  EXPECT_EQ(Photo(group->raft(1)), before);
}

TEST(Door, PendingReadsAreBounded) {
  ClusterOptions options;
  options.configure = [](Config& config) { config.max_pending_reads = 3; };
  Cluster group(std::move(options));
  group.Elect(1);
  group.Isolate(1);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(group.node(1).ReadIndex(absl::Cord("r")).ok());
  const absl::Status refused = group.node(1).ReadIndex(absl::Cord("r"));
  ASSERT_TRUE(IsProposalDropped(refused));
  EXPECT_EQ(DropReasonOf(refused), DropReason::kOverQuota);
  group.Heal();
  group.Tick(1);
  group.Settle();
  EXPECT_EQ(group.reads(1).size(), 3);
  EXPECT_TRUE(group.node(1).ReadIndex(absl::Cord("r")).ok()) << "there is room again";
}

TEST(Door, ReadsBeforeTheFirstCommitAreBoundedToo) {
  ClusterOptions options;
  options.configure = [](Config& config) { config.max_pending_reads = 3; };
  Cluster group(std::move(options));
  group.Drop([](const Message& m) { return m.type == MessageType::kAppResp; });
  group.Elect(1);
  const auto ask = [&group] {
    return group.Step(1, {.type = MessageType::kReadIndex,
                          .to = 1,
                          .from = 2,
                          .entries = {{.data = absl::Cord("r")}}});
  };
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ask().ok());
  EXPECT_TRUE(IsProposalDropped(ask()));
}

TEST(Door, AnAnswerToAReadHasOneContext) {
  const std::unique_ptr<Cluster> group = InRole(Role::kFollower);
  for (size_t contexts : {0, 2}) {
    Message m = {.type = MessageType::kReadIndexResp, .to = 1, .from = 2, .term = 5, .index = 6};
    for (size_t i = 0; i < contexts; ++i) m.entries.PushBack({.data = absl::Cord("x")});
    group->Step(1, m).IgnoreError();
    EXPECT_THAT(group->raft(1).read_states(), IsEmpty()) << contexts;
  }
}

// --- Snapshots -----------------------------------------------------------------------------------

Message Snapshot(Index index, Term term, raftpb::ConfState conf_state) {
  return {.type = MessageType::kSnap,
          .to = 1,
          .from = 2,
          .term = 5,
          .snapshot = std::make_shared<raftpb::Snapshot>(raftpb::Snapshot{
              .metadata = {.conf_state = std::move(conf_state), .index = index, .term = term}})};
}

TEST(Door, SnapshotsThatDescribeNoGroupAreRefused) {
  const raftpb::ConfState good = {.voters = {1, 2, 3}};
  ExpectRefused({
      {"an index beyond 2^63", Snapshot(k2To63 + 1, 5, good)},
      {"the highest index", Snapshot(kHighest, 5, good)},
      {"no term", Snapshot(9, 0, good)},
      {"a later term than the message", Snapshot(9, 6, good)},
      {"a server twice", Snapshot(9, 5, {.voters = {1, 2, 2}})},
      {"server 0", Snapshot(9, 5, {.voters = {0, 1, 2}})},
      {"a storage thread", Snapshot(9, 5, {.voters = {1, 2, kLocalAppendThread}})},
      {"a learner that votes", Snapshot(9, 5, {.voters = {1, 2, 3}, .learners = {3}})},
      {"learners alone", Snapshot(9, 5, {.learners = {1, 2, 3}})},
      {"an outgoing half alone", Snapshot(9, 5, {.voters_outgoing = {1, 2, 3}})},
      {"a learner to be that is no outgoing voter",
       Snapshot(9, 5, {.voters = {1, 2}, .voters_outgoing = {1, 3}, .learners_next = {4}})},
      {"leaving what is not joint", Snapshot(9, 5, {.voters = {1, 2, 3}, .auto_leave = true})},
  });
}

// These are not wrong in themselves: the leader may have an outdated picture of us. It is answered
// where we stand.
TEST(Door, SnapshotsThatBringNothingChangeNothing) {
  Message without = Snapshot(9, 5, {});
  without.snapshot = nullptr;
  const struct {
    const char* name;
    Message message;
  } cases[] = {
      {"no snapshot at all", without},
      {"an empty one", Snapshot(0, 0, {})},
      {"below the commit index", Snapshot(3, 2, {.voters = {1, 2, 3}})},
      {"at the commit index", Snapshot(4, 2, {.voters = {1, 2, 3}})},
      {"without any member", Snapshot(9, 5, {})},
      {"of a group we are not in", Snapshot(9, 5, {.voters = {2, 3}})},
  };
  for (const auto& c : cases) {
    const std::unique_ptr<Cluster> group = InRole(Role::kFollower);
    const std::string before = Photo(group->raft(1));
    group->Receive(c.message);
    const std::vector<Message> sent = group->Flush(1);
    ASSERT_EQ(sent.size(), 1) << c.name;
    EXPECT_EQ(sent[0],
              (Message{.type = MessageType::kAppResp, .to = 2, .from = 1, .term = 5, .index = 4}))
        << c.name;
    EXPECT_EQ(Photo(group->raft(1)), before) << c.name;
  }
}

TEST(Door, ASnapshotAtTheHighestIndexLeavesNoRoomAndBreaksNothing) {
  const std::unique_ptr<Cluster> group = InRole(Role::kFollower);
  group->Receive(Snapshot(k2To63, 5, {.voters = {1}}));
  group->Flush(1);
  EXPECT_EQ(group->raft(1).log().LastIndex(), k2To63);
  group->TimeOut(1);
  group->Flush(1);
  group->Propose(1, "x").IgnoreError();
  group->Flush(1);
  EXPECT_GE(group->raft(1).log().LastIndex(), k2To63);
}

// --- Who may speak -------------------------------------------------------------------------------

TEST(Door, LeadersFromOutsideTheKnownConfigurationAreFollowed) {
  const std::unique_ptr<Cluster> group = InRole(Role::kFollower);
  Message m = Append({5, 6}, {{.term = 6, .index = 7}});
  m.from = 7;
  m.term = 6;
  group->Receive(m);
  EXPECT_EQ(group->raft(1).lead(), 7);
  EXPECT_EQ(group->raft(1).log().LastIndex(), 7);
  group->Receive({.type = MessageType::kHeartbeat, .to = 1, .from = 7, .term = 6, .commit = 7});
  EXPECT_EQ(group->raft(1).log().committed(), 7);
}

TEST(Door, AMessageMayLeaveItsReceiverUnnamed) {
  const std::unique_ptr<Cluster> group = InRole(Role::kFollower);
  EXPECT_TRUE(group->Step(1, {.type = MessageType::kHeartbeat, .from = 2, .term = 5}).ok());
}

// --- What is in the log already ------------------------------------------------------------------

TEST(Door, ACommittedChangeThatCannotBeReadIsTheSameNothingOnEveryServer) {
  for (EntryType type : {EntryType::kConfChange, EntryType::kConfChangeV2}) {
    ClusterOptions options;
    options.prepare = [type](NodeId, storage::MemoryStorage& storage) {
      const raftpb::EntryList entries = {{.term = 1, .index = 1, .type = type, .data = Garbage()}};
      EXPECT_TRUE(storage.Append(entries).ok());
      storage.SetHardState({.term = 1});
    };
    Cluster group(std::move(options));
    group.Elect(1);
    group.Commit("x");
    group.Tick(1);
    group.Settle();
    for (NodeId id : group.ids()) {
      EXPECT_THAT(group.commands(id), ElementsAre("x"));
      EXPECT_THAT(group.machine(id).conf_state.voters, ElementsAre(1, 2, 3));
    }
    EXPECT_FALSE(group.node(1).ApplyConfChange({.type = type, .data = Garbage()}).ok());
  }
}

// A change that can be read but not made: the same.
TEST(Door, AnImpossibleChangeIsAnErrorAndChangesNothing) {
  raftpb::ConfChangeV2 remove_all;
  for (NodeId id : {1, 2, 3}) {
    remove_all.changes.push_back({raftpb::ConfChangeType::kRemoveNode, id});
  }
  raftpb::ConfChangeV2 unknown = testing::AddVoter(4);
  unknown.changes[0].type = raftpb::ConfChangeType{17};
  const raftpb::ConfChangeV2 cases[] = {
      {}, remove_all, unknown, testing::AddVoter(kLocalAppendThread)};
  for (const raftpb::ConfChangeV2& change : cases) {
    for (Role role : kRoles) {
      const std::unique_ptr<Cluster> group = InRole(role);
      const std::string before = Photo(group->raft(1));
      EXPECT_FALSE(group->node(1).ApplyConfChange(change).ok()) << raftpb::Describe(change);
      EXPECT_EQ(Photo(group->raft(1)), before);
    }
  }
}

}  // namespace
}  // namespace raft
