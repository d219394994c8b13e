// Log lines as JSON objects on stderr, one per line.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_JSON_LOGGER_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_JSON_LOGGER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "raft/logger.h"

namespace raftexample {

// Thread-safe: a line is one write.
class JsonLogger final : public raft::Logger {
 public:
  // `least` is debug, info, warn or error. Every line names the member.
  JsonLogger(absl::string_view least, std::string member);

  bool Enabled(raft::LogLevel level) const override { return level >= least_; }
  void Log(raft::LogLevel level, absl::string_view line) override;

 private:
  raft::LogLevel least_ = raft::LogLevel::kInfo;
  const std::string member_;  // Quoted.
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_SERVER_JSON_LOGGER_H_
