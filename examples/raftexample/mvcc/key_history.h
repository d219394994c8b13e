// When one key changed.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_KEY_HISTORY_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_KEY_HISTORY_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/types/optional.h"
#include "examples/raftexample/mvcc/revision.h"

namespace raftexample {

// A key lives from the put that creates it to the delete that ends it, and may live again: each
// such life is a generation, and versions count the puts of one. Only revisions are kept here; what
// the key held is in the backend.
class KeyHistory {
 public:
  struct Life {
    int64_t create_revision = 0;  // Main revision of its first put.
    int64_t version = 0;          // Puts so far.
  };

  // Changes come in ascending order, one of each key in a main revision.
  // The put begins a life or goes on with one; returns it with the put counted.
  Life Put(Revision at);
  // Ends the life, which there must be.
  void Delete(Revision at);
  // At opening: the last put says what its life is.
  void Restore(Revision at, bool deletes, Life life);

  // Whether the key lives now.
  bool alive() const { return life_.version > 0; }
  const Life& life() const { return life_; }

  // The last change at or before the main revision, if the key lived then.
  absl::optional<Revision> At(int64_t main) const;
  bool empty() const { return changes_.empty(); }
  size_t change_count() const { return changes_.size(); }

  // Forgets what nobody who reads from `main` on can see: changes superseded by then, and a delete
  // before it. A delete at `main` itself stays, for those who watch from there.
  void Compact(int64_t main);
  // Whether Compact(main) keeps this change, be it done already or not. The change is one of this
  // key, be it forgotten already or not.
  bool Survives(Revision change, int64_t main) const;

 private:
  struct Change {
    int64_t main;
    uint32_t sub;
    bool deletes;
  };
  // How many changes are at or before the main revision.
  size_t CountUpTo(int64_t main) const;
  // How many of the first changes Compact(main) removes.
  size_t ObsoleteAt(int64_t main) const;

  absl::InlinedVector<Change, 2> changes_;  // Ascending.
  Life life_;                               // Version 0 while the key does not live.
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_MVCC_KEY_HISTORY_H_
