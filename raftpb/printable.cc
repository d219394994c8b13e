#include "raftpb/printable.h"

#include <algorithm>
#include <iterator>

namespace raftpb {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Ascending.
constexpr Range kPrintable[] = {
#include "raftpb/printable_ranges.inc"
};

}  // namespace

bool IsPrintable(char32_t c) {
  const Range* after = std::upper_bound(std::begin(kPrintable), std::end(kPrintable), c,
                                        [](char32_t x, const Range& r) { return x < r.first; });
  return after != std::begin(kPrintable) && c <= (after - 1)->last;
}

}  // namespace raftpb
