#include "storage/errors.h"

#include <iterator>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace storage {

namespace {

constexpr absl::string_view kPayloadUrl = "raft.storage/error";

struct KindTraits {
  absl::string_view name;
  absl::StatusCode code;
};

constexpr KindTraits kKinds[] = {
    {"not found", absl::StatusCode::kNotFound},
    {"locked", absl::StatusCode::kUnavailable},
    {"bad format", absl::StatusCode::kFailedPrecondition},
    {"foreign", absl::StatusCode::kFailedPrecondition},
    {"corruption", absl::StatusCode::kDataLoss},
    {"misplaced", absl::StatusCode::kDataLoss},
    {"gap", absl::StatusCode::kDataLoss},
    {"inconsistent", absl::StatusCode::kDataLoss},
    {"snapshot corrupt", absl::StatusCode::kDataLoss},
    {"snapshot unknown", absl::StatusCode::kDataLoss},
    {"snapshot missing", absl::StatusCode::kDataLoss},
    {"i/o error", absl::StatusCode::kInternal},
    {"sync failed", absl::StatusCode::kInternal},
    {"no space", absl::StatusCode::kResourceExhausted},
};
static_assert(std::size(kKinds) == static_cast<size_t>(ErrorKind::kNoSpace) + 1);

const KindTraits& TraitsOf(ErrorKind kind) { return kKinds[static_cast<size_t>(kind)]; }

// "corruption: wal/0000000000000001.wal at 512: the payload does not match its checksum". The
// payload is the kind, the offset and the file, in one string.
absl::Status Make(ErrorKind kind, absl::string_view file, absl::optional<uint64_t> offset,
                  absl::string_view why) {
  std::string message(Name(kind));
  if (!file.empty()) absl::StrAppend(&message, ": ", file);
  if (offset.has_value()) absl::StrAppend(&message, " at ", *offset);
  absl::StrAppend(&message, ": ", why);
  absl::Status status(TraitsOf(kind).code, message);
  status.SetPayload(kPayloadUrl, absl::Cord(absl::StrCat(static_cast<int>(kind), " ",
                                                         offset.value_or(0), " ", file)));
  return status;
}

bool Is(const absl::Status& status, ErrorKind kind) {
  const absl::optional<ErrorInfo> info = ErrorInfoOf(status);
  return info.has_value() && info->kind == kind;
}

// Takes a number and the space behind it off the front of `text`.
template <typename T>
bool TakeNumber(absl::string_view& text, T& number) {
  const size_t space = text.find(' ');
  if (space == absl::string_view::npos || !absl::SimpleAtoi(text.substr(0, space), &number)) {
    return false;
  }
  text.remove_prefix(space + 1);
  return true;
}

}  // namespace

absl::string_view Name(ErrorKind kind) { return TraitsOf(kind).name; }

absl::string_view Name(Damage damage) {
  switch (damage) {
    case Damage::kHeader: return "header";
    case Damage::kPayload: return "payload";
    case Damage::kPadding: return "padding";
  }
  return "unknown";
}

absl::optional<ErrorInfo> ErrorInfoOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return absl::nullopt;
  const std::string bytes(*payload);
  absl::string_view text = bytes;
  uint32_t kind = 0;
  ErrorInfo info;
  if (!TakeNumber(text, kind) || kind >= std::size(kKinds) || !TakeNumber(text, info.offset)) {
    return absl::nullopt;
  }
  info.kind = static_cast<ErrorKind>(kind);
  info.file = std::string(text);
  return info;
}

absl::Status NothingStored(absl::string_view where, absl::string_view why) {
  return Make(ErrorKind::kNotFound, where, absl::nullopt, why);
}
bool IsNothingStored(const absl::Status& status) { return Is(status, ErrorKind::kNotFound); }

absl::Status Locked(absl::string_view where) {
  return Make(ErrorKind::kLocked, where, absl::nullopt, "somebody else has it open");
}
bool IsLocked(const absl::Status& status) { return Is(status, ErrorKind::kLocked); }

absl::Status BadFormat(absl::string_view file, absl::string_view why) {
  return Make(ErrorKind::kBadFormat, file, absl::nullopt, why);
}
bool IsBadFormat(const absl::Status& status) { return Is(status, ErrorKind::kBadFormat); }

absl::Status Foreign(absl::string_view file, absl::string_view why) {
  return Make(ErrorKind::kForeign, file, absl::nullopt, why);
}
bool IsForeign(const absl::Status& status) { return Is(status, ErrorKind::kForeign); }

absl::Status Corruption(absl::string_view file, uint64_t offset, Damage damage,
                        absl::string_view why) {
  return Make(ErrorKind::kCorruption, file, offset, absl::StrCat(Name(damage), ": ", why));
}
bool IsCorruption(const absl::Status& status) { return Is(status, ErrorKind::kCorruption); }

absl::Status Misplaced(absl::string_view file, uint64_t offset, absl::string_view why) {
  return Make(ErrorKind::kMisplaced, file, offset, why);
}
bool IsMisplaced(const absl::Status& status) { return Is(status, ErrorKind::kMisplaced); }

absl::Status Gap(absl::string_view file, absl::string_view why) {
  return Make(ErrorKind::kGap, file, absl::nullopt, why);
}
bool IsGap(const absl::Status& status) { return Is(status, ErrorKind::kGap); }

absl::Status Inconsistent(absl::string_view why) {
  return Make(ErrorKind::kInconsistent, "", absl::nullopt, why);
}
bool IsInconsistent(const absl::Status& status) { return Is(status, ErrorKind::kInconsistent); }

absl::Status SnapshotCorrupt(absl::string_view file, uint64_t offset, absl::string_view why) {
  return Make(ErrorKind::kSnapshotCorrupt, file, offset, why);
}
bool IsSnapshotCorrupt(const absl::Status& status) {
  return Is(status, ErrorKind::kSnapshotCorrupt);
}

absl::Status SnapshotUnknown(absl::string_view file, absl::string_view why) {
  return Make(ErrorKind::kSnapshotUnknown, file, absl::nullopt, why);
}
bool IsSnapshotUnknown(const absl::Status& status) {
  return Is(status, ErrorKind::kSnapshotUnknown);
}

absl::Status SnapshotMissing(absl::string_view file, absl::string_view why) {
  return Make(ErrorKind::kSnapshotMissing, file, absl::nullopt, why);
}
bool IsSnapshotMissing(const absl::Status& status) {
  return Is(status, ErrorKind::kSnapshotMissing);
}

absl::Status IoError(absl::string_view file, absl::string_view why) {
  return Make(ErrorKind::kIoError, file, absl::nullopt, why);
}
bool IsIoError(const absl::Status& status) { return Is(status, ErrorKind::kIoError); }

absl::Status SyncFailed(absl::string_view file, absl::string_view why) {
  return Make(ErrorKind::kSyncFailed, file, absl::nullopt, why);
}
bool IsSyncFailed(const absl::Status& status) { return Is(status, ErrorKind::kSyncFailed); }

absl::Status NoSpace(absl::string_view file, absl::string_view why) {
  return Make(ErrorKind::kNoSpace, file, absl::nullopt, why);
}
bool IsNoSpace(const absl::Status& status) { return Is(status, ErrorKind::kNoSpace); }

}  // namespace storage
