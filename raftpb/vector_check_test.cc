#include "raftpb/vector_check.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace raftpb {
namespace {

TEST(CheckEncoding, AcceptsWhatIsRight) {
  for (const char* line : {
           "HardState\t\t\t080010001800",
           "HardState\tterm:3 commit:0\t08031800\t080310001800",
           "Entry\tType:EntryConfChange Index:300 Data:\"a\\x00\\xff\"\t080118ac0222036100ff\t=",
           "Entry\tType:7 Data:\"x\"*3\t08072203787878\t=",
           "Entry\tData:\"\"\t2200\t0800100018002200",
           "SnapshotMetadata\tconf_state:{}\t0a00\t0a02280010001800",
           "Snapshot\tmetadata:{conf_state:{voters:1 voters:2}}\t12060a0408010802\t=",
           "Message\tentries:{Term:1} entries:{} responses:{to:2}\t3a0210013a0072021002\t=",
           "Message\treject:true context:\"c\" snapshot:{}\t4a005001620163\t=",
           "Message\ttype:MsgAppResp to:1 from:2 term:3 logTerm:4 index:5 commit:8 rejectHint:11 "
           "vote:13\t0804100118022003280430054008580b680d\t=",
           "ConfState\tvoters:1 learners:2 voters_outgoing:3 learners_next:4 auto_leave:false\t"
           "0801100218032004\t08011002180320042800",
           "SnapshotMetadata\tindex:2 term:3\t10021803\t0a02280010021803",
           "ConfChange\tid:1 type:ConfChangeUpdateNode node_id:3 "
           "context:\"c\"\t080110021803220163\t=",
           "ConfChangeV2\tchanges:{type:ConfChangeAddLearnerNode node_id:4}\t120408031004\t=",
       }) {
    EXPECT_EQ(CheckEncoding(line), "") << line;
  }
}

TEST(CheckEncoding, ObjectsToWhatIsWrong) {
  struct {
    const char* line;
    const char* problem;
  } cases[] = {
      {"HardState\tterm:4\t0803\t=", "first encoding: means something else"},
      {"HardState\tterm:3\t0803\t0804", "second encoding: means something else"},
      {"HardState\tterm:3\t08\t0803", "first encoding: malformed"},
      {"HardState\tterm:3\t\t=", "first encoding: means something else"},
      {"Message\tentries:{Term:1}\t3a0210013a00\t=", "first encoding: means something else"},
      {"HardState\tterm:3\t080\t=", "not hexadecimal"},
      {"HardState\tterm:3\t080x\t=", "not hexadecimal"},
      {"HardState\tterm:3\t0803", "not four columns"},
      {"HardState\tlogTerm:3\t0803\t=", "no such field: logTerm"},
      {"HardState\tterm:x\t0803\t=", "not a number: x"},
      {"HardState\tterm:3}\t0803\t=", "something behind the end"},
      {"Message\tentries:{Term:1\t3a021001\t=", "a message without end"},
      {"Message\ttype:MsgNone\t0803\t=", "no such name: MsgNone"},
      {"Entry\tData:\"a\t220161\t=", "a string without end"},
      {"State\t\t\t", "no such type: State"},
  };
  for (const auto& c : cases) {
    EXPECT_TRUE(absl::StrContains(CheckEncoding(c.line), c.problem))
        << c.line << ": " << CheckEncoding(c.line);
  }
}

TEST(CheckDecoding, KnowsErrorsFromValues) {
  EXPECT_EQ(CheckDecoding("HardState\t180508031001\tterm:3 vote:1 commit:5\tany order"), "");
  EXPECT_EQ(CheckDecoding("HardState\t08\tERROR\tno value"), "");
  EXPECT_EQ(CheckDecoding("HardState\t0801\tERROR\t"), "was decoded without an error");
  EXPECT_TRUE(absl::StartsWith(CheckDecoding("HardState\t08\tterm:1\t"), "malformed bytes"));
  EXPECT_TRUE(absl::StartsWith(CheckDecoding("HardState\t0801\tterm:2\t"), "means something else"));
}

}  // namespace
}  // namespace raftpb
