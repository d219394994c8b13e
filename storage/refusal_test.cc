// Each kind of refusal by its name (errors.h; the table is in docs/storage-format.md). What damage
// of every possible place leads to is damage_test.cc's; here is one example of each kind, some of
// which only a broken or a newer writer could have made.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "raft/logger.h"
#include "storage/disk_storage.h"
#include "storage/errors.h"
#include "storage/faulty_file_system.h"
#include "storage/testing.h"
#include "storage/wal/bytes.h"
#include "storage/wal/checksum.h"
#include "storage/wal/encoder.h"
#include "storage/wal/format.h"
#include "storage/wal/mark.h"

namespace storage {
namespace {

constexpr char kSegment[] = "d/log/0000000000000001.wal";
constexpr char kSnapshot[] = "d/snapshots/0000000000000001/0000000000000006-0000000000000001.snap";
constexpr GroupId kGroup = 1;
constexpr uint32_t kSalt = 5;
constexpr size_t kBlock = 512;  // Where the first batch of a log begins.

class RefusalTest : public testing::Test {
 protected:
  RefusalTest() {
    log_options_.identity = {7, 1};
    log_options_.segment_bytes = 1 << 14;
    log_options_.salt = kSalt;
    options_.group = kGroup;
  }

  absl::Status Open() {
    storage_.reset();
    absl::StatusOr<std::unique_ptr<DiskStorage>> storage =
        DiskStorage::OpenDirectory(fs_, "d", log_options_, options_);
    if (storage.ok()) storage_ = *std::move(storage);
    return storage.status();
  }

  void Write(const std::function<void(LogBatch&)>& fill) {
    LogBatch batch;
    fill(batch);
    ASSERT_EQ(storage_->log().Write(batch), absl::OkStatus());
  }

  // Founds a log and adds one sound batch to it that no LogStore would write.
  absl::Status OpenForged(const std::function<void(wal::BatchEncoder&)>& fill,
                          uint64_t segment = 1) {
    EXPECT_EQ(Open(), absl::OkStatus());
    storage_.reset();
    std::string log = fs_.Contents()[kSegment];
    wal::BatchEncoder encoder(1 << 16);
    encoder.Start({segment, kBlock, 2, 2, wal::HeaderChecksum(log.data())}, kSalt, kBlock, 0);
    fill(encoder);
    encoder.Finish();
    size_t at = kBlock;
    for (absl::string_view piece : encoder.pieces()) {
      log.replace(at, piece.size(), piece.data(), piece.size());
      at += piece.size();
    }
    fs_.Put(kSegment, log);
    return Open();
  }

  // Eight entries, all committed, and a snapshot at the sixth that the log starts from.
  void MakeCompacted(bool name_snapshot = true) {
    ASSERT_EQ(Open(), absl::OkStatus());
    Write([](LogBatch& batch) {
      batch.Append(kGroup, MakeEntries(1, 1, 8));
      batch.SetHardState(kGroup, {1, 1, 8});
    });
    if (name_snapshot) {
      ASSERT_EQ(storage_->SaveSnapshot(6, {}, absl::Cord("the state machine")), absl::OkStatus());
    }
    Write([](LogBatch& batch) { batch.Compact(kGroup, 6); });
    storage_.reset();
  }

  FaultyFileSystem fs_;
  LogOptions log_options_;
  DiskStorageOptions options_;
  std::unique_ptr<DiskStorage> storage_;
};

// A forged batch is taken if nothing is wrong with it: the other tests fail for what they say.
TEST_F(RefusalTest, NotOfASoundBatch) {
  EXPECT_EQ(OpenForged([](wal::BatchEncoder& encoder) {
              encoder.AddEntries(kGroup, MakeEntries(1, 1, 3), 0);
              encoder.AddHardState(kGroup, {1, 1, 3});
            }),
            absl::OkStatus());
  EXPECT_EQ(storage_->LastIndex(), 3u);
}

class Lines : public raft::Logger {
 public:
  bool Enabled(raft::LogLevel) const override { return true; }
  void Log(raft::LogLevel, absl::string_view line) override { lines.emplace_back(line); }

