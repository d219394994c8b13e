// Where the core's log lines go. The core formats a line only if somebody wants it.
#ifndef RAFT_RAFT_LOGGER_H_
#define RAFT_RAFT_LOGGER_H_

#include <cstdint>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace raft {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError, kFatal };

// Given by the embedder, shared by any number of groups, called on the thread that drives the
// group. Lines have no newline at the end and need no further formatting.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual bool Enabled(LogLevel level) const = 0;
  virtual void Log(LogLevel level, absl::string_view line) = 0;
};

}  // namespace raft

// RAFT_LOG(logger, kInfo, Hex(id), " became follower at term ", term): the pieces are evaluated and
// joined as by absl::StrCat, only if `logger` is not null and wants the level. In a function of its
// own, so that the one that might log needs no room for the line; hence no structured bindings, of
// which clang 14 knows nothing there.
#define RAFT_LOG(logger, level, ...)                                                       \
  do {                                                                                     \
    ::raft::Logger* raft_log_logger = (logger);                                            \
    if (raft_log_logger != nullptr && raft_log_logger->Enabled(::raft::LogLevel::level)) { \
      [&]() ABSL_ATTRIBUTE_NOINLINE {                                                      \
        raft_log_logger->Log(::raft::LogLevel::level, ::absl::StrCat(__VA_ARGS__));        \
      }();                                                                                 \
    }                                                                                      \
  } while (false)

#endif  // RAFT_RAFT_LOGGER_H_
