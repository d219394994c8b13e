#include "raftpb/message.h"

#include <tuple>

namespace raftpb {
namespace {

// What a message says by its snapshot; none and an empty one are the same.
const Snapshot& SnapshotOf(const Message& m) {
  static const Snapshot& none = *new Snapshot();
  return m.snapshot == nullptr ? none : *m.snapshot;
}

}  // namespace

bool operator==(const Message& a, const Message& b) {
  const auto numbers = [](const Message& m) {
    return std::tie(m.type, m.to, m.from, m.term, m.log_term, m.index, m.commit, m.vote, m.reject,
                    m.reject_hint);
  };
  return numbers(a) == numbers(b) && a.context == b.context && a.entries == b.entries &&
         (a.snapshot == b.snapshot || SnapshotOf(a) == SnapshotOf(b)) && a.responses == b.responses;
}

}  // namespace raftpb
