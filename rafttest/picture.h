// A page that shows a run: a lane for each server, with its role, term and indexes over time,
// messages between them, and what befell them. One file, readable in any browser, offline.
#ifndef RAFT_RAFTTEST_PICTURE_H_
#define RAFT_RAFTTEST_PICTURE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rafttest/recording.h"

namespace rafttest {

// The page. `title` stands above the picture, `details` (one line) below it.
std::string RenderPicture(const Recording& recording, absl::string_view title,
                          absl::string_view details);

// The same, written to a file that replaces what is there.
absl::Status WritePicture(const std::string& file, const Recording& recording,
                          absl::string_view title, absl::string_view details);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_PICTURE_H_
