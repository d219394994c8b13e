// Holds the codec against files of vectors.
//
//     bazel run //raftpb:check_vectors -- PATH...
//
// A path is a file, or a folder whose *.txt files are taken. Lines beginning with # are comments,
// the first of which names the columns: if the second is `input`, the lines are for CheckDecoding,
// else for CheckEncoding (vector_check.h). Prints what is wrong with each line that fails; the last
// line is `N passed, N failed`. Exits with 1 if any failed, with 2 if there is nothing to check.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "raftpb/vector_check.h"

namespace raftpb {
namespace {

namespace fs = std::filesystem;

struct Tally {
  int passed = 0;
  int failed = 0;
};

void CheckLine(const fs::path& file, int number, const std::string& line, bool decoding,
               Tally& tally) {
  const std::string problem = decoding ? CheckDecoding(line) : CheckEncoding(line);
  if (problem.empty()) {
    ++tally.passed;
    return;
  }
  ++tally.failed;
  std::cout << file.string() << ":" << number << ": " << problem << "\n  " << line.substr(0, 200)
            << "\n";
}

void CheckFile(const fs::path& file, Tally& tally) {
  std::ifstream in(file);
  bool decoding = false;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (number == 1) decoding = absl::StartsWith(line, "# type\tinput\t");
    if (line.empty() || line[0] == '#') continue;
    CheckLine(file, number, line, decoding, tally);
  }
  if (number > 0) return;
  ++tally.failed;
  std::cout << file.string() << ": cannot be read, or is empty\n";
}

// What the path stands for, seen from where the tool was called.
std::vector<fs::path> Files(const char* argument) {
  const char* directory = std::getenv("BUILD_WORKING_DIRECTORY");
  const fs::path path = directory == nullptr ? fs::path(argument) : fs::path(directory) / argument;
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

int Main(int argc, char** argv) {
  Tally tally;
  for (int i = 1; i < argc; ++i) {
    for (const fs::path& file : Files(argv[i])) CheckFile(file, tally);
  }
  if (tally.passed + tally.failed == 0) {
    std::cerr << "usage: check_vectors PATH... (files of vectors, or folders with *.txt files)\n";
    return 2;
  }
  std::cout << tally.passed << " passed, " << tally.failed << " failed" << std::endl;
  return tally.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace raftpb

int main(int argc, char** argv) { return raftpb::Main(argc, argv); }
