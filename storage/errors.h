// What can be wrong with stored data or with the disk, in pairs: a maker and a question.
//
// Everything that storage/ refuses is one of these kinds, carried as a typed payload of an
// absl::Status beside a message that names the file and the offset. Opening either gives back
// exactly what was acknowledged, or one of these: there is no silent third way
// (docs/storage-format.md has the table of findings and outcomes).
#ifndef RAFT_STORAGE_ERRORS_H_
#define RAFT_STORAGE_ERRORS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace storage {

enum class ErrorKind : uint8_t {
  kNotFound,         // There is no log or snapshot here; create one, or look elsewhere.
  kLocked,           // Another process, or another object of this one, has it open.
  kBadFormat,        // Not one of our files, or of a version that this program does not know.
  kForeign,          // It belongs to another cluster, server or group.
  kCorruption,       // A record that was acknowledged is damaged.
  kMisplaced,        // A sound record in a place that is not its own: misdirected, or stale.
  kGap,              // A file is missing from the chain.
  kInconsistent,     // Sound records that contradict each other or the state machine.
  kSnapshotCorrupt,  // A snapshot file is damaged.
  kSnapshotUnknown,  // A snapshot file that the log never spoke of.
  kSnapshotMissing,  // The log speaks of a snapshot whose file is not there.
  kIoError,          // A read or write failed. After a write: sticky.
  kSyncFailed,       // What is on disk is unknown. Sticky: the process should end, and reopen.
  kNoSpace,          // Nothing of the batch was written; it may be tried again.
};
absl::string_view Name(ErrorKind kind);  // "corruption", ..

// Which part of a record does not match its checksum.
enum class Damage : uint8_t { kHeader, kPayload, kPadding };
absl::string_view Name(Damage damage);  // "header", ..

// What an error says beside its message.
struct ErrorInfo {
  ErrorKind kind = ErrorKind::kIoError;
  std::string file;     // Empty if it is about no file.
  uint64_t offset = 0;  // In bytes from the start of the file.

  friend bool operator==(const ErrorInfo&, const ErrorInfo&) = default;
};

// Of any status that this room made; nothing for statuses of others, and for OkStatus.
absl::optional<ErrorInfo> ErrorInfoOf(const absl::Status& status);

absl::Status NothingStored(absl::string_view where, absl::string_view why);
bool IsNothingStored(const absl::Status& status);

absl::Status Locked(absl::string_view where);
bool IsLocked(const absl::Status& status);

absl::Status BadFormat(absl::string_view file, absl::string_view why);
bool IsBadFormat(const absl::Status& status);

absl::Status Foreign(absl::string_view file, absl::string_view why);
bool IsForeign(const absl::Status& status);

absl::Status Corruption(absl::string_view file, uint64_t offset, Damage damage,
                        absl::string_view why);
bool IsCorruption(const absl::Status& status);

absl::Status Misplaced(absl::string_view file, uint64_t offset, absl::string_view why);
bool IsMisplaced(const absl::Status& status);

absl::Status Gap(absl::string_view file, absl::string_view why);
bool IsGap(const absl::Status& status);

absl::Status Inconsistent(absl::string_view why);
bool IsInconsistent(const absl::Status& status);

absl::Status SnapshotCorrupt(absl::string_view file, uint64_t offset, absl::string_view why);
bool IsSnapshotCorrupt(const absl::Status& status);

absl::Status SnapshotUnknown(absl::string_view file, absl::string_view why);
bool IsSnapshotUnknown(const absl::Status& status);

absl::Status SnapshotMissing(absl::string_view file, absl::string_view why);
bool IsSnapshotMissing(const absl::Status& status);

absl::Status IoError(absl::string_view file, absl::string_view why);
bool IsIoError(const absl::Status& status);

absl::Status SyncFailed(absl::string_view file, absl::string_view why);
bool IsSyncFailed(const absl::Status& status);

absl::Status NoSpace(absl::string_view file, absl::string_view why);
bool IsNoSpace(const absl::Status& status);

}  // namespace storage

#endif  // RAFT_STORAGE_ERRORS_H_
