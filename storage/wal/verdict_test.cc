#include "storage/wal/verdict.h"

#include <vector>

#include "gtest/gtest.h"

namespace storage::wal {
namespace {

// The recovery table of docs/storage-format.md, row by row: the first that applies is the outcome.
enum class Is { kNo, kYes, kAny };
struct Row {
  std::vector<Found> found;  // Empty: any.
  Is last_segment, batch_open, bytes_behind, later_batch, below_mark;
  Verdict verdict;
};
const Row kTable[] = {
    {{Found::kUnknownVersion},
     Is::kAny,
     Is::kAny,
     Is::kAny,
     Is::kAny,
     Is::kAny,
     Verdict::kBadFormat},
    {{Found::kMisplaced}, Is::kAny, Is::kAny, Is::kAny, Is::kAny, Is::kAny, Verdict::kMisplaced},
    {{Found::kEnd}, Is::kNo, Is::kNo, Is::kNo, Is::kAny, Is::kAny, Verdict::kNextSegment},
    {{}, Is::kNo, Is::kAny, Is::kAny, Is::kAny, Is::kAny, Verdict::kCorruption},
    {{}, Is::kYes, Is::kAny, Is::kAny, Is::kYes, Is::kAny, Verdict::kCorruption},
    {{}, Is::kYes, Is::kAny, Is::kAny, Is::kAny, Is::kYes, Verdict::kCorruption},
    {{Found::kEnd}, Is::kYes, Is::kNo, Is::kNo, Is::kNo, Is::kNo, Verdict::kEndOfLog},
    {{}, Is::kYes, Is::kAny, Is::kAny, Is::kNo, Is::kNo, Verdict::kTornTail},
};

bool Matches(Is is, bool value) { return is == Is::kAny || (is == Is::kYes) == value; }

bool Applies(const Row& row, const Findings& f) {
  bool found = row.found.empty();
  for (Found each : row.found) found |= each == f.found;
  return found && Matches(row.last_segment, f.last_segment) &&
         Matches(row.batch_open, f.batch_open) && Matches(row.bytes_behind, f.bytes_behind) &&
         Matches(row.later_batch, f.later_batch) && Matches(row.below_mark, f.below_mark);
}

TEST(Verdict, EveryCombinationOfFindingsHasTheOutcomeOfTheTable) {
  std::vector<int> used(std::size(kTable));
  for (Found found : {Found::kEnd, Found::kDamaged, Found::kMisplaced, Found::kUnknownVersion}) {
    for (int bits = 0; bits < 32; ++bits) {
      const Findings f{found,           (bits & 1) != 0, (bits & 2) != 0,
                       (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0};
      size_t row = 0;
      while (row < std::size(kTable) && !Applies(kTable[row], f)) ++row;
      ASSERT_LT(row, std::size(kTable)) << "no row for " << static_cast<int>(found) << " " << bits;
      EXPECT_EQ(Judge(f), kTable[row].verdict) << static_cast<int>(found) << " " << bits;
      ++used[row];
    }
  }
  for (size_t row = 0; row < used.size(); ++row) EXPECT_GT(used[row], 0) << "row " << row;
}

// Whatever else is found, what was acknowledged is never cut off.
TEST(Verdict, NothingThatCouldBeAcknowledgedIsCut) {
  for (int bits = 0; bits < 32; ++bits) {
    const Findings f{Found::kDamaged, (bits & 1) != 0, (bits & 2) != 0,
                     (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0};
    if (!f.last_segment || f.later_batch || f.below_mark) {
      EXPECT_EQ(Judge(f), Verdict::kCorruption) << bits;
    } else {
      EXPECT_EQ(Judge(f), Verdict::kTornTail) << bits;
    }
  }
}

}  // namespace
}  // namespace storage::wal
