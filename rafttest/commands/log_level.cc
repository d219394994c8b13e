// log-level debug|info|warn|error|fatal|none: what the output shows of the cores' log lines. With
// none it shows nothing at all but errors.
#include "rafttest/commands/arguments.h"
#include "rafttest/commands/commands.h"
#include "rafttest/status_macros.h"

namespace rafttest {

absl::Status SetLogLevel(InteractionEnv& env, const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(const std::string word, WordAt(directive, 0));
  RAFTTEST_ASSIGN_OR_RETURN(const Verbosity verbosity, ParseVerbosity(word));
  env.output().set_verbosity(verbosity);
  return absl::OkStatus();
}

}  // namespace rafttest
