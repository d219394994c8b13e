// Any bytes as two sets of voters, what they acknowledged and how they voted, held against the
// definition of a quorum: more than half of each set.
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

#include "absl/types/optional.h"
#include "raft/check.h"
#include "raft/quorum/joint.h"
#include "raft/quorum/majority.h"

namespace raft::quorum {
namespace {

class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), end_(data + size) {}
  uint8_t Next() { return data_ == end_ ? 0 : *data_++; }
  bool empty() const { return data_ == end_; }

 private:
  const uint8_t* data_;
  const uint8_t* end_;
};

struct Voter {
  bool incoming;
  bool outgoing;
  absl::optional<Index> acked;
  absl::optional<bool> vote;
};
using Voters = std::map<NodeId, Voter>;

// Whether those for whom `says_yes` holds are more than half of both sets.
template <typename Predicate>
bool IsQuorum(const Voters& voters, Predicate says_yes) {
  int incoming = 0;
  int outgoing = 0;
  for (const auto& [id, voter] : voters) {
    const int weight = says_yes(voter) ? 1 : -1;
    if (voter.incoming) incoming += weight;
    if (voter.outgoing) outgoing += weight;
  }
  const auto has = [&voters](bool Voter::*half) {
    for (const auto& [id, voter] : voters) {
      if (voter.*half) return true;
    }
    return false;
  };
  return (incoming > 0 || !has(&Voter::incoming)) && (outgoing > 0 || !has(&Voter::outgoing));
}

Index NaiveCommittedIndex(const Voters& voters) {
  if (IsQuorum(voters, [](const Voter&) { return false; })) return kInfinity;
  std::set<Index> candidates = {0};
  for (const auto& [id, voter] : voters) candidates.insert(voter.acked.value_or(0));
  Index best = 0;
  for (Index candidate : candidates) {
    const auto has_it = [=](const Voter& voter) { return voter.acked.value_or(0) >= candidate; };
    if (IsQuorum(voters, has_it)) best = candidate;
  }
  return best;
}

VoteResult NaiveVote(const Voters& voters) {
  if (IsQuorum(voters, [](const Voter& v) { return v.vote == true; })) return VoteResult::kWon;
  const bool can_win = IsQuorum(voters, [](const Voter& v) { return v.vote != false; });
  return can_win ? VoteResult::kPending : VoteResult::kLost;
}

void Run(Bytes bytes) {
  Voters voters;
  Joint joint;
  while (!bytes.empty() && voters.size() < 40) {
    const uint8_t flags = bytes.Next();
    Voter voter{
        .incoming = (flags & 1) != 0, .outgoing = (flags & 2) != 0, .acked = {}, .vote = {}};
    if ((flags & 4) != 0) voter.acked = Index{bytes.Next()} << (flags >> 5) * 8;
    if ((flags & 8) != 0) voter.vote = (flags & 16) != 0;
    const NodeId id = bytes.Next();
    if (!voters.emplace(id, voter).second) continue;
    if (voter.incoming) joint.incoming.Insert(id);
    if (voter.outgoing) joint.outgoing.Insert(id);
  }
  const auto acked = [&](NodeId id) { return voters.at(id).acked; };
  const auto vote = [&](NodeId id) { return voters.at(id).vote; };
  RAFT_CHECK(joint.CommittedIndex(acked) == NaiveCommittedIndex(voters))
      << DescribeAcks(joint.All(), acked) << Describe(joint);
  RAFT_CHECK(joint.CountVotes(vote) == NaiveVote(voters)) << Describe(joint);
}

}  // namespace
}  // namespace raft::quorum

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  raft::quorum::Run({data, size});
  return 0;
}
