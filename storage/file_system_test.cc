// What both file systems, that of the operating system and that of the tests, promise; and writing
// and reading in full over files that do a little at a time.

#include "storage/file_system.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "storage/errors.h"
#include "storage/faulty_file_system.h"
#include "storage/posix_file_system.h"

namespace storage {
namespace {

struct World {
  const char* name;
  bool posix;
};

class FileSystemTest : public testing::TestWithParam<World> {
 protected:
  FileSystem& fs() { return GetParam().posix ? PosixFileSystem() : faulty_; }

  // A directory of each test's own.
  std::string Directory() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = absl::StrCat(test->name());
    std::replace(name.begin(), name.end(), '/', '_');
    const std::string path = GetParam().posix ? JoinPath(testing::TempDir(), name) : name;
    EXPECT_EQ(CreateDirectories(fs(), path), absl::OkStatus());
    return path;
  }

  std::unique_ptr<File> Create(const std::string& path, const std::string& contents) {
    auto file = fs().Open(path, OpenMode::kCreate);
    EXPECT_EQ(file.status(), absl::OkStatus());
    EXPECT_EQ(WriteFully(**file, 0, {contents}), absl::OkStatus());
    return *std::move(file);
  }

  static std::string ContentsOf(const File& file) {
    std::string contents(*file.Size() + 10, '?');
    contents.resize(*ReadFully(file, 0, contents.data(), contents.size()));
    return contents;
  }