  std::vector<std::string> lines;
};

// The one thing that opening takes away: it says so in the report, in a count and in a log line.
TEST_F(RefusalTest, NotOfATornTail) {
  ASSERT_EQ(Open(), absl::OkStatus());
  Write([](LogBatch& batch) { batch.Append(kGroup, MakeEntries(1, 1, 1)); });
  storage_.reset();
  std::string log = fs_.Contents()[kSegment];
  log.replace(2 * kBlock + 3, 5, "noise");
  fs_.Put(kSegment, log);
  Lines lines;
  log_options_.logger = &lines;

  ASSERT_EQ(Open(), absl::OkStatus());
  const absl::optional<TornTail> torn = storage_->report().torn_tail;
  ASSERT_TRUE(torn.has_value());
  EXPECT_EQ(torn->file, kSegment);
  EXPECT_EQ(torn->offset, 2 * kBlock);
  EXPECT_EQ(torn->bytes, 8u);
  EXPECT_EQ(torn->sequence, 3u) << "after the head and the batch";
  EXPECT_EQ(storage_->log().stats().torn_tails, 1u);
  ASSERT_EQ(lines.lines.size(), 1u);
  EXPECT_TRUE(absl::StrContains(lines.lines[0], absl::StrCat(kSegment, ": cut 8 bytes at 1024")))
      << lines.lines[0];
  EXPECT_EQ(storage_->LastIndex(), 1u);

  ASSERT_EQ(Open(), absl::OkStatus());
  EXPECT_FALSE(storage_->report().torn_tail.has_value());
  EXPECT_EQ(storage_->log().stats().torn_tails, 0u);
  EXPECT_EQ(lines.lines.size(), 1u);
}

TEST_F(RefusalTest, BadFormatOfAnotherVersion) {
  ASSERT_EQ(Open(), absl::OkStatus());
  storage_.reset();
  std::string log = fs_.Contents()[kSegment];
  auto header = *wal::DecodeHeader(log.data(), 0);
  header.version = wal::kVersion + 1;
  wal::EncodeBodyPrefix(header, log.data());
  wal::Checksum body(0);
  body.Add({log.data(), wal::kFrameBodyPrefixBytes});
  body.Add({log.data() + wal::kFrameHeaderBytes, header.payload_bytes + header.padding_bytes});
  header.body_checksum = body.value();
  wal::EncodeHeaderEnd(header, 0, log.data());
  fs_.Put(kSegment, log);
  const absl::Status status = Open();
  EXPECT_TRUE(IsBadFormat(status)) << status;
  EXPECT_EQ(ErrorInfoOf(status)->file, kSegment);
}

// Not the same as a mark that a crash has torn, of which there is another copy.
TEST_F(RefusalTest, BadFormatOfAMarkOfAnotherVersion) {
  ASSERT_EQ(Open(), absl::OkStatus());
  storage_.reset();
  for (auto [name, bytes] : fs_.Contents()) {
    if (!absl::EndsWith(name, wal::kMarkName)) continue;
    for (const uint64_t offset : {uint64_t{0}, wal::MarkFile::kCopyOffset}) {
      char* const copy = bytes.data() + offset;
      wal::StoreLittleEndian(uint32_t{2}, copy + 4);
      const size_t checked = wal::MarkFile::kCopyBytes - 4;
      wal::StoreLittleEndian(wal::ChecksumOf({copy, checked}), copy + checked);
    }
    fs_.Put(name, bytes);
  }
  const absl::Status status = Open();
  EXPECT_TRUE(IsBadFormat(status)) << status;
}

TEST_F(RefusalTest, ForeignOfAnotherCluster) {
  ASSERT_EQ(Open(), absl::OkStatus());
  log_options_.identity.cluster_id = 8;
  const absl::Status status = Open();
  EXPECT_TRUE(IsForeign(status)) << status;
}

TEST_F(RefusalTest, LockedTwice) {
  ASSERT_EQ(Open(), absl::OkStatus());
  const absl::Status status = DiskStorage::OpenDirectory(fs_, "d", log_options_, {}).status();
  EXPECT_TRUE(IsLocked(status)) << status;
}

TEST_F(RefusalTest, MisplacedOfARecordOfAnotherSegment) {
  const absl::Status status = OpenForged(
      [](wal::BatchEncoder& encoder) {
        encoder.AddHardState(kGroup, {1, 1, 0});
      },
      2);
  EXPECT_TRUE(IsMisplaced(status)) << status;
  EXPECT_EQ(ErrorInfoOf(status)->offset, kBlock);
}

TEST_F(RefusalTest, CorruptionSaysWhichPart) {
  ASSERT_EQ(Open(), absl::OkStatus());
  Write([](LogBatch& batch) { batch.Append(kGroup, MakeEntries(1, 1, 1)); });
  Write([](LogBatch& batch) { batch.Append(kGroup, MakeEntries(1, 2, 1)); });
  storage_.reset();
  const std::string sound = fs_.Contents()[kSegment];
  struct {
    const char* name;
    size_t at;
    const char* part;
  } const cases[] = {
      {"the length", kBlock + 8, "header"},
      {"an entry's data", kBlock + wal::kFrameHeaderBytes + 50, "payload"},
      {"the last byte of the block", 2 * kBlock - 1, "padding"},
  };
  for (const auto& c : cases) {
    std::string log = sound;
    log[c.at] ^= 1;
    fs_.Put(kSegment, log);
    const absl::Status status = Open();
    EXPECT_TRUE(IsCorruption(status)) << c.name << ": " << status;
    EXPECT_EQ(ErrorInfoOf(status)->offset, kBlock) << c.name;
    EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat(": ", c.part, ": ")))
        << c.name << ": " << status;
  }
}

