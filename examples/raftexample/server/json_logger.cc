#include "examples/raftexample/server/json_logger.h"

#include <unistd.h>

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace raftexample {
namespace {

constexpr const char* kNames[] = {"debug", "info", "warn", "error", "fatal"};

std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<int>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace

JsonLogger::JsonLogger(absl::string_view least, std::string member) : member_(Quoted(member)) {
  for (uint8_t level = 0; level < std::size(kNames); ++level) {
    if (least == kNames[level]) least_ = static_cast<raft::LogLevel>(level);
  }
}

void JsonLogger::Log(raft::LogLevel level, absl::string_view line) {
  const std::string whole =
      absl::StrCat("{\"level\":\"", kNames[static_cast<uint8_t>(level)], "\",\"ts\":\"",
                   absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone()),
                   "\",\"member\":", member_, ",\"msg\":", Quoted(line), "}\n");
  // Where log lines cannot be written there is nobody to tell.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, whole.data(), whole.size());
}

}  // namespace raftexample
