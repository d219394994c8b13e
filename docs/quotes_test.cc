// What a page quotes is what the example says: each block of C++ in the page named first stands,
// line by line, in the source named second; only the indentation may differ.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"

namespace {

std::vector<std::string> LinesOf(const char* path) {
  std::ifstream file(path);
  if (!file) std::fprintf(stderr, "%s cannot be read\n", path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(std::string(absl::StripAsciiWhitespace(line)));
  }
  return lines;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::vector<std::string> page = LinesOf(argv[1]);
  const std::vector<std::string> source = LinesOf(argv[2]);
  int quotes = 0;
  int wrong = 0;
  for (auto line = page.begin(); line != page.end(); ++line) {
    if (*line != "```cpp") continue;
    const auto begin = line + 1;
    line = std::find(begin, page.end(), "```");
    ++quotes;
    if (std::search(source.begin(), source.end(), begin, line) != source.end()) continue;
    ++wrong;
    std::fprintf(stderr, "%s:%td: not in %s:\n", argv[1], begin - page.begin() + 1, argv[2]);
    for (auto quoted = begin; quoted != line; ++quoted)
      std::fprintf(stderr, "  %s\n", quoted->c_str());
    if (line == page.end()) break;
  }
  std::fprintf(stderr, "%d quotes, %d wrong\n", quotes, wrong);
  return quotes > 0 && wrong == 0 ? 0 : 1;
}