TEST_F(RefusalTest, GapBetweenEntries) {
  const absl::Status status = OpenForged([](wal::BatchEncoder& encoder) {
    encoder.AddEntries(kGroup, MakeEntries(1, 1, 2), 0);
    encoder.AddEntries(kGroup, MakeEntries(1, 4, 2), 0);
    encoder.AddHardState(kGroup, {1, 1, 1});
  });
  EXPECT_TRUE(IsGap(status)) << status;
}

TEST_F(RefusalTest, InconsistentOfRecordsThatContradictEachOther) {
  struct {
    const char* name;
    std::function<void(wal::BatchEncoder&)> fill;
  } const cases[] = {
      {"the term falls",
       [](wal::BatchEncoder& encoder) {
         encoder.AddEntries(kGroup, MakeEntries(3, 1, 2), 0);
         encoder.AddEntries(kGroup, MakeEntries(2, 3, 2), 0);
       }},
      {"the commit index is behind the last entry",
       [](wal::BatchEncoder& encoder) {
         encoder.AddEntries(kGroup, MakeEntries(1, 1, 2), 0);
         encoder.AddHardState(kGroup, {1, 1, 3});
       }},
  };
  for (const auto& c : cases) {
    fs_.Drop(kSegment);
    fs_.Drop("d/log/MARK");
    const absl::Status status = OpenForged(c.fill);
    EXPECT_TRUE(IsInconsistent(status)) << c.name << ": " << status;
  }
}

TEST_F(RefusalTest, SnapshotCorrupt) {
  MakeCompacted();
  std::string snapshot = fs_.Contents()[kSnapshot];
  ASSERT_FALSE(snapshot.empty());
  snapshot[snapshot.size() / 2] ^= 1;
  fs_.Put(kSnapshot, snapshot);
  const absl::Status status = Open();
  EXPECT_TRUE(IsSnapshotCorrupt(status)) << status;
  EXPECT_EQ(ErrorInfoOf(status)->file, kSnapshot);
}

TEST_F(RefusalTest, SnapshotMissing) {
  MakeCompacted();
  fs_.Drop(kSnapshot);
  const absl::Status status = Open();
  EXPECT_TRUE(IsSnapshotMissing(status)) << status;
}

TEST_F(RefusalTest, SnapshotUnknown) {
  MakeCompacted(false);  // The log starts behind 6, and no record says from what.
  EXPECT_TRUE(IsSnapshotMissing(Open()));
  SnapshotOptions options;
  options.identity = log_options_.identity;
  raftpb::Snapshot snapshot;
  snapshot.metadata = {{}, 6, 1};
  ASSERT_EQ((*SnapshotStore::Open(fs_, "d/snapshots", options))->Save(kGroup, snapshot),
            absl::OkStatus());
  const absl::Status status = Open();
  EXPECT_TRUE(IsSnapshotUnknown(status)) << status;
}

TEST_F(RefusalTest, AReadThatFailsIsNoDamage) {
  MakeCompacted();
  const auto before = fs_.Contents();
  for (const char* path : {"d/log/0000000000000001.wal", "d/log/MARK", kSnapshot}) {
    fs_.SetFaultHook([path](const DiskOperation& operation) {
      DiskFault fault;
      if (operation.kind == DiskOperation::Kind::kRead && operation.path == path) {
        fault.kind = DiskFault::Kind::kIoError;
      }
      return fault;
    });
    const absl::Status status = Open();
    EXPECT_TRUE(IsIoError(status)) << path << ": " << status;
  }
  fs_.SetFaultHook(nullptr);
  EXPECT_EQ(Open(), absl::OkStatus());
  EXPECT_EQ(storage_->LastIndex(), 8u);
  EXPECT_EQ(fs_.Contents()[kSnapshot], before.at(kSnapshot));
}

}  // namespace
}  // namespace storage
