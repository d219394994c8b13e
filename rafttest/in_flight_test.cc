#include "rafttest/in_flight.h"

#include <gtest/gtest.h>

#include <vector>

namespace rafttest {
namespace {

using raftpb::Message;
using raftpb::MessageType;

// Messages are told apart by their index.
Message Numbered(raftpb::Index index, raftpb::NodeId from, raftpb::NodeId to,
                 MessageType type = MessageType::kApp) {
  return {.type = type, .to = to, .from = from, .index = index};
}

std::vector<raftpb::Index> IndexesOf(const std::vector<Message>& messages) {
  std::vector<raftpb::Index> indexes;
  for (const Message& m : messages) indexes.push_back(m.index);
  return indexes;
}

using Indexes = std::vector<raftpb::Index>;

// 1, 3 and 5 are to server 2; 3 is of another type, 5 from its own append thread.
InFlight Sample() {
  InFlight network;
  network.Send(Numbered(1, 1, 2));
  network.Send(Numbered(2, 2, 1));
  network.Send(Numbered(3, 1, 2, MessageType::kVote));
  network.Send(Numbered(4, 1, 3));
  network.Send(Numbered(5, raftpb::kLocalAppendThread, 2));
  network.Send(Numbered(6, 3, 2));
  return network;
}

TEST(InFlight, TakesWhatMatchesInTheOrderOfSending) {
  struct {
    const char* name;
    MessageFilter filter;
    Indexes taken;
  } cases[] = {
      {"all to 2", {.to = 2}, {1, 3, 5, 6}},
      {"of a type", {.to = 2, .type = MessageType::kVote}, {3}},
      {"over the network", {.to = 2, .spare_local = true}, {1, 3, 6}},
      {"to nobody", {.to = 9}, {}},
  };
  for (const auto& c : cases) {
    InFlight network = Sample();
    EXPECT_EQ(network.Has(c.filter), !c.taken.empty()) << c.name;
    EXPECT_EQ(IndexesOf(network.Take(c.filter)), c.taken) << c.name;
    EXPECT_FALSE(network.Has(c.filter)) << c.name;
    EXPECT_EQ(IndexesOf(network.Take({.to = 1})), Indexes{2}) << c.name;
  }
}

TEST(InFlight, CopiesGoBehindEverything) {
  InFlight network = Sample();
  EXPECT_EQ(IndexesOf(network.Duplicate({.to = 2, .spare_local = true})), (Indexes{1, 3, 6}));
  EXPECT_EQ(IndexesOf(network.Take({.to = 2})), (Indexes{1, 3, 5, 6, 1, 3, 6}));
}

TEST(InFlight, ReversingKeepsThePlaces) {
  InFlight network = Sample();
  network.Reverse({.to = 2, .spare_local = true});
  EXPECT_EQ(IndexesOf(network.Take({.to = 2})), (Indexes{6, 3, 5, 1}));
}

TEST(InFlight, ACrashLosesOnlyWhatStaysWithinTheServer) {
  InFlight network = Sample();
  network.Send(Numbered(7, 2, 2));
  network.LoseLocal(2);
  EXPECT_EQ(IndexesOf(network.Take({.to = 2})), (Indexes{1, 3, 6}));
}

}  // namespace
}  // namespace rafttest
