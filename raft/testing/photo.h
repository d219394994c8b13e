// Everything that a message could change in a server, as text: to see that it changed nothing.
#ifndef RAFT_RAFT_TESTING_PHOTO_H_
#define RAFT_RAFT_TESTING_PHOTO_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "raft/raft.h"
#include "raft/ready.h"
#include "raft/tracker/progress.h"
#include "raftpb/describe.h"

namespace raft::testing {

inline std::string Photo(const Raft& raft) {
  const log::RaftLog& log = raft.log();
  std::string photo = absl::StrCat(
      raftpb::Describe(raft.hard_state()), "\n", Describe(raft.soft_state()), "\n", log.Describe(),
      "\n", Describe(raft.membership()), "\ndue in ", raft.TicksUntilDue(), ", transferee ",
      raft.transferee(), ", uncommitted ", raft.uncommitted_size(), ", reads answered ",
      raft.read_states().size(), raft.HasNews() ? ", news" : ", no news", "\n");
  const auto entries = log.EntriesFrom(log.FirstIndex(), kNoLimit);
  if (entries.ok()) photo += raftpb::Describe(*entries);
  if (raft.progress() != nullptr) {
    for (const auto& [id, progress] : *raft.progress()) {
      absl::StrAppend(&photo, id, ": ", Describe(progress, false), "\n");
    }
  }
  for (const auto* box : {&raft.outbox().now(), &raft.outbox().after_write()}) {
    for (const raftpb::Message& m : *box) absl::StrAppend(&photo, raftpb::Describe(m), "\n");
  }
  return photo;
}

}  // namespace raft::testing

#endif  // RAFT_RAFT_TESTING_PHOTO_H_
