// From keys to revisions: which change of a key is the one to read.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_KEY_INDEX_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_KEY_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "examples/raftexample/mvcc/key_history.h"
#include "examples/raftexample/mvcc/key_range.h"
#include "examples/raftexample/mvcc/revision.h"

namespace raftexample {

// All keys in memory, in order. No locks of its own.
class KeyIndex {
 public:
  KeyHistory::Life Put(absl::string_view key, Revision at);
  // The key must live.
  void Delete(absl::string_view key, Revision at);
  void Restore(absl::string_view key, Revision at, bool deletes, KeyHistory::Life life);

  // Null if the key is not known, dead or alive.
  const KeyHistory* Find(absl::string_view key) const;
  // The change of the key that a read at `main` sees.
  absl::optional<Revision> At(absl::string_view key, int64_t main) const;
  // The same of each key of the range, in order, until `visit` returns false.
  void Visit(const KeyRange& range, int64_t main,
             absl::FunctionRef<bool(absl::string_view key, Revision at)> visit) const;

  // KeyHistory::Compact for at most `max_keys` keys from `first` on; keys of which nothing is left
  // go. Returns the key to go on with, nullopt when there is none.
  absl::optional<std::string> CompactSome(int64_t main, absl::string_view first, size_t max_keys);

  size_t key_count() const { return keys_.size(); }

 private:
  absl::btree_map<std::string, KeyHistory> keys_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_KEY_INDEX_H_
