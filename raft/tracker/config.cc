#include "raft/tracker/config.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "raft/quorum/majority.h"

namespace raft::tracker {
namespace {

std::vector<NodeId> ToVector(const quorum::Majority& ids) { return {ids.begin(), ids.end()}; }

}  // namespace

// Merges three ascending lists: the least of their heads is next, and leaves each that has it.
void Config::VisitTracked(absl::FunctionRef<void(NodeId)> visit) const {
  const quorum::Majority* const lists[] = {&voters.incoming, &voters.outgoing.ids(),
                                           &learners.ids()};
  quorum::Majority::const_iterator heads[] = {lists[0]->begin(), lists[1]->begin(),
                                              lists[2]->begin()};
  while (true) {
    bool found = false;
    NodeId next = std::numeric_limits<NodeId>::max();
    for (int i = 0; i < 3; ++i) {
      if (heads[i] == lists[i]->end()) continue;
      found = true;
      next = std::min(next, *heads[i]);
    }
    if (!found) return;
    visit(next);
    for (int i = 0; i < 3; ++i) {
      if (heads[i] != lists[i]->end() && *heads[i] == next) ++heads[i];
    }
  }
}

raftpb::ConfState Config::ToConfState() const {
  return {.voters = ToVector(voters.incoming),
          .learners = ToVector(learners),
          .voters_outgoing = ToVector(voters.outgoing),
          .learners_next = ToVector(learners_next),
          .auto_leave = auto_leave};
}

std::string Describe(const Config& config) {
  std::string out = absl::StrCat("voters=", quorum::Describe(config.voters));
  if (!config.learners.empty()) {
    absl::StrAppend(&out, " learners=", quorum::Describe(config.learners));
  }
  if (!config.learners_next.empty()) {
    absl::StrAppend(&out, " learners_next=", quorum::Describe(config.learners_next));
  }
  if (config.auto_leave) out += " autoleave";
  return out;
}

}  // namespace raft::tracker
