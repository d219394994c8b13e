#include "raft/check.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace raft::internal {

std::ostream& BeginExplanation(const char* file, int line, const char* condition) {
  auto* explanation = new std::ostringstream;  // Not for long: the process is about to end.
  *explanation << file << ":" << line << ": check failed: " << condition << ": ";
  return *explanation;
}

void Abort::operator&(std::ostream& explanation) const {
  std::fprintf(stderr, "%s\n", static_cast<std::ostringstream&>(explanation).str().c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace raft::internal
