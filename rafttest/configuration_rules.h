// What a configuration must be, and what may follow it (§4), as the checkers count it: they must
// not believe what the core's own arithmetic says.
#ifndef RAFT_RAFTTEST_CONFIGURATION_RULES_H_
#define RAFT_RAFTTEST_CONFIGURATION_RULES_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "raft/quorum/joint.h"
#include "raft/types.h"
#include "raftpb/conf_state.h"

namespace rafttest {

// Whether the servers in a set are a quorum: most of each half (§4.3).
bool HasQuorum(const raftpb::ConfState& conf, absl::FunctionRef<bool(raft::NodeId)> in_set);
bool HasQuorum(const raft::quorum::Joint& voters, absl::FunctionRef<bool(raft::NodeId)> in_set);

// Whether every quorum of one configuration has a server in common with every quorum of the other.
// Tried out over all subsets: configurations are small.
bool QuorumsOverlap(const raftpb::ConfState& a, const raftpb::ConfState& b);

// Why one change cannot lead from one configuration to the next; empty if it can.
std::string WhyNoNeighbours(const raftpb::ConfState& from, const raftpb::ConfState& to);

// Why it can be no configuration, whatever led to it; empty if it can.
std::string WhyMalformed(const raftpb::ConfState& state);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_CONFIGURATION_RULES_H_
