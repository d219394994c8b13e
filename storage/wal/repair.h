// Makes a damaged log usable again, as far as it was sound: the explicit, last resort.
#ifndef RAFT_STORAGE_WAL_REPAIR_H_
#define RAFT_STORAGE_WAL_REPAIR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/file_system.h"

namespace storage::wal {

// What repairing would do, or did.
struct RepairReport {
  bool needed = false;
  std::string reason;                // Why the log cannot be opened.
  std::vector<std::string> actions;  // In order, for people.
  std::vector<std::string> lost;     // What will be missing, as far as it can be told.
};

// Keeps everything up to the last batch before the damage, under the old names; what was there is
// renamed (".damaged-N"), never removed. If not `apply`, nothing is changed. Takes the lock of the
// directory.
//
// A server whose log was cut has forgotten promises: votes, and entries that it acknowledged. It
// must not take part under its old identity unless its peers are known to have everything; remove
// it from the group and add it anew.
absl::StatusOr<RepairReport> Repair(FileSystem& fs, const std::string& directory, bool apply);

}  // namespace storage::wal

#endif  // RAFT_STORAGE_WAL_REPAIR_H_
