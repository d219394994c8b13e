// A directory for the time of a test.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEMP_DIRECTORY_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEMP_DIRECTORY_H_

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "raft/check.h"

namespace raftexample {

class TempDirectory {
 public:
  TempDirectory() {
    const char* root = ::getenv("TEST_TMPDIR");
    path_ = std::string(root != nullptr ? root : "/tmp") + "/raftexample.XXXXXX";
    RAFT_CHECK(::mkdtemp(path_.data()) != nullptr) << path_;
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TESTING_TEMP_DIRECTORY_H_
