#include "rafttest/request_ledger.h"

#include "absl/strings/str_cat.h"

namespace rafttest {

using raft::Index;
using raft::NodeId;

std::string RequestLedger::OnProposalApplied(NodeId id, uint64_t proposal, Index at) {
  if (refused_.contains(proposal)) {
    return absl::StrCat("proposal ", proposal, " was refused, and is applied by ", id, " at ", at);
  }
  const auto [first, is_first] = applied_at_.emplace(proposal, at);
  if (is_first || first->second == at || messages_may_repeat_) return "";
  return absl::StrCat("proposal ", proposal, " is applied at ", first->second, " and at ", at);
}

std::string RequestLedger::OnReadAnswered(NodeId id, uint64_t read, Index at) {
  const auto asked = reads_.find(read);
  if (asked == reads_.end() || asked->second.from != id) {
    return absl::StrCat(id, " gets an answer to read ", read, ", which it never asked");
  }
  if (asked->second.answered && !messages_may_repeat_) {
    return absl::StrCat("read ", read, " of ", id, " is answered twice");
  }
  asked->second.answered = true;
  if (at >= asked->second.at_least) return "";
  return absl::StrCat("read ", read, " of ", id, " may be served at ", at, ", but ",
                      asked->second.at_least, " was committed when it was asked");
}

}  // namespace rafttest
