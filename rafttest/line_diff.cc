#include "rafttest/line_diff.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace rafttest {
namespace {

using Lines = std::vector<absl::string_view>;

constexpr size_t kContext = 3;  // Common lines shown on either side of a difference.

struct MarkedLine {
  char mark;  // ' ' in both, '-' only expected, '+' only actual.
  absl::string_view text;
};

Lines SplitLines(absl::string_view text) {
  Lines lines = absl::StrSplit(text, '\n');
  if (lines.back().empty()) lines.pop_back();  // The newline ends the last line, it starts none.
  return lines;
}

// Longest common subsequence by dynamic programming: common[i][j] is its length for what is left
// of both texts from lines i and j on.
std::vector<MarkedLine> Align(const Lines& expected, const Lines& actual) {
  const size_t n = expected.size();
  const size_t m = actual.size();
  std::vector<std::vector<uint32_t>> common(n + 1, std::vector<uint32_t>(m + 1, 0));
  for (size_t i = n; i-- > 0;) {
    for (size_t j = m; j-- > 0;) {
      common[i][j] = expected[i] == actual[j] ? common[i + 1][j + 1] + 1
                                              : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<MarkedLine> aligned;
  size_t i = 0;
  size_t j = 0;
  while (i < n || j < m) {
    if (i < n && j < m && expected[i] == actual[j]) {
      aligned.push_back({' ', expected[i++]});
      ++j;
    } else if (j == m || (i < n && common[i + 1][j] >= common[i][j + 1])) {
      aligned.push_back({'-', expected[i++]});
    } else {
      aligned.push_back({'+', actual[j++]});
    }
  }
  return aligned;
}

// How many lines both texts start with.
size_t CommonStart(const Lines& a, const Lines& b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

// How many lines both texts end with.
size_t CommonEnd(const Lines& a, const Lines& b) {
  return std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first - a.rbegin();
}

bool IsNearDifference(const std::vector<MarkedLine>& lines, size_t at) {
  const size_t first = at < kContext ? 0 : at - kContext;
  const size_t last = std::min(lines.size() - 1, at + kContext);
  for (size_t i = first; i <= last; ++i) {
    if (lines[i].mark != ' ') return true;
  }
  return false;
}

}  // namespace

std::string LineDiff(absl::string_view expected, absl::string_view actual) {
  if (expected == actual) return "";
  Lines want = SplitLines(expected);
  Lines have = SplitLines(actual);
  std::vector<MarkedLine> lines;
  const size_t start = CommonStart(want, have);
  for (size_t i = 0; i < start; ++i) lines.push_back({' ', want[i]});
  want.erase(want.begin(), want.begin() + start);
  have.erase(have.begin(), have.begin() + start);
  const size_t end = CommonEnd(want, have);
  const Lines tail(want.end() - end, want.end());
  want.resize(want.size() - end);
  have.resize(have.size() - end);
  for (const MarkedLine& line : Align(want, have)) lines.push_back(line);
  for (absl::string_view line : tail) lines.push_back({' ', line});

  std::string out;
  bool skipping = false;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!IsNearDifference(lines, i)) {
      if (!skipping) out += "  ...\n";
      skipping = true;
      continue;
    }
    skipping = false;
    absl::StrAppend(&out, absl::string_view(&lines[i].mark, 1), " ", lines[i].text, "\n");
  }
  return out;
}

}  // namespace rafttest
