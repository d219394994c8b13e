// Only for snapshot_*.cc: one snapshot as a file.
#ifndef RAFT_STORAGE_SNAPSHOT_FILE_H_
#define RAFT_STORAGE_SNAPSHOT_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "raft/types.h"
#include "raftpb/snapshot.h"
#include "storage/file_system.h"
#include "storage/log_batch.h"
#include "storage/snapshot_store.h"

// A snapshot file (docs/storage-format.md):
//
//   header   magic "RSN1" 4, version 4, cluster 8, group 8, chunk bytes 4, metadata bytes 4,
//            metadata in raftpb's wire format, checksum of all that 4
//   chunks   magic "RSC1" 4, bytes 4, position in the data 8, checksum 4, zero 4, data
//   trailer  magic "RSE1" 4, zero 4, bytes of data 8, hash of header and data 8, zero 4, checksum 4
//
// All chunks but the last have as many bytes as the header says, so that the place of each is
// known. Checksums are CRC32C, of everything of a part but the checksum itself; those of chunks and
// trailer are seeded with the header's, so that parts of two snapshots cannot be mixed. The hash
// is XXH3: what one function might miss the other one finds.

namespace storage {

inline constexpr uint32_t kMaxSnapshotChunkBytes = 64 << 20;

inline constexpr absl::string_view kCompleteSuffix = ".snap";
inline constexpr absl::string_view kPartialSuffix = ".part";

// "<index>-<term><suffix>", both as 16 hexadecimal digits, so that names are in order of indexes.
std::string SnapshotName(raft::EntryId id, absl::string_view suffix);
absl::optional<raft::EntryId> ParseSnapshotName(absl::string_view name, absl::string_view suffix);

// What a file says about itself in front of the data.
struct SnapshotFileHeader {
  uint64_t cluster_id = 0;
  GroupId group = 0;
  uint32_t chunk_bytes = 0;
  raftpb::SnapshotMetadata metadata;

  friend bool operator==(const SnapshotFileHeader&, const SnapshotFileHeader&) = default;
};

// Begins the partial file in `directory`, or goes on with it if its header is the same.
absl::StatusOr<std::unique_ptr<SnapshotWriter>> OpenSnapshotWriter(FileSystem& fs,
                                                                   std::string directory,
                                                                   SnapshotFileHeader header);

// Opens a complete file, and checks that it is what is asked for: IsSnapshotMissing,
// IsSnapshotCorrupt, IsBadFormat, IsForeign, IsMisplaced.
absl::StatusOr<std::unique_ptr<SnapshotReader>> OpenSnapshotReader(FileSystem& fs,
                                                                   const std::string& path,
                                                                   OpenMode mode,
                                                                   uint64_t cluster_id,
                                                                   GroupId group, raft::EntryId id);

}  // namespace storage

#endif  // RAFT_STORAGE_SNAPSHOT_FILE_H_
