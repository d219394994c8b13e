// Names a change of the key space.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_REVISION_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_REVISION_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace raftexample {

// Every transaction that changes something makes the next main revision; within it, changes are
// numbered from 0 in the order in which they were made. Clients only see the main one.
struct Revision {
  int64_t main = 0;
  uint32_t sub = 0;

  friend auto operator<=>(const Revision&, const Revision&) = default;
  friend bool operator==(const Revision&, const Revision&) = default;
};

// The revision of a store that nothing was ever written to. The first change makes 2.
inline constexpr int64_t kFirstRevision = 1;

// Twelve bytes that sort as revisions do: the key under which the backend keeps a change.
inline constexpr size_t kRevisionKeySize = 12;
std::string EncodeRevisionKey(Revision revision);
// nullopt if these are not the bytes of a revision.
absl::optional<Revision> DecodeRevisionKey(absl::string_view bytes);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_REVISION_H_
