// Runs script files:
//
//     bazel run //rafttest:run_scripts -- [--rewrite] PATH...
//
// A folder stands for all scripts in it and below it; relative paths are those of the caller.
// Prints a difference for each script whose output is not as expected; with --rewrite the output
// becomes what is expected. The last line is "N passed, N failed", the exit code 1 if any failed.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rafttest/callers_folder.h"
#include "rafttest/own_process.h"
#include "rafttest/script_files.h"

namespace rafttest {
namespace {

struct Tally {
  int passed = 0;
  int failed = 0;

  void Count(const absl::Status& run, const std::string& path) {
    run.ok() ? ++passed : ++failed;
    if (run.ok()) return;
    std::string report(run.message());
    if (!absl::StartsWith(report, path)) report = absl::StrCat(path, ": ", report);
    std::printf("FAILED: %s\n\n", report.c_str());
  }
};

int Main(const std::vector<std::string>& arguments) {
  bool rewrite = false;
  Tally tally;
  std::vector<std::string> scripts;
  for (const std::string& argument : arguments) {
    if (argument == "--rewrite") {
      rewrite = true;
      continue;
    }
    const std::string path = FromCallersFolder(argument);
    absl::StatusOr<std::vector<std::string>> found = FindScripts(path);
    if (!found.ok()) tally.Count(found.status(), path);
    if (found.ok()) scripts.insert(scripts.end(), found->begin(), found->end());
  }
  if (scripts.empty() && tally.failed == 0) {
    std::fputs("usage: run_scripts [--rewrite] PATH...\n", stderr);
    return 2;
  }
  for (const std::string& script : scripts) {
    tally.Count(
        InOwnProcess([&] { return rewrite ? RewriteScriptFile(script) : RunScriptFile(script); }),
        script);
  }
  std::printf("%d passed, %d failed\n", tally.passed, tally.failed);
  return tally.failed > 0 ? 1 : 0;
}

}  // namespace
}  // namespace rafttest

int main(int argc, char** argv) {
  return rafttest::Main(std::vector<std::string>(argv + 1, argv + argc));
}
