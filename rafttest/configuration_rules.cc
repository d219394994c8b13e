#include "rafttest/configuration_rules.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

#include "absl/strings/str_cat.h"

namespace rafttest {

using raft::NodeId;

namespace {

// Whether more than half of the servers in a list are in a set.
template <typename Ids>
bool MostAreIn(const Ids& ids, absl::FunctionRef<bool(NodeId)> in_set) {
  size_t size = 0;
  size_t inside = 0;
  for (NodeId id : ids) {
    ++size;
    if (in_set(id)) ++inside;
  }
  return 2 * inside > size;
}

bool Contains(const std::vector<NodeId>& ids, NodeId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

std::vector<NodeId> Union(std::vector<NodeId> a, const std::vector<NodeId>& b) {
  a.insert(a.end(), b.begin(), b.end());
  std::sort(a.begin(), a.end());
  a.erase(std::unique(a.begin(), a.end()), a.end());
  return a;
}

}  // namespace

bool HasQuorum(const raftpb::ConfState& conf, absl::FunctionRef<bool(NodeId)> in_set) {
  return MostAreIn(conf.voters, in_set) &&
         (conf.voters_outgoing.empty() || MostAreIn(conf.voters_outgoing, in_set));
}

bool HasQuorum(const raft::quorum::Joint& voters, absl::FunctionRef<bool(NodeId)> in_set) {
  return MostAreIn(voters.incoming, in_set) &&
         (voters.outgoing.empty() || MostAreIn(voters.outgoing, in_set));
}

bool QuorumsOverlap(const raftpb::ConfState& a, const raftpb::ConfState& b) {
  std::vector<NodeId> all;
  for (const auto* ids : {&a.voters, &a.voters_outgoing, &b.voters, &b.voters_outgoing}) {
    all.insert(all.end(), ids->begin(), ids->end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  const auto position = [&](NodeId id) {
    return std::lower_bound(all.begin(), all.end(), id) - all.begin();
  };
  for (uint64_t set = 0; set < uint64_t{1} << all.size(); ++set) {
    const auto inside = [&](NodeId id) { return (set >> position(id) & 1) != 0; };
    const auto outside = [&](NodeId id) { return !inside(id); };
    if (HasQuorum(a, inside) && HasQuorum(b, outside)) return false;
  }
  return true;
}

std::string WhyNoNeighbours(const raftpb::ConfState& from, const raftpb::ConfState& to) {
  const bool from_joint = !from.voters_outgoing.empty();
  const bool to_joint = !to.voters_outgoing.empty();
  if (from == to) return "";  // A change that cannot be applied, or changes nothing.
  if (from_joint && to_joint) return "from one joint configuration into another";
  if (to_joint) {
    return to.voters_outgoing == from.voters ? "" : "the outgoing half is not what was in force";
  }
  if (from_joint) {
    const bool left =
        to.voters == from.voters && to.learners == Union(from.learners, from.learners_next);
    return left ? "" : "it is left for something else than its incoming half";
  }
  std::vector<NodeId> differ;
  std::set_symmetric_difference(from.voters.begin(), from.voters.end(), to.voters.begin(),
                                to.voters.end(), std::back_inserter(differ));
  return differ.size() <= 1 ? "" : "more than one voter changes at once";
}

std::string WhyMalformed(const raftpb::ConfState& state) {
  if (state.voters.empty()) return "no voters";
  for (NodeId id : state.learners) {
    if (Contains(state.voters, id) || Contains(state.voters_outgoing, id)) {
      return absl::StrCat(id, " is voter and learner");
    }
  }
  for (NodeId id : state.learners_next) {
    if (!Contains(state.voters_outgoing, id)) {
      return absl::StrCat(id, " is to become a learner, but no outgoing voter");
    }
  }
  if (state.voters_outgoing.empty() && state.auto_leave) return "it leaves what is not joint";
  return "";
}

}  // namespace rafttest
