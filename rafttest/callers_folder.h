// Paths as the caller of a program means them.
#ifndef RAFT_RAFTTEST_CALLERS_FOLDER_H_
#define RAFT_RAFTTEST_CALLERS_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <string>

namespace rafttest {

// `bazel run` changes the folder, and leaves word of where it was called.
inline std::string FromCallersFolder(const std::string& path) {
  const char* caller = std::getenv("BUILD_WORKING_DIRECTORY");
  const std::filesystem::path base = caller != nullptr ? caller : std::filesystem::current_path();
  return (base / path).lexically_normal().string();
}

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_CALLERS_FOLDER_H_
