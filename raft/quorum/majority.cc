#include "raft/quorum/majority.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"

namespace raft::quorum {

Index CommittedIndex(absl::Span<Index> acked) {
  if (acked.empty()) return kInfinity;
  const auto at = acked.begin() + (acked.size() - MajorityOf(acked.size()));
  std::nth_element(acked.begin(), at, acked.end());
  return *at;
}

VoteResult Tally(size_t voters, size_t yes, size_t no) {
  if (voters == 0 || yes >= MajorityOf(voters)) return VoteResult::kWon;
  return voters - no >= MajorityOf(voters) ? VoteResult::kPending : VoteResult::kLost;
}

Majority::Majority(absl::Span<const NodeId> ids) : ids_(ids.begin(), ids.end()) {
  std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
}

void Majority::Insert(NodeId id) {
  const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
  if (at == ids_.end() || *at != id) ids_.insert(at, id);
}

void Majority::Erase(NodeId id) {
  const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
  if (at != ids_.end() && *at == id) ids_.erase(at);
}

Index Majority::CommittedIndexOfMany(absl::FunctionRef<absl::optional<Index>(NodeId)> acked) const {
  absl::InlinedVector<Index, 16> values;
  for (NodeId id : ids_) values.push_back(acked(id).value_or(0));
  return quorum::CommittedIndex(absl::MakeSpan(values));
}

VoteResult Majority::CountVotes(absl::FunctionRef<absl::optional<bool>(NodeId)> vote) const {
  size_t yes = 0;
  size_t no = 0;
  for (NodeId id : ids_) {
    const absl::optional<bool> said = vote(id);
    if (said.has_value()) ++(*said ? yes : no);
  }
  return Tally(ids_.size(), yes, no);
}

std::string Describe(const Majority& voters) {
  std::string out = "(";
  absl::string_view separator = "";
  for (NodeId id : voters) {
    absl::StrAppend(&out, separator, absl::Hex(id));
    separator = " ";
  }
  out += ")";
  return out;
}

std::string DescribeAcks(const Majority& voters,
                         absl::FunctionRef<absl::optional<Index>(NodeId)> acked) {
  if (voters.empty()) return "<empty majority quorum>";
  const size_t n = voters.size();
  std::vector<Index> sorted;
  for (NodeId id : voters) sorted.push_back(acked(id).value_or(0));
  std::sort(sorted.begin(), sorted.end());

  std::string out = absl::StrCat(std::string(n, ' '), "    idx\n");
  for (NodeId id : voters) {
    const absl::optional<Index> index = acked(id);
    std::string bar = "?";
    if (index.has_value()) {
      const auto rank = std::lower_bound(sorted.begin(), sorted.end(), *index) - sorted.begin();
      bar = std::string(static_cast<size_t>(rank), 'x') + ">";
    }
    bar.resize(n + 1, ' ');
    absl::StrAppend(&out, bar, " ", absl::Dec(index.value_or(0), absl::kSpacePad5),
                    "    (id=", absl::Hex(id), ")\n");
  }
  return out;
}

}  // namespace raft::quorum
