// Damage to synced data: every bit flipped, every sector and word replaced, every file cut,
// removed, duplicated or exchanged. Opening must give back everything, or everything but a last
// batch that no mark vouches for and say so, or refuse with a typed error. Never other data, never
// a crash, and no allocation beyond what is on disk.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "storage/errors.h"
#include "storage/faulty_file_system.h"
#include "storage/log_store.h"
#include "storage/snapshot_store.h"
#include "storage/testing.h"

namespace {
size_t largest_allocation = 0;
}  // namespace

// Watches that hostile lengths are not believed.
ABSL_ATTRIBUTE_NOINLINE void* operator new(size_t size) {
  if (size > largest_allocation) largest_allocation = size;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
ABSL_ATTRIBUTE_NOINLINE void operator delete(void* memory) noexcept { std::free(memory); }
ABSL_ATTRIBUTE_NOINLINE void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace storage {
namespace {

#ifdef NDEBUG
constexpr size_t kStride = 1;  // Everything.
#else
constexpr size_t kStride = 17;  // Prime: all places and bits in turn.
#endif

constexpr size_t kSector = 512;

LogOptions Options() {
  LogOptions options;
  options.identity = {7, 1};
  options.segment_bytes = 6144;
  options.record_bytes = 400;  // Batches of several records.
  return options;
}

// Everything that a log says.
std::string Dump(const LogStore& log) {
  std::string text;
  for (GroupId id : log.Groups()) {
    const LogStore::GroupState state = *log.Find(id);
    absl::StrAppend(&text, "group ", id, " term ", state.hard_state.term, " vote ",
                    state.hard_state.vote, " commit ", state.hard_state.commit, " from ",
                    state.compacted.term, "/", state.compacted.index, "\n");
    if (state.last.index == state.compacted.index) continue;
    const auto entries =
        log.Entries(id, {state.compacted.index + 1, state.last.index + 1}, raft::kNoLimit);
    if (!entries.ok()) return absl::StrCat("unreadable: ", entries.status().ToString());
    for (const raftpb::Entry& entry : *entries) {
      absl::StrAppend(&text, entry.term, "/", entry.index, " ", static_cast<int>(entry.type), " ",
                      std::string(entry.data), "\n");
    }
  }
  return text;
}

// About 10 KB of log in two segments, for three groups.
struct Reference {
  std::map<std::string, std::string> files;
  std::string whole;         // What is in it,
  std::string without_last;  // and without the last batch.
};

Reference MakeReference(bool closed) {
  FaultyFileSystem fs;
  Reference reference;
  auto log = *LogStore::Create(fs, "log", Options());
  std::map<GroupId, raft::Index> last;
  for (raft::Term term = 1; log->stats().segments < 2 || term % 8 != 0; ++term) {
    reference.without_last = Dump(*log);
    LogBatch batch;
    for (GroupId group = 1; group <= 3; ++group) {
      if (term % group != 0) continue;
      raftpb::EntryList entries = MakeEntries(term, last[group] + 1, 1 + term % 3, 20 + 90 * group);
      raftpb::Entry odd = MakeEntry(term, entries.back().index + 1, "typed");
      odd.type = raftpb::EntryType::kConfChangeV2;
      odd.type_is_explicit = true;
      entries.PushBack(odd);
      batch.Append(group, entries);
      last[group] = entries.back().index;
      batch.SetHardState(group, {term, group, last[group] - 1});
    }
    EXPECT_EQ(log->Write(batch), absl::OkStatus());
  }
  reference.whole = Dump(*log);
  if (closed) {
    EXPECT_EQ(log->Close(), absl::OkStatus());
  } else {
    // The mark says nothing of the last batches: as if a crash had torn both copies.
    const std::string mark = fs.Contents().at("log/MARK");
    for (size_t at = 8; at < 4096; ++at) {
      if (mark[at] != 0) fs.Rot("log/MARK", at, static_cast<uint8_t>(mark[at]));
      if (mark[4096 + at] != 0)
        fs.Rot("log/MARK", 4096 + at, static_cast<uint8_t>(mark[4096 + at]));
    }
  }
  log.reset();
  reference.files = fs.Contents();
  return reference;
}

// Counts of what happened, by name.
class Outcomes {
 public:
  // Opens the files and judges; `what` explains a failure. `live`: it must not go unnoticed, even
  // if nothing is lost.
  void Check(const std::map<std::string, std::string>& files, const Reference& reference,
             bool closed, const std::string& what, bool live = false) {
    FaultyFileSystem fs;
    (void)fs.CreateDirectory("log");
    size_t bytes = 0;
    for (const auto& [path, contents] : files) {
      fs.Put(path, contents);
      bytes += contents.size();
    }
    largest_allocation = 0;
    const absl::StatusOr<std::unique_ptr<LogStore>> log = LogStore::Open(fs, "log", Options());
    ASSERT_LE(largest_allocation, bytes + 8192) << what;
    ++total_;
    if (!log.ok()) {
      const absl::optional<ErrorInfo> info = ErrorInfoOf(log.status());
      ASSERT_TRUE(info.has_value()) << what << ": untyped " << log.status();
      ++counts_[std::string(Name(info->kind))];
      return;
    }
    const std::string found = Dump(**log);
    if (found == reference.whole) {
      ASSERT_FALSE(live) << what << ": a byte of a record that no checksum covers";
      ++counts_["identical"];
      return;
    }
    ASSERT_FALSE(closed) << what << ": silent loss\n" << found;
    ASSERT_EQ(found, reference.without_last) << what;
    ++counts_[(*log)->report().torn_tail.has_value() ? "torn tail cut" : "last batch never seen"];
    if (!(*log)->report().torn_tail.has_value()) never_seen_.push_back(what);
  }

  void Print(const char* name) const {
    std::printf("%s: %zu images;", name, total_);
    for (const auto& [outcome, count] : counts_) std::printf(" %zu %s,", count, outcome.c_str());
    std::printf(" 0 silent\n");
  }
  size_t total() const { return total_; }
  size_t count(const std::string& outcome) const {
    const auto it = counts_.find(outcome);
    return it == counts_.end() ? 0 : it->second;
  }
  const std::vector<std::string>& never_seen() const { return never_seen_; }

 private:
  size_t total_ = 0;
  std::map<std::string, size_t> counts_;
  std::vector<std::string> never_seen_;  // A last batch of one sector that is gone without a trace.
};

bool IsSegment(const std::string& path) { return path.find(".wal") != std::string::npos; }

TEST(Damage, EveryBit) {
  for (bool closed : {true, false}) {
    const Reference reference = MakeReference(closed);
    Outcomes outcomes;
    size_t segments = 0;
    size_t turn = 0;
    for (const auto& [path, contents] : reference.files) {
      segments += IsSegment(path);
      const size_t end = (contents.find_last_not_of('\0') / kSector + 1) * kSector;
      for (size_t offset = 0; offset < contents.size(); ++offset) {
        // Of the zeros at the end of the file and in the mark a sample is enough.
        const bool live = contents[offset] != 0 || offset % 64 < 4;
        if (!live && offset % 97 != 0) continue;
        for (int bit = 0; bit < 8; ++bit) {
          if (++turn % kStride != 0) continue;
          std::map<std::string, std::string> files = reference.files;
          files[path][offset] = static_cast<char>(files[path][offset] ^ (1 << bit));
          outcomes.Check(files, reference, closed, absl::StrCat(path, " ", offset, ".", bit),
                         IsSegment(path) && offset < end);
          if (HasFatalFailure()) return;
        }
      }
    }
    EXPECT_GE(segments, 2u);
    outcomes.Print(closed ? "every bit, closed" : "every bit, crashed");
    EXPECT_GT(outcomes.count("corruption"), 100u);
    EXPECT_EQ(outcomes.count("last batch never seen"), 0u);
    EXPECT_EQ(outcomes.count("torn tail cut") > 0, !closed);
  }
}

TEST(Damage, EverySectorAndWord) {
  for (bool closed : {true, false}) {
    const Reference reference = MakeReference(closed);
    Outcomes outcomes;
    uint64_t random = 1;
    for (const auto& [path, contents] : reference.files) {
      const auto check = [&](size_t offset, absl::string_view bytes, absl::string_view how) {
        std::map<std::string, std::string> files = reference.files;
        files[path].replace(offset, bytes.size(), bytes.data(), bytes.size());
        outcomes.Check(files, reference, closed, absl::StrCat(path, " ", offset, " ", how));
      };
      for (size_t offset = 0; offset + 8 <= contents.size(); offset += 8) {
        if (absl::string_view(contents).substr(offset, 8).find_first_not_of('\0') !=
            absl::string_view::npos) {
          check(offset, std::string(8, '\0'), "word to zero");
        }
        if (HasFatalFailure()) return;
      }
      for (size_t offset = 0; offset + kSector <= contents.size(); offset += kSector) {
        check(offset, std::string(kSector, '\0'), "to zero");
        std::string garbage(kSector, '\0');
        for (char& byte : garbage)
          byte = static_cast<char>((random = random * 6364136223846793005 + 1) >> 56);
        check(offset, garbage, "to garbage");
        // Its own older content: zeros behind its first half, as before a later write.
        std::string older = contents.substr(offset, kSector / 2);
        older.resize(kSector);
        check(offset, older, "half older");
        for (const auto& [other_path, other] : reference.files) {
          for (size_t from = 0; from + kSector <= other.size(); from += kSector) {
            if (other_path == path && from == offset) continue;
            check(offset, absl::string_view(other).substr(from, kSector),
                  absl::StrCat("from ", other_path, " ", from));
            if (HasFatalFailure()) return;
          }
        }
      }
    }
    outcomes.Print(closed ? "every sector and word, closed" : "every sector and word, crashed");
    EXPECT_GT(outcomes.count("misplaced"), 0u);
    EXPECT_GT(outcomes.count("corruption"), 0u);
    // A last batch of one sector, gone as a whole: nothing but a mark can tell that it ever was.
    for (const std::string& what : outcomes.never_seen()) EXPECT_FALSE(closed) << what;
  }
}

TEST(Damage, EveryFile) {
  for (bool closed : {true, false}) {
    const Reference reference = MakeReference(closed);
    Outcomes outcomes;
    size_t turn = 0;
    for (const auto& [path, contents] : reference.files) {
      for (size_t size = 0; size < contents.size(); ++size) {
        const bool live = contents[size] != 0 || size % kSector == 0;
        if (!live && size % 31 != 0) continue;
        if (++turn % kStride != 0) continue;
        std::map<std::string, std::string> files = reference.files;
        files[path].resize(size);
        outcomes.Check(files, reference, closed, absl::StrCat(path, " cut to ", size));
        if (HasFatalFailure()) return;
      }
      std::map<std::string, std::string> removed = reference.files;
      removed.erase(path);
      outcomes.Check(removed, reference, closed, absl::StrCat(path, " removed"));
      for (const char* name :
           {"log/0000000000000001.wal", "log/0000000000000002.wal", "log/0000000000000003.wal",
            "log/0000000000000009.wal", "log/MARK", "log/x.tmp", "log/notes"}) {
        std::map<std::string, std::string> copied = reference.files;
        copied[name] = contents;
        outcomes.Check(copied, reference, closed, absl::StrCat(path, " copied to ", name));
        if (path == name) continue;
        copied.erase(path);
        outcomes.Check(copied, reference, closed, absl::StrCat(path, " renamed to ", name));
      }
      for (const auto& [other, other_contents] : reference.files) {
        std::map<std::string, std::string> swapped = reference.files;
        swapped[path] = other_contents;
        swapped[other] = contents;
        outcomes.Check(swapped, reference, closed, absl::StrCat(path, " swapped with ", other));
      }
      if (HasFatalFailure()) return;
    }
    outcomes.Print(closed ? "every file, closed" : "every file, crashed");
    EXPECT_GT(outcomes.count("gap"), 0u);
  }
}

TEST(Damage, AMissingNewestSegmentIsAGap) {
  const Reference reference = MakeReference(true);
  FaultyFileSystem fs;
  (void)fs.CreateDirectory("log");
  for (const auto& [path, contents] : reference.files) fs.Put(path, contents);
  fs.Drop("log/0000000000000002.wal");
  const absl::Status status = LogStore::Open(fs, "log", Options()).status();
  EXPECT_TRUE(IsGap(status)) << status;
  EXPECT_EQ(ErrorInfoOf(status)->file, "log/0000000000000002.wal");
}

// What stood behind the end before, and was never cleared: valid records at the very places where
// the next ones go.
TEST(Damage, StaleTails) {
  for (bool closed : {true, false}) {
    const Reference reference = MakeReference(closed);
    const std::string newest = "log/0000000000000002.wal";
    const std::string& contents = reference.files.at(newest);
    const size_t end = (contents.find_last_not_of('\0') / kSector + 1) * kSector;
    Outcomes outcomes;
    for (const auto& [path, other] : reference.files) {
      for (size_t from = 0; from < other.size(); from += kSector) {
        for (size_t size : {kSector, 2 * kSector, other.size()}) {
          for (size_t distance : {size_t{0}, size_t{8}, kSector}) {
            std::string piece = other.substr(from, size);
            if (piece.find_first_not_of('\0') == std::string::npos) continue;
            std::map<std::string, std::string> files = reference.files;
            std::string& file = files[newest];
            file.resize(std::max(file.size(), end + distance + piece.size()));
            file.replace(end + distance, piece.size(), piece);
            outcomes.Check(files, reference, closed,
                           absl::StrCat(path, " from ", from, " behind the end + ", distance));
            if (HasFatalFailure()) return;
          }
        }
      }
    }
    outcomes.Print(closed ? "stale tails, closed" : "stale tails, crashed");
    EXPECT_GT(outcomes.count("misplaced"), 0u);
    EXPECT_GT(outcomes.count("identical"), 0u);
    EXPECT_EQ(outcomes.count("last batch never seen"), 0u);
  }
}

// A snapshot file is its data, or an error.
TEST(Damage, EveryByteOfASnapshot) {
  SnapshotOptions options;
  options.identity = {7, 1};
  options.chunk_bytes = 300;
  raftpb::Snapshot snapshot;
  snapshot.metadata.conf_state.voters = {1, 2, 3};
  snapshot.metadata.index = 9;
  snapshot.metadata.term = 2;
  for (int i = 0; i < 100; ++i) snapshot.data.Append(absl::StrCat("line ", i, "\n"));
  FaultyFileSystem fs;
  ASSERT_EQ((*SnapshotStore::Open(fs, "snap", options))->Save(5, snapshot), absl::OkStatus());
  std::string path;
  for (const auto& [name, contents] : fs.Contents()) path = name;
  const std::string contents = fs.Contents().at(path);
  size_t images = 0;
  const auto check = [&](const std::string& damaged, size_t where) {
    FaultyFileSystem other;
    auto store = *SnapshotStore::Open(other, "snap", options);
    (void)other.CreateDirectory("snap/0000000000000005");
    other.Put(path, damaged);
    largest_allocation = 0;
    const auto loaded = store->Load(5, {2, 9});
    ASSERT_LE(largest_allocation, damaged.size() + 4096) << where;
    ++images;
    ASSERT_FALSE(loaded.ok()) << "silent, at byte " << where;
    ASSERT_TRUE(ErrorInfoOf(loaded.status()).has_value()) << loaded.status();
  };
  for (size_t offset = 0; offset < contents.size(); ++offset) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = contents;
      damaged[offset] = static_cast<char>(damaged[offset] ^ (1 << bit));
      check(damaged, offset);
    }
    check(contents.substr(0, offset), offset);
    if (HasFatalFailure()) return;
  }
  check(contents + "x", contents.size());
  std::printf("every bit and length of a snapshot: %zu images, all refused\n", images);
}

}  // namespace
}  // namespace storage
