#include "rafttest/commands/print_log.h"

#include "absl/strings/str_cat.h"
#include "raft/types.h"
#include "raftpb/describe.h"

namespace rafttest {

void PrintLog(const ScriptNode& node, ScriptOutput& output) {
  const HistoryStorage& storage = node.storage();
  const raft::IndexRange all = {storage.FirstIndex(), storage.LastIndex() + 1};
  if (all.empty()) {
    output.Print(absl::StrCat("log is empty: first index=", storage.FirstIndex(),
                              ", last index=", storage.LastIndex()));
    return;
  }
  output.Print(raftpb::Describe(storage.Entries(all, raft::kNoLimit).value()));
}

}  // namespace rafttest
