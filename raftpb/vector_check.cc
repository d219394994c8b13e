#include "raftpb/vector_check.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "raftpb/field_text.h"
#include "raftpb/frame.h"
#include "raftpb/message.h"
#include "raftpb/wire.h"
#include "raftpb/wire_oracle.h"

namespace raftpb {
namespace {

using Columns = std::vector<absl::string_view>;

absl::StatusOr<std::string> FromHex(absl::string_view digits) {
  const auto is_digit = [](unsigned char c) { return std::isxdigit(c) != 0; };
  if (digits.size() % 2 != 0 || !std::all_of(digits.begin(), digits.end(), is_digit)) {
    return absl::InvalidArgumentError(absl::StrCat("not hexadecimal: ", digits));
  }
  return absl::HexStringToBytes(digits);
}

// The ways of writing and reading messages that other values do not have.
template <typename T>
std::string CheckOtherWays(const std::string&, const T&) {
  return "";
}
std::string CheckOtherWays(const std::string& bytes, const Message& value) {
  Frame frame;
  frame.Assign(value);
  if (absl::StrJoin(frame.pieces(), "") != Encode(value)) return "a frame has other bytes";
  absl::Cord pieces;
  for (const char byte : bytes) {
    auto* copy = new char(byte);
    pieces.Append(absl::MakeCordFromExternal({copy, 1}, [copy] { delete copy; }));
  }
  Message again;
  if (!Decode(pieces, again).ok() || !(again == value))
    return "byte by byte it means something else";
  return "";
}

// What is wrong with these bytes as an encoding of the value.
template <typename T>
std::string CheckMeaning(const std::string& bytes, const T& value) {
  T decoded;
  const absl::Status status = Decode(absl::string_view(bytes), decoded);
  if (!status.ok()) return std::string(status.message());
  if (!(decoded == value)) {
    return absl::StrCat("means something else; encoded again: ",
                        absl::BytesToHexString(Encode(decoded)));
  }
  return CheckOtherWays(bytes, value);
}

template <typename T>
std::string CheckOurs(const T& value, size_t longest) {
  const std::string ours = Encode(value);
  const std::string shown = absl::StrCat(" (", absl::BytesToHexString(ours), ")");
  const std::string meaning = CheckMeaning(ours, value);
  if (!meaning.empty()) return absl::StrCat(meaning, shown);
  if (ours.size() > longest) return absl::StrCat("longer than ", longest, " bytes", shown);
  Generated<T> generated;
  if (!generated.ParseFromString(ours)) return absl::StrCat("nobody else understands it", shown);
  const std::string field = FieldPresentForNothing(generated);
  return field.empty() ? "" : absl::StrCat("has an empty field ", field, shown);
}

std::string Prefixed(absl::string_view prefix, const std::string& problem) {
  return problem.empty() ? "" : absl::StrCat(prefix, problem);
}

struct EncodingCheck {
  template <typename T>
  std::string operator()(const Columns& columns) const {
    if (columns.size() != 4) return "not four columns";
    const absl::StatusOr<T> value = ParseFields<T>(columns[1]);
    const absl::StatusOr<std::string> first = FromHex(columns[2]);
    const absl::StatusOr<std::string> second = columns[3] == "=" ? first : FromHex(columns[3]);
    for (const absl::Status& status : {value.status(), first.status(), second.status()}) {
      if (!status.ok()) return std::string(status.message());
    }
    std::string problem = Prefixed("first encoding: ", CheckMeaning(*first, *value));
    if (problem.empty()) problem = Prefixed("second encoding: ", CheckMeaning(*second, *value));
    if (!problem.empty()) return problem;
    return Prefixed("our encoding: ", CheckOurs(*value, std::min(first->size(), second->size())));
  }
};

struct DecodingCheck {
  template <typename T>
  std::string operator()(const Columns& columns) const {
    if (columns.size() < 3) return "not three columns";
    const absl::StatusOr<std::string> bytes = FromHex(columns[1]);
    if (!bytes.ok()) return std::string(bytes.status().message());
    if (columns[2] == "ERROR") {
      T value;
      return Decode(absl::string_view(*bytes), value).ok() ? "was decoded without an error" : "";
    }
    const absl::StatusOr<T> value = ParseFields<T>(columns[2]);
    if (!value.ok()) return std::string(value.status().message());
    const std::string problem = CheckMeaning(*bytes, *value);
    return problem.empty() ? Prefixed("our encoding: ", CheckOurs(*value, std::string::npos))
                           : problem;
  }
};

template <typename Check>
std::string CheckByType(absl::string_view line, Check check) {
  const Columns columns = absl::StrSplit(line, '\t');
  const absl::string_view type = columns[0];
  if (type == "Entry") return check.template operator()<Entry>(columns);
  if (type == "SnapshotMetadata") return check.template operator()<SnapshotMetadata>(columns);
  if (type == "Snapshot") return check.template operator()<Snapshot>(columns);
  if (type == "Message") return check.template operator()<Message>(columns);
  if (type == "HardState") return check.template operator()<HardState>(columns);
  if (type == "ConfState") return check.template operator()<ConfState>(columns);
  if (type == "ConfChange") return check.template operator()<ConfChange>(columns);
  if (type == "ConfChangeSingle") return check.template operator()<ConfChangeSingle>(columns);
  if (type == "ConfChangeV2") return check.template operator()<ConfChangeV2>(columns);
  return absl::StrCat("no such type: ", type);
}

}  // namespace

std::string CheckEncoding(absl::string_view line) { return CheckByType(line, EncodingCheck()); }
std::string CheckDecoding(absl::string_view line) { return CheckByType(line, DecodingCheck()); }

}  // namespace raftpb
