// _breakpoint: does nothing. A place to stop at with a debugger.
#include "rafttest/commands/commands.h"

namespace rafttest {

absl::Status Breakpoint(InteractionEnv& /*env*/, const Directive& /*directive*/) {
  return absl::OkStatus();
}

}  // namespace rafttest
