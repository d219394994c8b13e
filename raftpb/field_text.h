// The notation of values in wire vectors: `Term:1 Data:"x\x00" entries:{Index:2}`. For tools only.
//
// Fields stand in any order, `name:value` each, with the names of raft.proto. Numbers are decimal,
// enums the names of their values or numbers, bytes a string literal in which all but printable
// ASCII is \x and two hexadecimal digits; `"c"*n` is a string of n equal bytes. Messages stand in
// braces.
#ifndef RAFT_RAFTPB_FIELD_TEXT_H_
#define RAFT_RAFTPB_FIELD_TEXT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace raftpb {

// Defined for all types of wire.h.
template <typename T>
absl::StatusOr<T> ParseFields(absl::string_view text);

}  // namespace raftpb

#endif  // RAFT_RAFTPB_FIELD_TEXT_H_
