// Reads are released in order, each once, and only by confirmations from a quorum that were given
// after they arrived; whatever else a context says is no confirmation.
#include "raft/read_index_queue.h"

#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "raft/test_random.h"

namespace raft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr NodeId kSelf = 1;

quorum::Joint Voters(std::vector<NodeId> incoming, std::vector<NodeId> outgoing = {}) {
  return {quorum::Majority(incoming), quorum::Majority(outgoing)};
}

ReadRequest Request(const std::string& context) { return {kSelf, absl::Cord(context)}; }

struct Released {
  std::string context;
  Index index;
};

std::vector<Released> Release(ReadIndexQueue& queue, const quorum::Joint& voters) {
  std::vector<Released> released;
  queue.Release(voters, [&released](ReadRequest&& read, Index index) {
    released.push_back({std::string(read.context), index});
  });
  return released;
}

std::vector<std::string> Contexts(const std::vector<Released>& reads) {
  std::vector<std::string> contexts;
  for (const Released& read : reads) contexts.push_back(read.context);
  return contexts;
}

// What a follower sends back.
uint64_t Number(const ReadIndexQueue& queue) {
  return queue.ParseContext(queue.HeartbeatContext()).value();
}

TEST(ReadIndexQueue, HeartbeatsCarryTheNumberOfTheNewestRead) {
  ReadIndexQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.HeartbeatContext().empty()) << "nothing to confirm";
  queue.Push(Request("a"), 5, kSelf);
  EXPECT_EQ(queue.HeartbeatContext(), std::string("\1\0\0\0\0\0\0\0", 8));
  for (int i = 0; i < 299; ++i) queue.Push(Request("b"), 5, kSelf);
  EXPECT_EQ(queue.HeartbeatContext(), std::string("\x2c\1\0\0\0\0\0\0", 8));  // 300
  EXPECT_EQ(queue.size(), 300);
}

TEST(ReadIndexQueue, AMajorityReleasesInOrder) {
  ReadIndexQueue queue;
  queue.Push(Request("a"), 5, kSelf);
  queue.Push(Request("b"), 6, kSelf);
  EXPECT_THAT(Release(queue, Voters({1, 2, 3})), IsEmpty()) << "the leader alone";
  queue.Confirm(2, 2);
  const std::vector<Released> released = Release(queue, Voters({1, 2, 3}));
  EXPECT_THAT(Contexts(released), ElementsAre("a", "b"));
  EXPECT_EQ(released[0].index, 5);
  EXPECT_EQ(released[1].index, 6);
  EXPECT_TRUE(queue.empty());
  EXPECT_THAT(Release(queue, Voters({1, 2, 3})), IsEmpty()) << "each once";
}

TEST(ReadIndexQueue, AConfirmationCoversWhatCameBeforeItAndNoMore) {
  ReadIndexQueue queue;
  queue.Push(Request("a"), 5, kSelf);
  const uint64_t first = Number(queue);
  queue.Push(Request("b"), 5, kSelf);
  queue.Confirm(2, first);
  EXPECT_THAT(Contexts(Release(queue, Voters({1, 2, 3}))), ElementsAre("a"));
  EXPECT_EQ(queue.size(), 1);
  queue.Confirm(3, Number(queue));
  EXPECT_THAT(Contexts(Release(queue, Voters({1, 2, 3}))), ElementsAre("b"));
}

TEST(ReadIndexQueue, OldConfirmationsChangeNothing) {
  ReadIndexQueue queue;
  queue.Push(Request("a"), 5, kSelf);
  queue.Push(Request("b"), 5, kSelf);
  queue.Confirm(2, 2);
  queue.Confirm(2, 1);  // Late.
  EXPECT_THAT(Contexts(Release(queue, Voters({1, 2, 3}))), ElementsAre("a", "b"));
  queue.Push(Request("same"), 5, kSelf);
  queue.Confirm(2, 2);
  EXPECT_THAT(Release(queue, Voters({1, 2, 3})), IsEmpty());
}

TEST(ReadIndexQueue, BothHalvesOfAJointConfigurationConfirm) {
  ReadIndexQueue queue;
  queue.Push(Request("a"), 5, kSelf);
  const quorum::Joint joint = Voters({1, 2, 3}, {4, 5, 6});
  queue.Confirm(2, 1);
  queue.Confirm(4, 1);
  EXPECT_THAT(Release(queue, joint), IsEmpty());
  queue.Confirm(5, 1);
  EXPECT_EQ(Release(queue, joint).size(), 1);
}

TEST(ReadIndexQueue, WhoIsNoVoterConfirmsNothing) {
  ReadIndexQueue queue;
  queue.Push(Request("a"), 5, kSelf);
  for (NodeId id : {7, 8, 9}) queue.Confirm(id, 1);
  EXPECT_THAT(Release(queue, Voters({1, 2, 3})), IsEmpty());
}

TEST(ReadIndexQueue, OnlyNumbersItGaveAreNumbers) {
  ReadIndexQueue queue;
  EXPECT_FALSE(queue.ParseContext(absl::Cord(std::string(8, '\0'))).has_value());
  queue.Push(Request("a"), 5, kSelf);
  const auto parse = [&queue](uint64_t number) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(number >> (8 * i)));
    return queue.ParseContext(absl::Cord(bytes));
  };
  EXPECT_EQ(parse(1), 1);
  EXPECT_FALSE(parse(0).has_value());
  EXPECT_FALSE(parse(2).has_value());
  EXPECT_FALSE(parse(std::numeric_limits<uint64_t>::max()).has_value());
  for (size_t length : {0, 1, 7, 9, 16}) {
    EXPECT_FALSE(queue.ParseContext(absl::Cord(std::string(length, '\1'))).has_value()) << length;
  }
  // A context in several pieces is the same context.
  absl::Cord pieces(absl::string_view("\1\0\0", 3));
  pieces.Append(absl::Cord(std::string(5, '\0')));
  EXPECT_EQ(queue.ParseContext(pieces), 1);
}

// Against the definition: a read is answered as soon as a majority has confirmed a number at or
// above its own.
TEST(ReadIndexQueue, AgreesWithItsDefinition) {
  TestRandom random(1);
  for (int round = 0; round < 200; ++round) {
    const size_t servers = random.Between(1, 7);
    std::vector<NodeId> voters;
    for (NodeId id = 1; id <= servers; ++id) voters.push_back(id);
    ReadIndexQueue queue;
    std::vector<uint64_t> highest(servers + 1, 0);
    uint64_t taken = 0;
    uint64_t answered = 0;
    for (int step = 0; step < 50; ++step) {
      if (random.OneIn(3)) {
        ++taken;
        queue.Push(Request("r"), taken, kSelf);  // Its index is its number.
        highest[kSelf] = taken;
        continue;
      }
      if (taken == 0) continue;
      const NodeId from = random.Between(1, servers);
      const uint64_t number = random.Between(1, taken);
      queue.Confirm(from, number);
      highest[from] = std::max(highest[from], number);
      const auto released = Release(queue, Voters(voters));
      for (const auto& read : released) ASSERT_EQ(read.index, ++answered);
      const auto confirmed = [&](uint64_t read) {
        size_t count = 0;
        for (NodeId id : voters) count += highest[id] >= read;
        return count >= quorum::MajorityOf(servers);
      };
      ASSERT_TRUE(answered == 0 || confirmed(answered));
      ASSERT_TRUE(answered == taken || !confirmed(answered + 1));
      ASSERT_EQ(queue.size(), taken - answered);
    }
  }
}

}  // namespace
}  // namespace raft
