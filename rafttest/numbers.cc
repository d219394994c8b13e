#include "rafttest/numbers.h"

#include <limits>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "raftpb/describe.h"

namespace rafttest {
namespace {

absl::Status NotParsed(absl::string_view function, absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("strconv.", function, ": parsing ", raftpb::Quoted(text), ": ", why));
}

// The value of an argument, which has no other.
absl::StatusOr<absl::string_view> OnlyValueOf(const Argument& argument) {
  if (argument.values.size() == 1) return absl::string_view(argument.values[0]);
  return ScriptError(absl::StrCat(argument.key, " needs one value"));
}

}  // namespace

absl::StatusOr<uint64_t> ParseNumber(absl::string_view text) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  if (text.empty()) return NotParsed("ParseUint", text, "invalid syntax");
  uint64_t number = 0;
  bool too_large = false;
  for (char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      return NotParsed("ParseUint", text, "invalid syntax");
    }
    const uint64_t digit = c - '0';
    too_large |= number > (kMax - digit) / 10;
    number = number * 10 + digit;
  }
  if (too_large) return NotParsed("ParseUint", text, "value out of range");
  return number;
}

absl::StatusOr<bool> ParseBool(absl::string_view text) {
  for (absl::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) return true;
  }
  for (absl::string_view no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) return false;
  }
  return NotParsed("ParseBool", text, "invalid syntax");
}

absl::StatusOr<uint64_t> RequireNumber(absl::string_view text) {
  absl::StatusOr<uint64_t> number = ParseNumber(text);
  if (!number.ok()) return ScriptError(absl::StrCat(raftpb::Quoted(text), " is not a number"));
  return number;
}

absl::StatusOr<bool> RequireBool(absl::string_view text) {
  absl::StatusOr<bool> truth = ParseBool(text);
  if (!truth.ok()) return ScriptError(absl::StrCat(raftpb::Quoted(text), " is not a boolean"));
  return truth;
}

absl::StatusOr<uint64_t> NumberOf(const Argument& argument) {
  absl::StatusOr<absl::string_view> value = OnlyValueOf(argument);
  if (!value.ok()) return value.status();
  return RequireNumber(*value);
}

absl::StatusOr<bool> BoolOf(const Argument& argument) {
  absl::StatusOr<absl::string_view> value = OnlyValueOf(argument);
  if (!value.ok()) return value.status();
  return RequireBool(*value);
}

}  // namespace rafttest
