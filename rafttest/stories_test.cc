// Runs the scripts in the files and folders of its arguments, each as a test of its own.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "rafttest/own_process.h"
#include "rafttest/script_files.h"

namespace rafttest {
namespace {

class Story : public testing::Test {
 public:
  explicit Story(std::string path) : path_(std::move(path)) {}

  void TestBody() override {
    const absl::Status run = InOwnProcess([this] { return RunScriptFile(path_); });
    EXPECT_TRUE(run.ok()) << run.message();
  }

 private:
  std::string path_;
};

// Whether there is anything to run.
bool RegisterStories(const std::string& path) {
  const absl::StatusOr<std::vector<std::string>> scripts = FindScripts(path);
  if (!scripts.ok()) {
    std::fprintf(stderr, "%s\n", std::string(scripts.status().message()).c_str());
    return false;
  }
  for (const std::string& script : *scripts) {
    const std::filesystem::path file = script;
    testing::RegisterTest("Story", file.stem().c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [script]() -> testing::Test* { return new Story(script); });
  }
  return true;
}

}  // namespace
}  // namespace rafttest

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (!rafttest::RegisterStories(argv[i])) return 1;
  }
  return RUN_ALL_TESTS();
}
