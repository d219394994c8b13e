// Holds the codec against vectors: lines of bytes and the values they stand for. For tools only.
#ifndef RAFT_RAFTPB_VECTOR_CHECK_H_
#define RAFT_RAFTPB_VECTOR_CHECK_H_

#include <string>

#include "absl/strings/string_view.h"

namespace raftpb {

// Both checks take a line of columns separated by tabs and return what is wrong, or "".

// type, fields, an encoding in hexadecimal, another one or `=` for the same. Both encodings must
// mean the fields, whatever zeros they write. Ours must mean the same, to us and to the generated
// classes, be no longer than the shorter of them, and have no field that is zero or empty.
std::string CheckEncoding(absl::string_view line);

// type, bytes in hexadecimal, the fields that they mean or `ERROR`, a remark.
std::string CheckDecoding(absl::string_view line);

}  // namespace raftpb

#endif  // RAFT_RAFTPB_VECTOR_CHECK_H_
