// What a script shows: the output of its commands and the log lines of the cores, in the order in
// which they come.
#ifndef RAFT_RAFTTEST_SCRIPT_OUTPUT_H_
#define RAFT_RAFTTEST_SCRIPT_OUTPUT_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "raft/logger.h"

namespace rafttest {

// How much is shown: log lines of a level and above. Without a level nothing at all, not even what
// commands print.
using Verbosity = absl::optional<raft::LogLevel>;

// `debug info warn error fatal none`, in any case. The error is one that scripts show.
absl::StatusOr<Verbosity> ParseVerbosity(absl::string_view text);

class ScriptOutput : public raft::Logger {
 public:
  bool Enabled(raft::LogLevel level) const override;
  void Log(raft::LogLevel level, absl::string_view line) override;

  void Print(absl::string_view text);
  bool silent() const { return !verbosity_.has_value(); }

  // What `nested` shows, each line indented by two spaces and ended.
  void Indent(absl::FunctionRef<void()> nested);

  Verbosity verbosity() const { return verbosity_; }
  void set_verbosity(Verbosity verbosity) { verbosity_ = verbosity; }

  // What has been shown since the last call.
  std::string Take();

 private:
  Verbosity verbosity_ = raft::LogLevel::kDebug;
  std::string text_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SCRIPT_OUTPUT_H_
