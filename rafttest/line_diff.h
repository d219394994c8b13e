// What differs between two texts, line by line, for people.
#ifndef RAFT_RAFTTEST_LINE_DIFF_H_
#define RAFT_RAFTTEST_LINE_DIFF_H_

#include <string>

#include "absl/strings/string_view.h"

namespace rafttest {

// One line for each line of either text: `- ` in front of what is only in `expected`, `+ ` in front
// of what is only in `actual`, two spaces in front of what both have; long common parts are cut
// down to the lines next to a difference, with `  ...` in their place. Empty if the texts are
// equal. Takes time and memory in the product of the numbers of lines that differ.
std::string LineDiff(absl::string_view expected, absl::string_view actual);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_LINE_DIFF_H_
