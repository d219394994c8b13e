#include "rafttest/script_output.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace rafttest {
namespace {

absl::string_view NameOf(raft::LogLevel level) {
  switch (level) {
    case raft::LogLevel::kDebug: return "DEBUG";
    case raft::LogLevel::kInfo: return "INFO";
    case raft::LogLevel::kWarn: return "WARN";
    case raft::LogLevel::kError: return "ERROR";
    case raft::LogLevel::kFatal: return "FATAL";
  }
  return "UNKNOWN";
}

}  // namespace

absl::StatusOr<Verbosity> ParseVerbosity(absl::string_view text) {
  using raft::LogLevel;
  const std::string wanted = absl::AsciiStrToUpper(text);
  for (LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError, LogLevel::kFatal}) {
    if (wanted == NameOf(level)) return Verbosity(level);
  }
  if (wanted == "NONE") return Verbosity(absl::nullopt);
  return absl::InvalidArgumentError(
      "log levels must be either of [DEBUG INFO WARN ERROR FATAL NONE]");
}

bool ScriptOutput::Enabled(raft::LogLevel level) const {
  return verbosity_.has_value() && level >= *verbosity_;
}

void ScriptOutput::Log(raft::LogLevel level, absl::string_view line) {
  if (Enabled(level)) absl::StrAppend(&text_, NameOf(level), " ", line, "\n");
}

void ScriptOutput::Print(absl::string_view text) {
  if (!silent()) absl::StrAppend(&text_, text);
}

void ScriptOutput::Indent(absl::FunctionRef<void()> nested) {
  std::string outer = std::exchange(text_, "");
  nested();
  std::string inner = std::exchange(text_, std::move(outer));
  if (inner.empty()) return;
  if (inner.back() == '\n') inner.pop_back();
  for (absl::string_view line : absl::StrSplit(inner, '\n')) {
    absl::StrAppend(&text_, "  ", line, "\n");
  }
}

std::string ScriptOutput::Take() { return std::exchange(text_, ""); }

}  // namespace rafttest
