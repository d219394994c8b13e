#include "examples/raftexample/transport/frame.h"

#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "gtest/gtest.h"

namespace raftexample {
namespace {

using raftpb::Message;
using raftpb::MessageType;

Message Append(size_t entries, size_t bytes) {
  Message message = {
      .type = MessageType::kApp, .to = 2, .from = 1, .term = 3, .log_term = 2, .index = 10};
  for (size_t i = 0; i < entries; ++i) {
    message.entries.PushBack(
        {.term = 3, .index = 11 + i, .data = absl::Cord(std::string(bytes, 'a' + i % 26))});
  }
  return message;
}

std::string Flat(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

grpc::ByteBuffer BufferOf(const std::string& bytes, size_t slice_bytes) {
  std::vector<grpc::Slice> slices;
  for (size_t at = 0; at < bytes.size(); at += slice_bytes) {
    slices.emplace_back(bytes.substr(at, slice_bytes));
  }
  return grpc::ByteBuffer(slices.data(), slices.size());
}

TEST(Frame, CarriesMessagesOfEverySize) {
  const std::vector<Message> sent = {
      {.type = MessageType::kHeartbeat, .to = 2, .from = 1, .term = 3},
      Append(64, 100),
      Append(2, 100'000),
      Append(1, 4096),
      Append(0, 0)};
  std::vector<Message> received;
  ASSERT_TRUE(UnpackFrame(PackFrame(sent), received).ok());
  EXPECT_EQ(received, sent);
}

// The network cuts where it likes.
TEST(Frame, DoesNotDependOnHowBytesArrive) {
  const std::vector<Message> sent = {Append(3, 5000), Append(3, 10)};
  const std::string bytes = Flat(PackFrame(sent));
  for (const size_t slice : {1u, 7u, 4096u, 100'000u}) {
    std::vector<Message> received;
    ASSERT_TRUE(UnpackFrame(BufferOf(bytes, slice), received).ok()) << slice;
    EXPECT_EQ(received, sent) << slice;
  }
}

TEST(Frame, LargePayloadsAreNotCopied) {
  const std::string payload(1 << 20, 'x');
  Message message = Append(0, 0);
  message.entries.PushBack(
      {.term = 3, .index = 11, .data = absl::MakeCordFromExternal(payload, [] {})});
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(PackFrame({message}).Dump(&slices).ok());
  bool shared = false;
  for (const grpc::Slice& slice : slices) {
    shared |= reinterpret_cast<const char*>(slice.begin()) == payload.data();
  }
  EXPECT_TRUE(shared);
}

TEST(Frame, GarbageIsAnError) {
  const std::string whole = Flat(PackFrame({Append(2, 50)}));
  std::vector<Message> received;
  for (size_t cut = 1; cut < whole.size(); ++cut) {
    EXPECT_FALSE(UnpackFrame(BufferOf(whole.substr(0, cut), 4096), received).ok()) << cut;
  }
  for (const char* bytes : {"\x12\x01x", "\x0a", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
                            "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
                            "\x0a\x05"
                            "abc"}) {
    EXPECT_FALSE(UnpackFrame(BufferOf(bytes, 4096), received).ok());
  }
}

}  // namespace
}  // namespace raftexample
