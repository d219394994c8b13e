#include "raftpb/wire.h"

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "raftpb/allocation_counter.h"
#include "raftpb/entry.h"
#include "raftpb/wire_oracle.h"

namespace raftpb {
namespace {

std::string Hex(absl::string_view digits) { return absl::HexStringToBytes(digits); }

// The same bytes in pieces of at most `most` bytes.
absl::Cord InPieces(absl::string_view bytes, size_t most, std::mt19937_64& random) {
  absl::Cord cord;
  while (!bytes.empty()) {
    const absl::string_view piece = bytes.substr(0, 1 + random() % most);
    auto* copy = new std::string(piece);
    cord.Append(absl::MakeCordFromExternal(*copy, [copy] { delete copy; }));
    bytes.remove_prefix(piece.size());
  }
  return cord;
}

template <typename T>
class WireTest : public testing::Test {
 protected:
  std::mt19937_64 random_{20140614};

  Generated<T> Random() {
    Generated<T> message;
    FillAtRandom(random_, message);
    return message;
  }
};

using AllValues = testing::Types<Entry, SnapshotMetadata, Snapshot, Message, HardState, ConfState,
                                 ConfChange, ConfChangeSingle, ConfChangeV2>;
TYPED_TEST_SUITE(WireTest, AllValues);

constexpr int kRounds = 150;

TYPED_TEST(WireTest, AZeroValueHasNoBytes) {
  EXPECT_EQ(Encode(TypeParam()), "");
  TypeParam value;
  EXPECT_TRUE(Decode("", value).ok());
  EXPECT_EQ(value, TypeParam());
}

TYPED_TEST(WireTest, WhatOthersWriteIsUnderstood) {
  for (int i = 0; i < kRounds; ++i) {
    const Generated<TypeParam> generated = this->Random();
    TypeParam value;
    ASSERT_TRUE(Decode(generated.SerializeAsString(), value).ok());
    ASSERT_EQ(value, FromGenerated(generated)) << generated.ShortDebugString();
  }
}

TYPED_TEST(WireTest, WhatWeWriteIsUnderstoodByOthersAndByUs) {
  for (int i = 0; i < kRounds; ++i) {
    const TypeParam value = FromGenerated(this->Random());
    const std::string bytes = Encode(value);
    Generated<TypeParam> generated;
    ASSERT_TRUE(generated.ParseFromString(bytes));
    ASSERT_EQ(FromGenerated(generated), value);
    TypeParam again;
    ASSERT_TRUE(Decode(bytes, again).ok());
    ASSERT_EQ(again, value);
  }
}

TYPED_TEST(WireTest, AFieldIsWrittenOnlyIfItSaysSomething) {
  for (int i = 0; i < kRounds; ++i) {
    Generated<TypeParam> generated;
    ASSERT_TRUE(generated.ParseFromString(Encode(FromGenerated(this->Random()))));
    ASSERT_EQ(FieldPresentForNothing(generated), "");
    ASSERT_EQ(generated.GetReflection()->GetUnknownFields(generated).field_count(), 0);
  }
}

TYPED_TEST(WireTest, EncodingAppends) {
  const TypeParam value = FromGenerated(this->Random());
  std::string out = "before";
  EncodeTo(value, out);
  EXPECT_EQ(out, "before" + Encode(value));
}

TYPED_TEST(WireTest, DecodingReplaces) {
  for (int i = 0; i < kRounds; ++i) {
    TypeParam value = FromGenerated(this->Random());
    const TypeParam wanted = FromGenerated(this->Random());
    ASSERT_TRUE(Decode(Encode(wanted), value).ok());
    ASSERT_EQ(value, wanted);
  }
}

// A message written twice is one message: the second part is merged into the first.
TYPED_TEST(WireTest, PartsAreMerged) {
  for (int i = 0; i < kRounds; ++i) {
    const std::string bytes =
        this->Random().SerializeAsString() + this->Random().SerializeAsString();
    Generated<TypeParam> generated;
    ASSERT_TRUE(generated.ParseFromString(bytes));
    TypeParam value;
    ASSERT_TRUE(Decode(bytes, value).ok());
    ASSERT_EQ(value, FromGenerated(generated)) << generated.ShortDebugString();
  }
}

// Bytes cut off anywhere are an error, unless the cut is between two fields of the outermost
// message; generated classes know which.
TYPED_TEST(WireTest, TruncatedBytesAreAnError) {
  for (int i = 0; i < 5; ++i) {
    const std::string bytes = this->Random().SerializeAsString();
    for (size_t size = 0; size < std::min<size_t>(bytes.size(), 3000); ++size) {
      Generated<TypeParam> generated;
      const bool is_whole = generated.ParseFromString(bytes.substr(0, size));
      TypeParam value;
      ASSERT_EQ(Decode(absl::string_view(bytes.data(), size), value).ok(), is_whole) << size;
      if (is_whole) {
        ASSERT_EQ(value, FromGenerated(generated));
      }
    }
  }
}

// Changed bytes mostly still say something, and then the same to others.
TYPED_TEST(WireTest, DamagedBytesMeanTheSameToOthersIfAnything) {
  int compared = 0;
  for (int i = 0; i < 5 * kRounds; ++i) {
    std::string bytes = this->Random().SerializeAsString();
    if (bytes.empty()) continue;
    for (uint64_t n = this->random_() % 3; n < 3; ++n) {
      bytes[this->random_() % std::min<size_t>(bytes.size(), 60)] =
          static_cast<char>(this->random_());
    }
    TypeParam value;
    Generated<TypeParam> generated;
    const bool decoded = Decode(bytes, value).ok();
    if (!generated.ParseFromString(bytes) || !decoded) continue;
    // Numbers that their enum does not list are to generated classes what unknown fields are.
    const size_t size = generated.ByteSizeLong();
    generated.DiscardUnknownFields();
    if (generated.ByteSizeLong() < size) continue;
    ASSERT_EQ(value, FromGenerated(generated));
    ++compared;
  }
  EXPECT_GT(compared, kRounds / 5);
}

// --- Sizes -----------------------------------------------------------------------------------

TEST(WireSize, IsThatOfTheEncoding) {
  std::mt19937_64 random(7);
  for (int i = 0; i < kRounds; ++i) {
    wire::Message generated;
    FillAtRandom(random, generated);
    const Message message = FromGenerated(generated);
    EXPECT_EQ(WireSize(message), Encode(message).size());
    for (const Entry& entry : message.entries) EXPECT_EQ(WireSize(entry), Encode(entry).size());
  }
}

// Limits count what etcd/raft would write: term and index always, the type if somebody set it.
TEST(EncodedSize, CountsTheFieldsOfTheEncodingOfEtcdRaft) {
  struct {
    const char* name;
    Entry entry;
    size_t size;
  } cases[] = {
      {"nothing", {}, 4},
      {"one byte numbers", {.term = 1, .index = 127}, 4},
      {"longer numbers", {.term = 128, .index = uint64_t{1} << 63}, 3 + 11},
      {"explicit type", {.term = 1, .index = 1, .type_is_explicit = true}, 6},
      {"type", {.term = 1, .index = 1, .type = EntryType::kConfChangeV2}, 6},
      {"unknown type", {.term = 1, .index = 1, .type = static_cast<EntryType>(-1)}, 15},
      {"data", {.term = 1, .index = 1, .data = absl::Cord("abc")}, 9},
      {"long data", {.term = 1, .index = 1, .data = absl::Cord(std::string(128, 'x'))}, 135},
  };
  for (const auto& c : cases) EXPECT_EQ(EncodedSize(c.entry), c.size) << c.name;
}

// --- What the format allows ------------------------------------------------------------------

// Long runs of entries, whose headers are stepped instead of composed: across every length of the
// index, with terms, types and payloads that change or do not.
TEST(WireEntries, RunsOfEntriesAreWrittenLikeSingleOnes) {
  std::mt19937_64 random(11);
  const Index starts[] = {0, 1, 2, 100, 126, 127, 128, 16380, (1u << 21) - 3, (1ull << 56) - 2};
  for (const Index start : starts) {
    Message message;
    wire::Message generated;
    Entry entry = {.term = 3, .index = start};
    for (int i = 0; i < 300; ++i) {
      if (random() % 50 == 0) entry.term += random() % 200;
      if (random() % 50 == 0) entry.type = static_cast<EntryType>(random() % 3);
      if (random() % 10 == 0) entry.data = absl::Cord(std::string(random() % 20, 'x'));
      message.entries.PushBack(entry);
      ASSERT_TRUE(generated.add_entries()->ParseFromString(Encode(entry)));
      entry.index += random() % 40 == 0 ? 3 : 1;
    }
    EXPECT_EQ(Encode(message), generated.SerializeAsString()) << "from " << start;
  }
}

TEST(WireEnums, NumbersThatNobodyKnowsAreKept) {
  for (const int32_t number : {24, 99, 1 << 30, -1, std::numeric_limits<int32_t>::min()}) {
    const Message message = {.type = static_cast<MessageType>(number)};
    const Entry entry = {.type = static_cast<EntryType>(number)};
    Message message_again;
    Entry entry_again;
    ASSERT_TRUE(Decode(Encode(message), message_again).ok());
    ASSERT_TRUE(Decode(Encode(entry), entry_again).ok());
    EXPECT_EQ(message_again, message);
    EXPECT_EQ(entry_again, entry);
  }
}

TEST(WirePresence, OnlyTheTypeOfAnEntryIsRemembered) {
  Entry entry;
  ASSERT_TRUE(Decode(Hex("08001001"), entry).ok());
  EXPECT_TRUE(entry.type_is_explicit);
  EXPECT_EQ(Encode(entry), Hex("1001"));
  ASSERT_TRUE(Decode(Hex("1001"), entry).ok());
  EXPECT_FALSE(entry.type_is_explicit);

  Message message;
  ASSERT_TRUE(Decode(Hex("3a04080010013a021001"), message).ok());
  EXPECT_TRUE(message.entries[0].type_is_explicit);
  EXPECT_FALSE(message.entries[1].type_is_explicit);
}

TEST(WireSnapshots, AnEmptyOneIsNone) {
  Message with;
  ASSERT_TRUE(Decode(Hex("4a00"), with).ok());
  EXPECT_EQ(with, Message());
  EXPECT_EQ(Encode(with), "");
}

template <typename T>
absl::Status DecodeHex(absl::string_view digits) {
  T value;
  return Decode(Hex(digits), value);
}

TEST(WireFormat, HasTheseLimits) {
  const std::string ff9 = "ffffffffffffffffff";
  struct {
    const char* name;
    std::string hex;
    bool ok;
  } cases[] = {
      {"superfluous zero bytes", "08818000", true},
      {"ten bytes for a one", "0881808080808080808000", true},
      {"largest number", "08" + ff9 + "01", true},
      {"65 bits", "08" + ff9 + "02", false},
      {"70 bits", "08" + ff9 + "7f", false},
      {"eleven bytes", "088080808080808080808000", false},
      {"tag without value", "08", false},
      {"number without end", "0880", false},
      {"tag without end", "80", false},
      {"field 0", "0000", false},
      {"field 0 as bytes", "0200", false},
      {"largest field", "f8ffffff0f00", true},
      {"larger field", "80808080100", false},
      {"tag of 64 bits", ff9 + "0100", false},
      {"tag in two bytes", "880001", true},
      {"wire type 6", "0e00", false},
      {"wire type 7", "0f00", false},
      {"unknown number", "7801", true},
      {"unknown number without end", "7880", false},
      {"unknown 64 bits", "790102030405060708", true},
      {"unknown 64 bits cut", "7901020304050607", false},
      {"unknown 32 bits", "7d01020304", true},
      {"unknown 32 bits cut", "7d010203", false},
      {"unknown bytes", "7a0161", true},
      {"unknown bytes cut", "7a0261", false},
      {"unknown bytes of absurd length", "7a" + ff9 + "01", false},
      {"known field as bytes", "0a0161", true},
      {"known field as 32 bits", "0d01020304", true},
      {"empty group", "7b7c", true},
      {"group with fields", "7b08017a01617c", true},
      {"groups in a group",
       "7b8301840183018401"
       "7c",
       true},
      {"group of a known field", "0b0c", true},
      {"group without end", "7b0801", false},
      {"end without group", "7c", false},
      {"end of another group", "7b840100", false},
      {"groups that overlap", "7b83017c8401", false},
  };
  for (const auto& c : cases) EXPECT_EQ(DecodeHex<HardState>(c.hex).ok(), c.ok) << c.name;
}

TEST(WireFormat, LengthsStayInsideTheirMessage) {
  EXPECT_FALSE(DecodeHex<Message>("3a03220261").ok());        // Data beyond the entry.
  EXPECT_FALSE(DecodeHex<Message>("3a03220261623a00").ok());  // The same, with bytes behind.
  EXPECT_FALSE(DecodeHex<Message>("3a0110").ok());            // A number beyond the entry.
  EXPECT_FALSE(DecodeHex<Message>("3a0110"
                                  "01")
                   .ok());
  EXPECT_FALSE(DecodeHex<Message>("3a017b7c").ok());  // A group beyond the entry.
  EXPECT_FALSE(DecodeHex<Snapshot>("12020a0208010801").ok());
  EXPECT_FALSE(DecodeHex<ConfState>("0a0180").ok());
}

TEST(WireFormat, ErrorsSayWhatAndWhere) {
  const absl::Status status = DecodeHex<HardState>("0801107f1880");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "malformed bytes: no number of up to 64 bits (at byte 6)");
}

// `levels` responses inside each other.
std::string NestedResponses(int levels) {
  std::string bytes;
  for (int i = 0; i < levels; ++i) {
    wire::Message outer;
    outer.add_responses();
    std::string next = outer.SerializeAsString();  // 72 00
    next.pop_back();
    std::string length;
    for (size_t n = bytes.size();; n >>= 7) {
      length += static_cast<char>(n < 0x80 ? n : (n & 0x7f) | 0x80);
      if (n < 0x80) break;
    }
    bytes = next + length + bytes;
  }
  return bytes;
}

TEST(WireFormat, NestingHasALimit) {
  Message message;
  EXPECT_TRUE(Decode(NestedResponses(100), message).ok());
  EXPECT_EQ(Encode(message), NestedResponses(100));
  EXPECT_FALSE(Decode(NestedResponses(101), message).ok());
  EXPECT_FALSE(Decode(NestedResponses(3000), message).ok());

  std::string groups(100, 0x7b);
  EXPECT_FALSE(Decode(groups, message).ok());
  groups += std::string(100, 0x7c);
  EXPECT_TRUE(Decode(groups, message).ok());
  EXPECT_FALSE(Decode(std::string(1, 0x7b) + groups + std::string(1, 0x7c), message).ok());
}

std::string Repeat(absl::string_view hex, size_t times) {
  std::string bytes;
  for (size_t i = 0; i < times; ++i) bytes += Hex(hex);
  return bytes;
}

// No input takes much more memory than it has bytes.
TEST(WireMemory, IsASmallMultipleOfTheInput) {
  constexpr size_t kMany = 100000;
  struct {
    const char* name;
    std::string bytes;
  } cases[] = {
      {"empty entries", Repeat("3a00", kMany)},
      {"entries of a longer form", Repeat("3a0218001001", kMany)},
      {"empty responses", Repeat("7200", kMany)},
      {"small responses", Repeat("720808041001180120013001", kMany)},
      {"nested responses", NestedResponses(90) + Repeat("7200", kMany)},
      {"snapshots", Repeat("4a00", kMany)},
      {"snapshots with voters", Repeat("4a0612040a020801", kMany)},
      {"packed voters", Hex("4a848030") + Hex("12808030") + Hex("0afcff2f") + Hex("0af8ff2f") +
                            std::string(0xbfff8 - 0x20000, '\1')},
      {"context after context", Repeat("621061616161616161616161616161616161", kMany)},
      {"promises of much", Hex("3a808080807f") + Repeat("3a808080807f", kMany)},
  };
  for (const auto& c : cases) {
    Message message;
    const AllocationCounter counter;
    const bool ok = Decode(c.bytes, message).ok();
    EXPECT_LE(counter.bytes(), 64 * c.bytes.size() + 64 * 1024)
        << c.name << (ok ? "" : ", an error");
  }
  ConfState state;
  ConfChangeV2 change;
  const std::string ids = Repeat("0801", kMany);
  const std::string changes = Repeat("1200", kMany);
  const AllocationCounter counter;
  EXPECT_TRUE(Decode(ids, state).ok());
  EXPECT_TRUE(Decode(changes, change).ok());
  EXPECT_LE(counter.bytes(), 64 * (ids.size() + changes.size()));
}

TEST(WireMemory, AnHonestMessageMayHaveManyResponses) {
  Message message;
  message.type = MessageType::kStorageAppend;
  message.responses.resize(
      10000, {.type = MessageType::kAppResp, .to = 1, .from = 2, .term = 3, .index = 4});
  Message again;
  EXPECT_TRUE(Decode(Encode(message), again).ok());
  EXPECT_EQ(again, message);
}

// Found by the fuzzer: there was a limit that grew with the bytes, and bytes may shrink.
TEST(WireMemory, WhatWasReadCanBeReadAgain) {
  Message message;
  const std::string clumsy = Repeat("7209088080808080808000", 1000);  // A zero in eight bytes.
  ASSERT_TRUE(Decode(clumsy, message).ok());
  const std::string short_form = Encode(message);
  EXPECT_LT(short_form.size(), clumsy.size() / 4);
  Message again;
  EXPECT_TRUE(Decode(short_form, again).ok());
  EXPECT_EQ(again, message);
}

// --- Frames received in pieces ---------------------------------------------------------------

TEST(WireCord, HowTheBytesAreCutDoesNotMatter) {
  std::mt19937_64 random(3);
  for (int i = 0; i < kRounds; ++i) {
    wire::Message generated;
    FillAtRandom(random, generated);
    const std::string bytes = generated.SerializeAsString();
    for (const size_t most : {1, 7, 100, 100000}) {
      Message message;
      ASSERT_TRUE(Decode(InPieces(bytes, most, random), message).ok());
      ASSERT_EQ(message, FromGenerated(generated));
    }
    std::string damaged = bytes.substr(0, random() % (bytes.size() + 1));
    if (!damaged.empty()) damaged[random() % damaged.size()] = static_cast<char>(random());
    Message from_flat;
    Message from_pieces;
    const absl::Status flat = Decode(damaged, from_flat);
    ASSERT_EQ(Decode(InPieces(damaged, 5, random), from_pieces), flat);
    if (flat.ok()) {
      ASSERT_EQ(from_pieces, from_flat);
    }
  }
}

TEST(WireCord, ConfigurationChangesAreReadFromPayloads) {
  std::mt19937_64 random(5);
  for (int i = 0; i < kRounds; ++i) {
    wire::ConfChange v1;
    wire::ConfChangeV2 v2;
    FillAtRandom(random, v1);
    FillAtRandom(random, v2);
    ConfChange change;
    ConfChangeV2 change_v2;
    ASSERT_TRUE(Decode(InPieces(v1.SerializeAsString(), 9, random), change).ok());
    ASSERT_TRUE(Decode(InPieces(v2.SerializeAsString(), 9, random), change_v2).ok());
    EXPECT_EQ(change, FromGenerated(v1));
    EXPECT_EQ(change_v2, FromGenerated(v2));
  }
}

bool IsInside(absl::string_view part, absl::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

TEST(WireCord, LargePayloadsShareTheFrameAndSmallOnesDoNot) {
  Message message;
  for (const size_t size :
       {size_t{100}, kCopiedPayloadBytes, kCopiedPayloadBytes + 1, size_t{1} << 20}) {
    message.entries.PushBack({.term = 1, .index = 1, .data = absl::Cord(std::string(size, 'x'))});
  }
  const std::string bytes = Encode(message);
  bool released = false;
  {
    absl::Cord frame = absl::MakeCordFromExternal(bytes, [&released] { released = true; });
    Message again;
    ASSERT_TRUE(Decode(frame, again).ok());
    ASSERT_EQ(again, message);
    for (const Entry& entry : again.entries) {
      EXPECT_EQ(IsInside(*entry.data.chunk_begin(), bytes),
                entry.data.size() > kCopiedPayloadBytes);
    }
    frame.Clear();
    EXPECT_FALSE(released);
    // What is small outlives the frame without keeping it.
    const EntryList small = again.entries.Slice(0, 2).Detached();
    again = Message();
    EXPECT_TRUE(released);
    EXPECT_EQ(small[0].data, std::string(100, 'x'));
  }
}

TEST(WireCord, LargePayloadsShareTheFrameAlsoInPieces) {
  Message message;
  message.entries = {{.term = 1, .index = 1, .data = absl::Cord(std::string(1 << 20, 'x'))}};
  std::mt19937_64 random(1);
  const std::string bytes = Encode(message);
  const absl::Cord frame = InPieces(bytes, 16000, random);
  Message again;
  const AllocationCounter counter;
  ASSERT_TRUE(Decode(frame, again).ok());
  EXPECT_LT(counter.bytes(), bytes.size() / 8);
  EXPECT_EQ(again, message);
}

TEST(WireString, LargePayloadsAreCopiedInOnePiece) {
  const Entry entry = {.term = 1, .index = 1, .data = absl::Cord(std::string(1 << 20, 'x'))};
  Entry again;
  ASSERT_TRUE(Decode(absl::string_view(Encode(entry)), again).ok());
  EXPECT_EQ(again, entry);
  EXPECT_TRUE(again.data.TryFlat().has_value());
}

}  // namespace
}  // namespace raftpb
