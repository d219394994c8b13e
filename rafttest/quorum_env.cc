#include "rafttest/quorum_env.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "raft/quorum/joint.h"
#include "raft/quorum/majority.h"
#include "raft/types.h"
#include "rafttest/numbers.h"
#include "rafttest/status_macros.h"

namespace rafttest {
namespace {

using raft::Index;
using raft::NodeId;
using raft::quorum::Joint;
using raft::quorum::Majority;
using raft::quorum::VoteResult;

// What a directive is about.
struct Question {
  Joint voters;
  bool joint = false;               // Whether it named a second half.
  std::vector<NodeId> order;        // All voters, as first named.
  std::vector<std::string> values;  // As given; one for each voter, if it is well-formed.
};

absl::StatusOr<Majority> ReadHalf(const Argument& argument, std::vector<NodeId>& order) {
  std::vector<NodeId> ids;
  for (const std::string& value : argument.values) {
    RAFTTEST_ASSIGN_OR_RETURN(const NodeId id, RequireNumber(value));
    ids.push_back(id);
    if (std::find(order.begin(), order.end(), id) == order.end()) order.push_back(id);
  }
  return Majority(ids);
}

absl::StatusOr<Question> ReadQuestion(const Directive& directive, absl::string_view values_key) {
  Question question;
  for (const Argument& argument : directive.arguments) {
    if (argument.key == "cfg") {
      RAFTTEST_ASSIGN_OR_RETURN(question.voters.incoming, ReadHalf(argument, question.order));
    } else if (argument.key == "cfgj") {
      question.joint = true;
      if (argument.values == std::vector<std::string>{"zero"}) continue;
      RAFTTEST_ASSIGN_OR_RETURN(question.voters.outgoing, ReadHalf(argument, question.order));
    } else if (argument.key == values_key) {
      question.values = argument.values;
    } else {
      return ScriptError(absl::StrCat("unknown argument ", argument.key));
    }
  }
  return question;
}

// `map[1:{} 2:{}]: [5 0 7]`: the voters ascending, the values as given.
std::string Mismatch(const Question& question, const std::vector<uint64_t>& numbers) {
  std::vector<std::string> ids;
  for (NodeId id : question.voters.All()) ids.push_back(absl::StrCat(id, ":{}"));
  return absl::StrCat("error: mismatched input (explicit or _) for voters map[",
                      absl::StrJoin(ids, " "), "]: [", absl::StrJoin(numbers, " "), "]");
}

// --- Committed index -----------------------------------------------------------------------------

using Acks = std::map<NodeId, Index>;  // Nothing for a voter that has acknowledged nothing.

auto Lookup(const Acks& acks) {
  return [&acks](NodeId id) -> absl::optional<Index> {
    auto found = acks.find(id);
    if (found == acks.end()) return absl::nullopt;
    return found->second;
  };
}

std::string Describe(Index committed) {
  return committed == raft::quorum::kInfinity ? "∞" : absl::StrCat(committed);
}

// The largest index that more than half of the voters have, by looking at each candidate.
Index CommittedByCounting(const Majority& voters, const Acks& acks) {
  if (voters.empty()) return raft::quorum::kInfinity;
  auto ack_of = Lookup(acks);
  Index best = 0;
  for (const auto& [id, candidate] : acks) {
    const Index index = candidate;
    const size_t having = std::count_if(voters.begin(), voters.end(), [&](NodeId voter) {
      return ack_of(voter).value_or(0) >= index;
    });
    if (2 * having > voters.size()) best = std::max(best, index);
  }
  return best;
}

std::string BrokenLaw(absl::string_view law, Index got) {
  return absl::StrCat(Describe(got), " <-- ", law, "\n");
}

std::string BrokenLawsOfMajority(const Majority& voters, const Acks& acks, Index committed) {
  std::string broken;
  auto expect = [&](absl::string_view law, Index got) {
    if (got != committed) broken += BrokenLaw(law, got);
  };
  expect("by counting", CommittedByCounting(voters, acks));
  expect("joint with the empty set", (Joint{voters, Majority()}).CommittedIndex(Lookup(acks)));
  expect("the empty set joint with it", (Joint{Majority(), voters}).CommittedIndex(Lookup(acks)));
  expect("joint with itself", (Joint{voters, voters}).CommittedIndex(Lookup(acks)));
  for (const auto& [id, index] : acks) {
    if (index >= committed || index == 0) continue;
    Acks lowered = acks;
    for (Index lower : {index - 1, Index{0}}) {
      lowered[id] = lower;
      expect(absl::StrCat("after voter ", id, " went from ", index, " to ", lower),
             voters.CommittedIndex(Lookup(lowered)));
    }
  }
  return broken;
}

absl::StatusOr<std::string> Committed(const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(const Question question, ReadQuestion(directive, "idx"));
  std::vector<uint64_t> numbers;  // 0 for none.
  for (const std::string& value : question.values) {
    uint64_t number = 0;
    if (value != "_") {
      RAFTTEST_ASSIGN_OR_RETURN(number, RequireNumber(value));
      if (number == 0) return ScriptError("an index of 0; use _ for none");
    }
    numbers.push_back(number);
  }
  if (numbers.size() != question.order.size()) return Mismatch(question, numbers);
  Acks acks;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] != 0) acks[question.order[i]] = numbers[i];
  }
  std::string out = raft::quorum::DescribeAcks(question.voters.All(), Lookup(acks));
  const Index committed = question.voters.CommittedIndex(Lookup(acks));
  absl::StrAppend(&out, Describe(committed), "\n");
  if (!question.joint) {
    out += BrokenLawsOfMajority(question.voters.incoming, acks, committed);
  } else {
    const Joint swapped = {question.voters.outgoing, question.voters.incoming};
    const Index other_way = swapped.CommittedIndex(Lookup(acks));
    if (other_way != committed) out += BrokenLaw("with both halves swapped", other_way);
  }
  return out;
}

