// Numbers and truth as scripts write them.
#ifndef RAFT_RAFTTEST_NUMBERS_H_
#define RAFT_RAFTTEST_NUMBERS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rafttest/datadriven.h"

namespace rafttest {

// Decimal digits, up to 2^64-1. The errors have the texts of Go's strconv, which scripts show.
absl::StatusOr<uint64_t> ParseNumber(absl::string_view text);
// `1 t T TRUE true True` and `0 f F FALSE false False`.
absl::StatusOr<bool> ParseBool(absl::string_view text);

// The same where anything else is a mistake of the script.
absl::StatusOr<uint64_t> RequireNumber(absl::string_view text);
absl::StatusOr<bool> RequireBool(absl::string_view text);

// The only value of an argument that must have exactly one.
absl::StatusOr<uint64_t> NumberOf(const Argument& argument);
absl::StatusOr<bool> BoolOf(const Argument& argument);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_NUMBERS_H_
