#include "rafttest/conf_change_notation.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "rafttest/numbers.h"
#include "rafttest/status_macros.h"

namespace rafttest {
namespace {

using raftpb::ConfChangeSingle;
using raftpb::ConfChangeType;

absl::StatusOr<ConfChangeType> TypeOf(absl::string_view operation) {
  switch (operation.front()) {
    case 'v': return ConfChangeType::kAddNode;
    case 'l': return ConfChangeType::kAddLearnerNode;
    case 'r': return ConfChangeType::kRemoveNode;
    case 'u': return ConfChangeType::kUpdateNode;
    default: return absl::InvalidArgumentError(absl::StrCat("unknown input: ", operation));
  }
}

}  // namespace

absl::StatusOr<std::vector<ConfChangeSingle>> ParseConfChanges(absl::string_view text) {
  std::vector<ConfChangeSingle> changes;
  if (text.empty()) return changes;
  for (absl::string_view operation : absl::StrSplit(text, ' ')) {
    if (operation.size() < 2) {
      return absl::InvalidArgumentError(absl::StrCat("unknown token ", operation));
    }
    RAFTTEST_ASSIGN_OR_RETURN(const ConfChangeType type, TypeOf(operation));
    RAFTTEST_ASSIGN_OR_RETURN(const raftpb::NodeId id, ParseNumber(operation.substr(1)));
    changes.push_back({type, id});
  }
  return changes;
}

}  // namespace rafttest
