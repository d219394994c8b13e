// Small things that the tests of this room share.
#ifndef RAFT_STORAGE_TESTING_H_
#define RAFT_STORAGE_TESTING_H_

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "raft/types.h"
#include "raftpb/entry.h"
#include "raftpb/entry_list.h"

namespace storage {

inline raftpb::Entry MakeEntry(raft::Term term, raft::Index index, absl::string_view data = "") {
  raftpb::Entry entry;
  entry.term = term;
  entry.index = index;
  entry.data = absl::Cord(data);
  return entry;
}

// count entries from `first` on, whose payloads say where they are and have `bytes` bytes.
inline raftpb::EntryList MakeEntries(raft::Term term, raft::Index first, size_t count,
                                     size_t bytes = 10) {
  raftpb::EntryList entries;
  for (raft::Index index = first; index < first + count; ++index) {
    std::string data = absl::StrCat(term, "/", index, " ");
    data.resize(bytes, static_cast<char>('a' + index % 26));
    entries.PushBack(MakeEntry(term, index, data));
  }
  return entries;
}

}  // namespace storage

#endif  // RAFT_STORAGE_TESTING_H_
