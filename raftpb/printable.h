// Which characters can be shown as they are.
#ifndef RAFT_RAFTPB_PRINTABLE_H_
#define RAFT_RAFTPB_PRINTABLE_H_

namespace raftpb {

// Letters, marks, numbers, punctuation and symbols of Unicode 15, and the space of ASCII; no other
// space, no control or format character, nothing unassigned.
bool IsPrintable(char32_t c);

}  // namespace raftpb

#endif  // RAFT_RAFTPB_PRINTABLE_H_
