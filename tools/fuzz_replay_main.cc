// Runs a fuzzer's entry point once for each file named, or found in a folder named, on the command
// line, and once for the empty input: a regression test from a corpus, without libFuzzer.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

// Defined by the fuzzer. Whatever is wrong with an input ends the process.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

// The files at and below `path`, in the order of their names.
std::vector<std::filesystem::path> FilesIn(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Exactly as long as the input, so that a sanitizer sees a read past its end.
void Run(const std::vector<uint8_t>& input) { LLVMFuzzerTestOneInput(input.data(), input.size()); }

}  // namespace

int main(int argc, char** argv) {
  Run({});
  size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& path : FilesIn(argv[i])) {
      std::fprintf(stderr, "%s\n", path.c_str());  // The last line names the culprit of a crash.
      std::ifstream file(path, std::ios::binary);
      if (!file) {
        std::fprintf(stderr, "cannot be read\n");
        return 1;
      }
      Run({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
      ++count;
    }
  }
  std::fprintf(stderr, "%zu inputs\n", count);
  return count > 0 ? 0 : 1;  // A corpus that was not found proves nothing.
}
