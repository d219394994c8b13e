// The notation of membership operations in scripts: `v1 l2 r3 u4`.
#ifndef RAFT_RAFTTEST_CONF_CHANGE_NOTATION_H_
#define RAFT_RAFTTEST_CONF_CHANGE_NOTATION_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "raftpb/conf_change.h"

namespace rafttest {

// The operations of a text in which single spaces separate them; none of an empty one. `v` adds or
// promotes a voter, `l` adds a learner or demotes to one, `r` removes, `u` updates. The inverse of
// raftpb::Notation. Errors have texts that scripts show.
absl::StatusOr<std::vector<raftpb::ConfChangeSingle>> ParseConfChanges(absl::string_view text);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_CONF_CHANGE_NOTATION_H_
