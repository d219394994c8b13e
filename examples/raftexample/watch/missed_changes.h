// What watches that are behind have missed, read from the store.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_MISSED_CHANGES_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_MISSED_CHANGES_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "examples/raftexample/mvcc/store.h"
#include "examples/raftexample/watch/watch.h"

namespace raftexample {

// Gathers into the `events` of these watches, of which there is at least one, what each has missed:
// in one pass for all of them, whole revisions, and none more once max_bytes of changes are read.
// Returns the revision up to which all of them then are complete; nullopt, and no events, if a
// compaction has taken what one of them needs. Meanwhile nobody else may touch their `events`, or
// change their `next`.
absl::optional<int64_t> GatherMissed(const Store& store,
                                     absl::Span<const std::shared_ptr<Watch>> watches,
                                     size_t max_bytes);

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_WATCH_MISSED_CHANGES_H_
