#include "raftpb/describe.h"

#include <memory>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "raftpb/raft.pb.h"
#include "raftpb/wire.h"

namespace raftpb {
namespace {

using enum MessageType;

Entry Normal(Term term, Index index, absl::string_view data) {
  return {.term = term, .index = index, .data = absl::Cord(data)};
}

template <typename Change>
Entry Changing(Term term, Index index, EntryType type, const Change& change) {
  return {.term = term, .index = index, .type = type, .data = absl::Cord(Encode(change))};
}

const ConfChangeV2 kFourOperations = {.changes = {{ConfChangeType::kAddNode, 10},
                                                  {ConfChangeType::kAddLearnerNode, 2},
                                                  {ConfChangeType::kRemoveNode, 3},
                                                  {ConfChangeType::kUpdateNode, 4}}};

template <typename Enum>
void ExpectNamesOf(const google::protobuf::EnumDescriptor* schema) {
  for (int i = 0; i < schema->value_count(); ++i) {
    const auto* value = schema->value(i);
    EXPECT_EQ(Name(static_cast<Enum>(value->number())), value->name());
  }
  EXPECT_GT(schema->value_count(), 2);
}

TEST(Names, AreThoseOfTheSchema) {
  ExpectNamesOf<MessageType>(wire::MessageType_descriptor());
  ExpectNamesOf<EntryType>(wire::EntryType_descriptor());
  ExpectNamesOf<ConfChangeType>(wire::ConfChangeType_descriptor());
  ExpectNamesOf<ConfChangeTransition>(wire::ConfChangeTransition_descriptor());
  EXPECT_EQ(Name(kForgetLeader), "MsgForgetLeader");
}

TEST(Names, OfUnknownValuesAreNumbers) {
  EXPECT_EQ(Name(static_cast<MessageType>(99)), "99");
  EXPECT_EQ(Name(static_cast<EntryType>(-1)), "-1");
  EXPECT_EQ(Name(static_cast<ConfChangeType>(4)), "4");
  EXPECT_EQ(Name(static_cast<ConfChangeTransition>(3)), "3");
}

TEST(Hex, HasNoPrefix) {
  EXPECT_EQ(Hex(0), "0");
  EXPECT_EQ(Hex(255), "ff");
  EXPECT_EQ(Hex(kLocalAppendThread), "ffffffffffffffff");
}

TEST(Quoted, ShowsWhatCanBeShown) {
  struct {
    const char* name;
    absl::string_view bytes, text;
  } cases[] = {
      {"nothing", "", R"("")"},
      {"ASCII", "a b~", R"("a b~")"},
      {"quote and backslash", R"("\')", R"("\"\\'")"},
      {"letters", "\a\b\f\n\r\t\v", R"("\a\b\f\n\r\t\v")"},
      {"controls", absl::string_view("\0\x1f\x7f", 3), R"("\x00\x1f\x7f")"},
      {"Latin", "h\u00e9", "\"h\u00e9\""},
      {"CJK", "\u7b4f", "\"\u7b4f\""},
      {"symbol beyond 16 bits", "\U0001f6f6", "\"\U0001f6f6\""},
      {"combining mark", "e\u0301", "\"e\u0301\""},
      {"replacement character", "\ufffd", "\"\ufffd\""},
      {"new in Unicode 15", "\U0001fae8", "\"\U0001fae8\""},
      {"C1 control", "\u0085", R"("\u0085")"},
      {"no-break space", "\u00a0", R"("\u00a0")"},
      {"soft hyphen", "\u00ad", R"("\u00ad")"},
      {"zero width joiner", "\u200d", R"("\u200d")"},
      {"line separator", "\u2028", R"("\u2028")"},
      {"private use", "\ue000", R"("\ue000")"},
      {"byte order mark", "\ufeff", R"("\ufeff")"},
      {"noncharacter", "\uffff", R"("\uffff")"},
      {"tag character", "\U000e0001", R"("\U000e0001")"},
      {"last code point", "\U0010ffff", R"("\U0010ffff")"},
      {"lonely continuation", "\x80", R"("\x80")"},
      {"cut sequence", "\xe7\xad", R"("\xe7\xad")"},
      {"cut by ASCII",
       "\xe7\xad"
       "a",
       R"("\xe7\xada")"},
      {"two bytes for ASCII", "\xc1\x81", R"("\xc1\x81")"},
      {"three bytes for Latin", "\xe0\x83\xa9", R"("\xe0\x83\xa9")"},
      {"four bytes for CJK", "\xf0\x87\xad\x8f", R"("\xf0\x87\xad\x8f")"},
      {"surrogate", "\xed\xa0\x80", R"("\xed\xa0\x80")"},
      {"beyond the last", "\xf4\x90\x80\x80", R"("\xf4\x90\x80\x80")"},
      {"five bytes", "\xf8\x88\x80\x80\x80", R"("\xf8\x88\x80\x80\x80")"},
      {"never in UTF-8", "\xff", R"("\xff")"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Quoted(c.bytes), c.text) << c.name;
    EXPECT_EQ(Quoted(absl::Cord(c.bytes)), c.text) << c.name;
  }
}

TEST(DescribeEntry, GivesPositionTypeAndPayload) {
  struct {
    const char* name;
    Entry entry;
    const char* text;
  } cases[] = {
      {"empty", Normal(1, 3, ""), R"(1/3 EntryNormal "")"},
      {"payload", Normal(1, 3, "x\n"), R"(1/3 EntryNormal "x\n")"},
      {"unknown type", {.term = 1, .index = 2, .type = static_cast<EntryType>(7)}, R"(1/2 7 "")"},
      {"v1",
       Changing(1, 4, EntryType::kConfChange,
                ConfChange{.type = ConfChangeType::kAddLearnerNode, .node_id = 16}),
       "1/4 EntryConfChange l16"},
      {"v2", Changing(1, 4, EntryType::kConfChangeV2, kFourOperations),
       "1/4 EntryConfChangeV2 v10 l2 r3 u4"},
      {"v2 without operations", Changing(1, 5, EntryType::kConfChangeV2, ConfChangeV2()),
       "1/5 EntryConfChangeV2"},
      {"v2 of an unknown kind",
       Changing(1, 5, EntryType::kConfChangeV2,
                ConfChangeV2{.changes = {{static_cast<ConfChangeType>(9), 1}}}),
       "1/5 EntryConfChangeV2 ?1"},
      {"malformed",
       {.term = 1, .index = 5, .type = EntryType::kConfChangeV2, .data = absl::Cord("\n")},
       R"(1/5 EntryConfChangeV2 malformed "\n")"},
  };
  for (const auto& c : cases) EXPECT_EQ(Describe(c.entry), c.text) << c.name;
}

TEST(DescribeEntries, TakeALineEach) {
  EXPECT_EQ(Describe(EntryList()), "");
  EXPECT_EQ(Describe(EntryList{Normal(1, 3, "a"), Normal(1, 4, "b")}),
            "1/3 EntryNormal \"a\"\n1/4 EntryNormal \"b\"\n");
}

TEST(DescribeMessage, FitsALineMostly) {
  struct {
    const char* name;
    Message message;
    const char* text;
  } cases[] = {
      {"nothing", {}, "None->None MsgHup Term:0 Log:0/0"},
      {"hexadecimal ids",
       {.type = kVote, .to = 11, .from = 255, .term = 10, .log_term = 9, .index = 12},
       "ff->b MsgVote Term:10 Log:9/12"},
      {"storage threads",
       {.type = kStorageAppend, .to = kLocalAppendThread, .from = 1, .commit = 10, .vote = 255},
       "1->AppendThread MsgStorageAppend Term:0 Log:0/0 Commit:10 Vote:255"},
      {"from a storage thread",
       {.type = kStorageApplyResp, .to = 1, .from = kLocalApplyThread},
       "ApplyThread->1 MsgStorageApplyResp Term:0 Log:0/0"},
      {"rejection",
       {.type = kAppResp,
        .to = 1,
        .from = 2,
        .term = 3,
        .index = 7,
        .reject = true,
        .reject_hint = 5},
       "2->1 MsgAppResp Term:3 Log:0/7 Rejected (Hint: 5)"},
      {"rejection without hint",
       {.type = kVoteResp, .to = 1, .from = 2, .term = 3, .reject = true},
       "2->1 MsgVoteResp Term:3 Log:0/0 Rejected (Hint: 0)"},
      {"hint without rejection",
       {.type = kAppResp, .to = 1, .from = 2, .term = 3, .reject_hint = 5},
       "2->1 MsgAppResp Term:3 Log:0/0"},
      {"one entry",
       {.type = kApp,
        .to = 2,
        .from = 1,
        .term = 1,
        .log_term = 1,
        .index = 3,
        .entries = {Normal(1, 4, "a b")},
        .commit = 4},
       R"(1->2 MsgApp Term:1 Log:1/3 Commit:4 Entries:[1/4 EntryNormal "a b"])"},
      {"context, which is not shown",
       {.type = kHeartbeat, .to = 2, .from = 1, .term = 1, .context = absl::Cord("context")},
       "1->2 MsgHeartbeat Term:1 Log:0/0"},
      {"a snapshot without index, which is none",
       {.type = kSnap, .to = 2, .from = 1, .snapshot = std::make_shared<const Snapshot>()},
       "1->2 MsgSnap Term:0 Log:0/0"},
  };
  for (const auto& c : cases) EXPECT_EQ(Describe(c.message), c.text) << c.name;
}

TEST(DescribeMessage, GivesEntriesTheirOwnLines) {
  const Message message = {
      .type = kApp,
      .to = 2,
      .from = 1,
      .term = 1,
      .log_term = 1,
      .index = 3,
      .entries = {Changing(1, 4, EntryType::kConfChangeV2, kFourOperations), Normal(2, 5, "")},
      .commit = 4};
  EXPECT_EQ(Describe(message),
            "1->2 MsgApp Term:1 Log:1/3 Commit:4 Entries:[\n"
            "  1/4 EntryConfChangeV2 v10 l2 r3 u4\n"
            "  2/5 EntryNormal \"\"\n"
            "]");
}

SnapshotPtr SnapshotAt(Term term, Index index) {
  return std::make_shared<const Snapshot>(
      Snapshot{.metadata = {.conf_state = {.voters = {1, 20}}, .index = index, .term = term}});
}

TEST(DescribeMessage, GivesASnapshotItsOwnLine) {
  EXPECT_EQ(Describe({.type = kSnap, .to = 3, .from = 1, .term = 1, .snapshot = SnapshotAt(1, 11)}),
            "1->3 MsgSnap Term:1 Log:0/0\n"
            "  Snapshot: Index:11 Term:1 ConfState:Voters:[1 20] VotersOutgoing:[] Learners:[] "
            "LearnersNext:[] AutoLeave:false");
}

// Everything of a response moves to the right with it.
TEST(DescribeMessage, IndentsResponses) {
  const EntryList two = {Normal(1, 4, "a"), Normal(1, 5, "b")};
  Message append = {.type = kStorageAppend, .to = kLocalAppendThread, .from = 1, .entries = two};
  append.responses = {
      {.type = kAppResp, .to = 2, .from = 1, .term = 1, .index = 5},
      {.type = kStorageApply,
       .to = kLocalApplyThread,
       .from = 1,
       .entries = two,
       .snapshot = SnapshotAt(1, 3),
       .responses = {{.type = kStorageApplyResp, .to = 1, .from = kLocalApplyThread}}},
  };
  EXPECT_EQ(Describe(append),
            "1->AppendThread MsgStorageAppend Term:0 Log:0/0 Entries:[\n"
            "  1/4 EntryNormal \"a\"\n"
            "  1/5 EntryNormal \"b\"\n"
            "] Responses:[\n"
            "  1->2 MsgAppResp Term:1 Log:0/5\n"
            "  1->ApplyThread MsgStorageApply Term:0 Log:0/0 Entries:[\n"
            "    1/4 EntryNormal \"a\"\n"
            "    1/5 EntryNormal \"b\"\n"
            "  ]\n"
            "    Snapshot: Index:3 Term:1 ConfState:Voters:[1 20] VotersOutgoing:[] Learners:[] "
            "LearnersNext:[] AutoLeave:false Responses:[\n"
            "    ApplyThread->1 MsgStorageApplyResp Term:0 Log:0/0\n"
            "  ]\n"
            "]");
}

TEST(DescribeStates, AreInDecimal) {
  EXPECT_EQ(Describe(HardState{.term = 1, .commit = 10}), "Term:1 Commit:10");
  EXPECT_EQ(Describe(HardState{.term = 1, .vote = 16, .commit = 10}), "Term:1 Vote:16 Commit:10");
  EXPECT_EQ(Describe(ConfState{.voters = {3, 1},
                               .learners = {16},
                               .voters_outgoing = {1, 2},
                               .learners_next = {2},
                               .auto_leave = true}),
            "Voters:[3 1] VotersOutgoing:[1 2] Learners:[16] LearnersNext:[2] AutoLeave:true");
  EXPECT_EQ(Describe(*SnapshotAt(2, 11)),
            "Index:11 Term:2 ConfState:Voters:[1 20] VotersOutgoing:[] Learners:[] "
            "LearnersNext:[] AutoLeave:false");
}

TEST(DescribeChange, NamesEverything) {
  EXPECT_EQ(Describe(ConfChangeV2()), "transition:ConfChangeTransitionAuto");
  EXPECT_EQ(Describe(ConfChangeV2{
                .transition = ConfChangeTransition::kJointExplicit,
                .changes = {{ConfChangeType::kAddNode, 10}, {ConfChangeType::kRemoveNode, 2}},
                .context = absl::Cord("why\n")}),
            "transition:ConfChangeTransitionJointExplicit"
            " changes:{type:ConfChangeAddNode node_id:10}"
            " changes:{type:ConfChangeRemoveNode node_id:2} context:\"why\\n\"");
  EXPECT_EQ(
      Describe(ConfChange{.type = ConfChangeType::kAddLearnerNode, .node_id = 3}.AsV2()),
      "transition:ConfChangeTransitionAuto changes:{type:ConfChangeAddLearnerNode node_id:3}");
}

TEST(Notation, IsThatOfScripts) {
  EXPECT_EQ(Notation(kFourOperations.changes), "v10 l2 r3 u4");
  EXPECT_EQ(Notation({}), "");
}

}  // namespace
}  // namespace raftpb
