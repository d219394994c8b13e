#include "raftpb/frame.h"

#include <memory>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "raftpb/allocation_counter.h"
#include "raftpb/wire.h"
#include "raftpb/wire_oracle.h"

namespace raftpb {
namespace {

std::string Joined(const Frame& frame) { return absl::StrJoin(frame.pieces(), ""); }

void ExpectEncodes(const Frame& frame, const Message& message) {
  const std::string bytes = Encode(message);
  ASSERT_EQ(Joined(frame), bytes);
  ASSERT_EQ(frame.size(), bytes.size());
  for (const absl::string_view piece : frame.pieces()) ASSERT_FALSE(piece.empty());
}

Message Append(size_t entries, size_t payload) {
  Message message = {.type = MessageType::kApp, .to = 2, .from = 1, .term = 7, .index = 100};
  for (size_t i = 0; i < entries; ++i) {
    message.entries.PushBack(
        {.term = 7, .index = 101 + i, .data = absl::Cord(std::string(payload, 'x'))});
  }
  return message;
}

TEST(Frame, OfAnEmptyMessageHasNoPieces) {
  Frame frame;
  EXPECT_TRUE(frame.pieces().empty());
  frame.Assign(Append(3, 5000));
  frame.Assign(Message());
  EXPECT_TRUE(frame.pieces().empty());
  EXPECT_EQ(frame.size(), 0u);
}

TEST(Frame, HasTheBytesOfTheEncodingHoweverItIsReused) {
  std::mt19937_64 random(17);
  Frame frames[] = {Frame(kCopiedPayloadBytes), Frame(0), Frame(100), Frame(1 << 20)};
  for (int i = 0; i < 500; ++i) {
    wire::Message generated;
    FillAtRandom(random, generated);
    const Message message = FromGenerated(generated);
    for (Frame& frame : frames) {
      frame.Assign(message);
      ExpectEncodes(frame, message);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(Frame, GrowsWhileItHasPieces) {
  for (const size_t payload : {0, 1, 64, 65, 2000}) {
    Frame frame(64);
    const Message message = Append(1000, payload);
    frame.Assign(message);
    ExpectEncodes(frame, message);
  }
}

TEST(Frame, SharesLargePayloadsAndCopiesSmallOnes) {
  Message message = Append(1, kCopiedPayloadBytes);
  Frame frame;
  frame.Assign(message);
  EXPECT_EQ(frame.pieces().size(), 1u);

  message = Append(1, kCopiedPayloadBytes + 1);
  frame.Assign(message);
  ASSERT_EQ(frame.pieces().size(), 2u);
  EXPECT_EQ(frame.pieces()[1].data(), message.entries[0].data.TryFlat()->data());
}

TEST(Frame, PayloadsInPiecesStayInPieces) {
  absl::Cord payload;
  for (int i = 0; i < 10; ++i) {
    auto piece = std::make_shared<std::string>(3000, static_cast<char>('a' + i));
    payload.Append(absl::MakeCordFromExternal(*piece, [piece] {}));
  }
  Message message;
  message.entries = {{.term = 1, .index = 1, .data = payload}};
  message.context = payload;
  Frame frame;
  frame.Assign(message);
  EXPECT_EQ(frame.pieces().size(), 22u);
  ExpectEncodes(frame, message);
}

// The message may go before the bytes are sent.
TEST(Frame, KeepsWhatItsPiecesAreMadeOf) {
  Message message = Append(5, 3000);
  message.context = absl::Cord(std::string(2000, 'c'));
  Snapshot snapshot;
  snapshot.data = absl::Cord(std::string(2000, 's'));
  message.snapshot = std::make_shared<const Snapshot>(std::move(snapshot));
  message.responses = {Append(2, 3000), Append(2, 10)};
  const std::string bytes = Encode(message);

  Frame frame;
  frame.Assign(message);
  message = Message();
  EXPECT_EQ(Joined(frame), bytes);
}

TEST(Frame, LetsGoOfThePayloadsOfTheMessageBefore) {
  bool released = false;
  const std::string bytes(5000, 'x');
  Message message;
  message.entries = {{.data = absl::MakeCordFromExternal(bytes, [&released] { released = true; })}};
  Frame frame;
  frame.Assign(message);
  message = Message();
  EXPECT_FALSE(released);
  frame.Assign(message);
  EXPECT_TRUE(released);
}

TEST(Frame, AllocatesNothingOnceItIsLargeEnough) {
  struct {
    size_t entries, payload;
  } cases[] = {{64, 16}, {64, 128}, {8, 4096}};
  for (const auto& c : cases) {
    Message message = Append(c.entries, c.payload);
    message.entries = message.entries.Detached();  // In one chunk, as a slice of a log mostly is.
    Frame frame;
    frame.Assign(message);
    const AllocationCounter counter;
    for (int i = 0; i < 10; ++i) frame.Assign(message);
    EXPECT_EQ(counter.allocations(), 0u) << c.payload;
  }
}

}  // namespace
}  // namespace raftpb
