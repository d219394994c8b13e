#include "examples/raftexample/server/data_directory.h"

#include <sys/stat.h>

#include <fstream>
#include <memory>
#include <string>

#include "examples/raftexample/testing/temp_directory.h"
#include "gtest/gtest.h"
#include "storage/posix_file_system.h"

namespace raftexample {
namespace {

class DataDirectoryTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<DataDirectory>> Open() {
    return DataDirectory::Open(storage::PosixFileSystem(), path_);
  }
  std::string Refusal() {
    const auto opened = Open();
    return opened.ok() ? "none" : std::string(opened.status().message());
  }

  const TempDirectory temp_;
  const std::string path_ = temp_.path() + "/data";
};

TEST_F(DataDirectoryTest, RemembersWhoseItIs) {
  const DataDirectory::Identity identity = {.ids = {.cluster_id = 5, .node_id = 7}, .joined = true};
  {
    auto directory = Open();
    ASSERT_TRUE(directory.ok()) << directory.status();
    EXPECT_FALSE((*directory)->identity().has_value());
    ASSERT_TRUE((*directory)->Found(identity).ok());
  }
  auto directory = Open();
  ASSERT_TRUE(directory.ok()) << directory.status();
  ASSERT_TRUE((*directory)->identity().has_value());
  EXPECT_EQ((*directory)->identity()->ids, identity.ids);
  EXPECT_TRUE((*directory)->identity()->joined);
}

TEST_F(DataDirectoryTest, IsForItsOwnerOnly) {
  auto directory = Open();
  ASSERT_TRUE(directory.ok()) << directory.status();
  ASSERT_TRUE((*directory)->Found({}).ok());
  struct stat status;
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  ASSERT_EQ(stat((path_ + "/IDENTITY").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(DataDirectoryTest, OneProcessAtATime) {
  auto first = Open();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_NE(Refusal().find("in use by another process"), std::string::npos) << Refusal();
}

TEST_F(DataDirectoryTest, ForeignFilesAreRefusedAndLeftAlone) {
  ASSERT_EQ(mkdir(path_.c_str(), 0700), 0);
  std::ofstream(path_ + "/photo.jpg") << "x";
  EXPECT_NE(Refusal().find("\"photo.jpg\", which is not ours"), std::string::npos) << Refusal();
  EXPECT_NE(Refusal().find(path_), std::string::npos) << Refusal();
  struct stat status;
  EXPECT_NE(stat((path_ + "/LOCK").c_str(), &status), 0) << "something was written";
}

TEST_F(DataDirectoryTest, AFileIsNoDirectory) {
  std::ofstream(path_) << "x";
  EXPECT_NE(Refusal(), "none");
}

TEST_F(DataDirectoryTest, ADamagedIdentityIsRefused) {
  ASSERT_TRUE((*Open())->Found({}).ok());
  for (const char* content : {"", "something else",
                              "raftexample data directory, format 2\n1\n2\n"
                              "joined\n"}) {
    std::ofstream(path_ + "/IDENTITY", std::ios::trunc) << content;
    EXPECT_NE(Refusal().find("IDENTITY is not ours"), std::string::npos) << Refusal();
  }
}

// Founding was interrupted: whatever it left is removed, and it starts again.
TEST_F(DataDirectoryTest, LeftoversOfFoundingGo) {
  auto directory = Open();
  ASSERT_TRUE(directory.ok()) << directory.status();
  ASSERT_EQ(mkdir((*directory)->log().c_str(), 0700), 0);
  std::ofstream((*directory)->log() + "/segment") << "x";
  directory = absl::CancelledError("closed");
  directory = Open();
  ASSERT_TRUE(directory.ok()) << directory.status();
  ASSERT_TRUE((*directory)->RemoveLeftovers().ok());
  struct stat status;
  EXPECT_NE(stat((*directory)->log().c_str(), &status), 0);
}

TEST_F(DataDirectoryTest, TheMarkOfAnInstallationLastsUntilItIsCleared) {
  const raftpb::SnapshotMetadata snapshot = {
      .conf_state = {.voters = {1, 2, 3}}, .index = 10, .term = 3};
  {
    auto directory = Open();
    ASSERT_TRUE((*directory)->Found({}).ok());
    EXPECT_FALSE((*directory)->Installing()->has_value());
    ASSERT_TRUE((*directory)->SetInstalling(snapshot).ok());
  }
  auto directory = Open();
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ(**(*directory)->Installing(), snapshot);
  ASSERT_TRUE((*directory)->ClearInstalling().ok());
  EXPECT_FALSE((*directory)->Installing()->has_value());
}

}  // namespace
}  // namespace raftexample
