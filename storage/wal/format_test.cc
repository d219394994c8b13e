// The bytes of every record, as docs/storage-format.md shows them: the page is checked against what
// the code writes, part by part. After a deliberate change of the format this test prints what the
// page has to say.

#include "storage/wal/format.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "storage/faulty_file_system.h"
#include "storage/snapshot_store.h"
#include "storage/testing.h"
#include "storage/wal/encoder.h"
#include "storage/wal/mark.h"
#include "storage/wal/reader.h"

namespace storage::wal {
namespace {

constexpr uint32_t kSalt = 0x01020304;

std::string Page() {
  std::ifstream file("docs/storage-format.md");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string HexDump(absl::string_view bytes, size_t base) {
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 16) {
    absl::StrAppendFormat(&text, "%04x ", base + at);
    for (size_t i = at; i < std::min(at + 16, bytes.size()); ++i) {
      absl::StrAppendFormat(&text, " %02x", static_cast<uint8_t>(bytes[i]));
    }
    text += "\n";
  }
  return text;
}

void ExpectOnPage(absl::string_view what, absl::string_view bytes, size_t base = 0) {
  const std::string dump = HexDump(bytes, base);
  EXPECT_NE(Page().find(dump), std::string::npos) << what << ":\n" << dump;
}

raftpb::SnapshotMetadata Metadata() {
  raftpb::SnapshotMetadata metadata;
  metadata.conf_state.voters = {1, 2, 3};
  metadata.index = 4;
  metadata.term = 2;
  return metadata;
}

// A head and a batch with an item of every kind.
std::string EveryRecord() {
  std::string file;
  BatchEncoder encoder(1 << 18);
  Position position{1, 0, 1, 1, 0, false};
  encoder.Start(position, kSalt, 512, 0);
  encoder.AddHead({{7, 1}, 512, kSalt, 4096});
  encoder.Finish();
  for (absl::string_view piece : encoder.pieces()) file += std::string(piece);
  position = encoder.position();
  encoder.Start(position, kSalt, 512, 0);
  raftpb::EntryList entries = {MakeEntry(2, 5, "hello")};
  raftpb::Entry change = MakeEntry(2, 6, "");
  change.type = raftpb::EntryType::kConfChangeV2;
  change.type_is_explicit = true;
  entries.PushBack(change);
  encoder.AddEntries(9, entries, 0);
  encoder.AddHardState(9, {2, 3, 5});
  encoder.AddSnapshot(ItemKind::kMarkSnapshot, 9, Metadata());
  encoder.AddCompact(9, {2, 4});
  encoder.AddSnapshot(ItemKind::kRestoreSnapshot, 10, Metadata());
  encoder.AddForget(11);
  encoder.AddPurge(1);
  encoder.Finish();
  for (absl::string_view piece : encoder.pieces()) file += std::string(piece);
  return file;
}

TEST(Format, TheWorkedExampleOfThePageIsWhatIsWritten) {
  const std::string file = EveryRecord();
  ASSERT_EQ(file.size(), 1024u);
  ExpectOnPage("head: header", file.substr(0, 56), 0);
  ExpectOnPage("head: payload", file.substr(56, 32), 56);
  ExpectOnPage("batch: header", file.substr(512, 56), 512);
  const absl::string_view payload = absl::string_view(file).substr(568);
  const absl::optional<FrameHeader> header = DecodeHeader(file.data() + 512, kSalt);
  ASSERT_TRUE(header.has_value());
  ItemReader reader(payload.substr(0, header->payload_bytes));
  std::vector<size_t> starts;
  std::vector<std::string> names;
  for (Item item; reader.Next(item);) {
    starts.push_back(item.offset);
    names.push_back(std::string(Name(item.kind)));
  }
  ASSERT_EQ(reader.error(), "");
  ASSERT_EQ(starts.size(), 7u) << "an item of every kind";
  starts.push_back(header->payload_bytes);
  for (size_t i = 0; i < names.size(); ++i) {
    ExpectOnPage(names[i], payload.substr(starts[i], starts[i + 1] - starts[i]), 568 + starts[i]);
  }
}

TEST(Format, TheMarkOfThePageIsWhatIsWritten) {
  FaultyFileSystem fs;
  ASSERT_TRUE(MarkFile::Create(fs, "MARK", {0, 1, 2, 2, true}).ok());
  ExpectOnPage("mark", fs.Contents().at("MARK").substr(MarkFile::kCopyOffset, MarkFile::kCopyBytes),
               MarkFile::kCopyOffset);
}

TEST(Format, TheSnapshotOfThePageIsWhatIsWritten) {
  FaultyFileSystem fs;
  SnapshotOptions options;
  options.identity = {7, 1};
  options.chunk_bytes = 8;
  ASSERT_EQ(
      (*SnapshotStore::Open(fs, "s", options))->Save(9, {Metadata(), absl::Cord("state machine")}),
      absl::OkStatus());
  const std::string contents =
      fs.Contents().at("s/0000000000000009/0000000000000004-0000000000000002.snap");
  ExpectOnPage("snapshot", contents);
}

// Items of records whose checksum is right are not believed either.
TEST(Format, ItemsThatNoWriterWritesAreRefused) {
  const std::string file = EveryRecord();
  const absl::optional<FrameHeader> header = DecodeHeader(file.data() + 512, kSalt);
  const std::string payload = file.substr(568, header->payload_bytes);
  size_t refused = 0;
  for (size_t size = 0; size < payload.size(); ++size) {
    ItemReader reader(absl::string_view(payload).substr(0, size));
    for (Item item; reader.Next(item);) EXPECT_LE(item.offset, size);
    refused += !reader.error().empty();
  }
  EXPECT_EQ(refused, payload.size() - 7) << "cut between two items it is sound";
  for (size_t at = 0; at < payload.size(); ++at) {  // Nothing but that it ends well.
    for (int value : {0, 1, 0x7f, 0xff}) {
      std::string damaged = payload;
      damaged[at] = static_cast<char>(value);
      ItemReader reader(damaged);
      for (Item item; reader.Next(item);) {
        EntryReader entries(item);
        raftpb::Entry entry;
        absl::string_view data;
        if (item.kind != ItemKind::kEntries) continue;
        while (entries.Next(entry, data)) EXPECT_LE(data.size(), damaged.size());
      }
    }
  }
}

TEST(Format, SegmentNamesAreThereAndBackAgain) {
  EXPECT_EQ(SegmentName(10), "000000000000000a.wal");
  EXPECT_EQ(ParseSegmentName("000000000000000a.wal"), 10u);
  for (const char* name : {"", "a.wal", "000000000000000A.wal", "000000000000000a.wal.tmp",
                           "000000000000000g.wal", "+00000000000000a.wal"}) {
    EXPECT_FALSE(ParseSegmentName(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace storage::wal
