// Script files on disk: which there are, and what executes them.
#ifndef RAFT_RAFTTEST_SCRIPT_FILES_H_
#define RAFT_RAFTTEST_SCRIPT_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rafttest {

// What a script is about, and which commands it has: whole groups (interaction_env.h), or the
// arithmetic of membership changes (confchange_env.h) or of majorities (quorum_env.h) alone.
enum class Dialect { kInteraction, kConfchange, kQuorum };

// A folder named `confchange` or `quorum` in the path makes the dialect; the innermost counts.
Dialect DialectOf(const std::string& path);

// The file itself, or all scripts in a folder and the folders below it, in the order of their
// paths: files named `*.txt` with a line `----` in them. An error if there is nothing.
absl::StatusOr<std::vector<std::string>> FindScripts(const std::string& path);

// Runs a script in a fresh environment. The error says what was wrong, and where.
absl::Status RunScriptFile(const std::string& path);

// Runs it and writes what it gives into the file as what is expected.
absl::Status RewriteScriptFile(const std::string& path);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SCRIPT_FILES_H_