// --- Votes ---------------------------------------------------------------------------------------

std::string Describe(VoteResult result) {
  switch (result) {
    case VoteResult::kPending: return "VotePending";
    case VoteResult::kLost: return "VoteLost";
    case VoteResult::kWon: return "VoteWon";
  }
  return "VoteUnknown";
}

absl::StatusOr<std::string> Vote(const Directive& directive) {
  RAFTTEST_ASSIGN_OR_RETURN(const Question question, ReadQuestion(directive, "votes"));
  std::vector<uint64_t> numbers;  // In the error text: 0 for none, 1 for no, 2 for yes.
  for (const std::string& value : question.values) {
    if (value != "y" && value != "n" && value != "_") {
      return ScriptError(absl::StrCat("not a vote: ", value));
    }
    numbers.push_back(value == "y" ? 2 : value == "n" ? 1 : 0);
  }
  if (numbers.size() != question.order.size()) return Mismatch(question, numbers);
  auto vote_of = [&](NodeId id) -> absl::optional<bool> {
    const uint64_t number = numbers[std::find(question.order.begin(), question.order.end(), id) -
                                    question.order.begin()];
    if (number == 0) return absl::nullopt;
    return number == 2;
  };
  const VoteResult result = question.voters.CountVotes(vote_of);
  const Joint swapped = {question.voters.outgoing, question.voters.incoming};
  std::string out = absl::StrCat(Describe(result), "\n");
  if (question.joint && swapped.CountVotes(vote_of) != result) {
    absl::StrAppend(&out, Describe(swapped.CountVotes(vote_of)), " <-- with both halves swapped\n");
  }
  return out;
}

}  // namespace

absl::StatusOr<std::string> QuorumEnv::Handle(const Directive& directive) const {
  if (directive.command == "committed") return Committed(directive);
  if (directive.command == "vote") return Vote(directive);
  return std::string("unknown command");
}

}  // namespace rafttest
