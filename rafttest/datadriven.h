// Script files: commands and the output they are expected to give.
//
//     # Comments start with a number sign.
//     command argument key=value list=(1, 2)
//     any lines of input
//     ----
//     the expected output, up to a blank line
//
// Output with blank lines in it stands between two pairs of `----`. docs/scripts.md has the
// language in full. This file knows nothing of Raft: what commands do is up to a handler.
#ifndef RAFT_RAFTTEST_DATADRIVEN_H_
#define RAFT_RAFTTEST_DATADRIVEN_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rafttest {

// `key` has no value, `key=value` one (which may be empty), `key=(v1, v2)` any number but zero.
struct Argument {
  std::string key;
  std::vector<std::string> values;

  friend bool operator==(const Argument&, const Argument&) = default;
};

// One command of a script.
struct Directive {
  std::string command;
  std::vector<Argument> arguments;
  std::string input;  // Lines joined, white space at both ends removed.
  int line = 0;       // Of the file, counted from 1.

  // The first argument with this key; null if there is none.
  const Argument* Find(absl::string_view key) const;
};

// Reads the line of a directive, without input.
absl::StatusOr<Directive> ParseDirective(absl::string_view line);

// A mistake in the script itself: it ends there, as failed. Any other error of a command is part of
// what the script shows.
absl::Status ScriptError(absl::string_view what);
bool IsScriptError(const absl::Status& status);

// Executes one directive and returns its output. An error ends the script.
using DirectiveHandler = absl::FunctionRef<absl::StatusOr<std::string>(const Directive&)>;

// Runs the script up to the first output that is not as expected, or the first error; that is the
// error returned, with the line and a readable difference. `name` is for that text only.
absl::Status RunScript(absl::string_view name, absl::string_view text, DirectiveHandler handler);

// Runs the script whatever it expects, and returns it with the output that it gives.
absl::StatusOr<std::string> RewriteScript(absl::string_view name, absl::string_view text,
                                          DirectiveHandler handler);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_DATADRIVEN_H_
