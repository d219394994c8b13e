#include "rafttest/operation.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace rafttest {

std::string Quoted(const std::string& text) {
  return absl::StrCat("\"", absl::CEscape(text), "\"");
}

std::string QuotedResult(const absl::optional<std::string>& result) {
  return result ? Quoted(*result) : "nothing";
}

std::string Describe(const Operation& operation) {
  const auto quote = [](std::string* out, const std::string& text) { out->append(Quoted(text)); };
  std::string text =
      absl::StrCat(operation.action, "(", absl::StrJoin(operation.arguments, ", ", quote), ")");
  if (operation.returned) {
    absl::StrAppend(&text, " = ", QuotedResult(operation.result), " [", operation.called, ", ",
                    *operation.returned, "]");
  } else {
    absl::StrAppend(&text, " = ? [", operation.called, ", ..");
  }
  return absl::StrCat(text, " by ", operation.client);
}

}  // namespace rafttest
