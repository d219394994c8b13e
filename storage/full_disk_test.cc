// A real file system that is filled to the last byte: the process is told, keeps what it
// acknowledged, and opens again. Needs to mount a tmpfs, which only root may; elsewhere it is
// skipped (fault_return_test.cc does the same on a disk in memory).

#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/disk_storage.h"
#include "storage/errors.h"
#include "storage/posix_file_system.h"
#include "storage/testing.h"

namespace storage {
namespace {

class SmallDisk {
 public:
  SmallDisk() : path_(absl::StrCat(testing::TempDir(), "/small_disk_", getpid())) {
    std::filesystem::create_directories(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=1m") == 0;
    if (!mounted_) why_ = std::strerror(errno);
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
    std::filesystem::remove_all(path_);
  }
  const std::string& path() const { return path_; }
  bool mounted() const { return mounted_; }
  const std::string& why() const { return why_; }

 private:
  const std::string path_;
  bool mounted_ = false;
  std::string why_;
};

TEST(FullDisk, KeepsWhatWasAcknowledgedAndGoesOnWhenThereIsSpace) {
  const SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "no tmpfs can be mounted here: " << disk.why();
  const std::string directory = disk.path() + "/server";
  LogOptions log_options;
  log_options.identity = {7, 1};
  log_options.segment_bytes = 128 << 10;
  const auto open = [&] {
    return DiskStorage::OpenDirectory(PosixFileSystem(), directory, log_options, {});
  };
  const auto append = [](DiskStorage& storage, raft::Index index) {
    SaveRequest request;
    request.entries = MakeEntries(1, index, 1, 10000);
    return storage.Save(request);
  };
  auto storage = *open();
  raft::Index next = 1;
  absl::Status status;
  while ((status = append(*storage, next)).ok() && next < 1000) ++next;
  EXPECT_TRUE(IsNoSpace(status)) << status;
  EXPECT_GT(next, 50u);

  // Somebody else takes the rest, to the last byte.
  {
    std::ofstream filler(disk.path() + "/filler");
    while (filler << std::string(512, 'x') << std::flush) continue;
  }
  EXPECT_TRUE(IsNoSpace(append(*storage, next)));
  EXPECT_EQ(storage->LastIndex(), next - 1);
  EXPECT_TRUE(storage->Entries({1, next}, raft::kNoLimit).ok());
  const absl::Status snapshot = storage->SaveSnapshot(0, {}, absl::Cord(std::string(1 << 20, 'x')));
  EXPECT_TRUE(IsNoSpace(snapshot)) << snapshot;

  storage.reset();  // As if killed.
  auto again = open();
  ASSERT_TRUE(again.ok()) << again.status();
  storage = *std::move(again);
  EXPECT_EQ(storage->LastIndex(), next - 1);
  EXPECT_EQ(*storage->Entries({next - 1, next}, 0), MakeEntries(1, next - 1, 1, 10000));
  EXPECT_TRUE(IsNoSpace(append(*storage, next)));

  std::filesystem::remove(disk.path() + "/filler");
  ASSERT_EQ(::mount("tmpfs", disk.path().c_str(), "tmpfs", MS_REMOUNT, "size=2m"), 0);
  EXPECT_EQ(append(*storage, next), absl::OkStatus());
  ASSERT_EQ(storage->Close(), absl::OkStatus());
  storage.reset();
  storage = *open();
  EXPECT_EQ(storage->LastIndex(), next);
}

}  // namespace
}  // namespace storage