  FaultyFileSystem faulty_;
};

INSTANTIATE_TEST_SUITE_P(, FileSystemTest,
                         testing::Values(World{"Posix", true}, World{"Faulty", false}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(FileSystemTest, FilesAreMadeOnceAndThenFound) {
  const std::string directory = Directory();
  const std::string path = JoinPath(directory, "a");
  EXPECT_TRUE(absl::IsNotFound(fs().Open(path, OpenMode::kRead).status()));
  EXPECT_TRUE(absl::IsNotFound(fs().Open(path, OpenMode::kWrite).status()));
  EXPECT_FALSE(*Exists(fs(), path));
  Create(path, "words");
  EXPECT_TRUE(*Exists(fs(), path));
  EXPECT_TRUE(absl::IsAlreadyExists(fs().Open(path, OpenMode::kCreate).status()));
  for (OpenMode mode : {OpenMode::kRead, OpenMode::kReadDirect, OpenMode::kWrite}) {
    const auto file = fs().Open(path, mode);
    ASSERT_EQ(file.status(), absl::OkStatus());
    EXPECT_EQ(ContentsOf(**file), "words");
  }
}

TEST_P(FileSystemTest, WhatIsNewReadsAsZeros) {
  const auto file = Create(JoinPath(Directory(), "a"), "words");
  ASSERT_EQ(file->Allocate(9), absl::OkStatus());
  EXPECT_EQ(ContentsOf(*file), std::string("words\0\0\0\0", 9));
  ASSERT_EQ(file->Allocate(3), absl::OkStatus());
  EXPECT_EQ(*file->Size(), 9u) << "reserving less takes nothing away";
  ASSERT_EQ(file->Truncate(2), absl::OkStatus());
  ASSERT_EQ(file->Truncate(4), absl::OkStatus());
  EXPECT_EQ(ContentsOf(*file), std::string("wo\0\0", 4));
  ASSERT_EQ(WriteFully(*file, 6, {"end"}), absl::OkStatus());
  EXPECT_EQ(ContentsOf(*file), std::string("wo\0\0\0\0end", 9));
  EXPECT_EQ(file->Sync(), absl::OkStatus());
}

TEST_P(FileSystemTest, RenamingReplacesAndRemovingIsOnce) {
  const std::string directory = Directory();
  Create(JoinPath(directory, "b"), "old");
  Create(JoinPath(directory, "a"), "new");
  EXPECT_EQ(absl::StrJoin(*fs().List(directory), " "), "a b");
  ASSERT_EQ(fs().Rename(JoinPath(directory, "a"), JoinPath(directory, "b")), absl::OkStatus());
  EXPECT_EQ(absl::StrJoin(*fs().List(directory), " "), "b");
  EXPECT_EQ(ContentsOf(**fs().Open(JoinPath(directory, "b"), OpenMode::kRead)), "new");
  EXPECT_EQ(fs().SyncDirectory(directory), absl::OkStatus());
  EXPECT_EQ(fs().Remove(JoinPath(directory, "b")), absl::OkStatus());
  EXPECT_TRUE(absl::IsNotFound(fs().Remove(JoinPath(directory, "b"))));
  EXPECT_TRUE(absl::IsNotFound(fs().Rename(JoinPath(directory, "b"), JoinPath(directory, "c"))));
}

TEST_P(FileSystemTest, AnOpenFileOutlivesItsName) {
  const std::string path = JoinPath(Directory(), "a");
  const auto file = Create(path, "words");
  ASSERT_EQ(fs().Remove(path), absl::OkStatus());
  EXPECT_EQ(ContentsOf(*file), "words");
}

TEST_P(FileSystemTest, ALockIsHeldByOneUntilItIsDestroyed) {
  const std::string path = JoinPath(Directory(), "LOCK");
  auto first = fs().Lock(path);
  ASSERT_EQ(first.status(), absl::OkStatus());
  EXPECT_TRUE(IsLocked(fs().Lock(path).status()));
  first->reset();
  EXPECT_EQ(fs().Lock(path).status(), absl::OkStatus());
}

// More than a system call takes at once.
TEST_P(FileSystemTest, WritesAnyNumberOfPieces) {
  const auto file = Create(JoinPath(Directory(), "a"), "");
  std::string all;
  std::vector<std::string> words;
  for (int i = 0; i < 5000; ++i) words.push_back(i % 7 == 0 ? "" : absl::StrCat(i, " "));
  for (const std::string& word : words) all += word;
  const std::vector<absl::string_view> pieces(words.begin(), words.end());
  ASSERT_EQ(WriteFully(*file, 0, pieces), absl::OkStatus());
  EXPECT_EQ(ContentsOf(*file), all);
}

// Past the page cache where all is aligned, through it elsewhere, and always the same bytes.
TEST_P(FileSystemTest, WritesDurablyWhateverIsAsked) {
  constexpr size_t kBytes = 1 << 16;
  const std::unique_ptr<char, decltype(&std::free)> memory(
      static_cast<char*>(std::aligned_alloc(4096, kBytes)), &std::free);
  const std::string directory = Directory();
  const std::string path = JoinPath(directory, "a");
  const auto file = Create(path, "");
  ASSERT_EQ(file->Allocate(kBytes), absl::OkStatus());
  std::string expected(kBytes, '\0');
  struct Piece {
    uint64_t offset;
    size_t from;  // In memory.
    size_t bytes;
  };
  const Piece pieces[] = {{0, 0, 4096},       {4096, 512, 512}, {4608, 0, 1024},
                          {5632, 0, 700},     {6332, 0, 512},   {512, 3, 512},
                          {1024, 1024, 4096}, {0, 0, 512},      {8192, 0, kBytes / 2},
                          {0, 0, 0},          {65024, 0, 512},  {40960, 4096, 20000}};
  char letter = 'a';
  for (const Piece& piece : pieces) {
    std::fill_n(memory.get() + piece.from, piece.bytes, letter);
    const absl::string_view bytes(memory.get() + piece.from, piece.bytes);
    ASSERT_EQ(file->WriteDurably(piece.offset, {&bytes, 1}), absl::OkStatus()) << letter;
    expected.replace(piece.offset, piece.bytes, piece.bytes, letter);
    EXPECT_TRUE(ContentsOf(*file) == expected) << letter;
    if (letter == 'd') {
      ASSERT_EQ(fs().Rename(path, JoinPath(directory, "b")), absl::OkStatus());
    }
    ++letter;
  }
  ASSERT_EQ(file->WriteDurably(100, {"some", "", "words"}), absl::OkStatus());
  expected.replace(100, 9, "somewords");
  ASSERT_EQ(file->WriteDurably(kBytes, {"longer"}), absl::OkStatus());
  expected += "longer";
  EXPECT_TRUE(ContentsOf(*file) == expected);
  EXPECT_TRUE(ContentsOf(**fs().Open(JoinPath(directory, "b"), OpenMode::kRead)) == expected);
}

// --- A little at a time --------------------------------------------------------------------------

// Takes and gives at most so many bytes at once, and is interrupted before each.
class SlowFile : public File {
 public:
  explicit SlowFile(size_t at_once) : at_once_(at_once) {}

  absl::StatusOr<size_t> Read(uint64_t offset, char* into, size_t size) const override {
    if ((interrupted_ = !interrupted_)) return Interrupted();
    const size_t end = std::min<size_t>(contents.size(), offset + std::min(size, at_once_));
    const size_t count = end - std::min<size_t>(end, offset);
    contents.copy(into, count, offset);
    return count;
  }
  absl::StatusOr<size_t> Write(uint64_t offset,
                               absl::Span<const absl::string_view> pieces) override {
    if ((interrupted_ = !interrupted_)) return Interrupted();
    EXPECT_EQ(offset, contents.size()) << "bytes are repeated or left out";
    const std::string all = absl::StrJoin(pieces, "");
    contents += all.substr(0, at_once_);
    return std::min(all.size(), at_once_);
  }
  absl::Status Allocate(uint64_t) override { return absl::OkStatus(); }
  absl::Status Truncate(uint64_t) override { return absl::OkStatus(); }
  absl::Status Sync() override { return absl::OkStatus(); }
  absl::StatusOr<uint64_t> Size() const override { return contents.size(); }

  std::string contents;

 private:
  const size_t at_once_;
  mutable bool interrupted_ = false;
};

TEST(InFull, WhateverAFileTakesAtOnce) {
  const absl::string_view pieces[] = {"", "abc", "", "d", "efghij", "", "kl", ""};
  for (size_t at_once = 1; at_once <= 14; ++at_once) {
    SlowFile file(at_once);
    EXPECT_EQ(WriteFully(file, 0, pieces), absl::OkStatus()) << at_once;
    EXPECT_EQ(file.contents, "abcdefghijkl") << at_once;
    std::string read(20, '?');
    EXPECT_EQ(*ReadFully(file, 0, read.data(), read.size()), 12u) << at_once;
    EXPECT_EQ(read.substr(0, 12), "abcdefghijkl") << at_once;
  }
}

TEST(InFull, NothingIsNoWork) {
  SlowFile file(1);
  EXPECT_EQ(file.WriteDurably(0, {}), absl::OkStatus());
  EXPECT_EQ(WriteFully(file, 0, {}), absl::OkStatus());
  EXPECT_EQ(WriteFully(file, 0, {"", ""}), absl::OkStatus());
  EXPECT_EQ(file.contents, "");
}

TEST(InFull, AFileThatTakesNothingIsAnError) {
  SlowFile file(0);
  EXPECT_TRUE(IsIoError(WriteFully(file, 0, {"abc"})));
}

}  // namespace
}  // namespace storage
