// The named parts of the store.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_BUCKET_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_BUCKET_H_

#include <cstddef>
#include <cstdint>

namespace raftexample {

enum class Bucket : uint8_t {
  kMeta,            // Format, applied entry, membership of the group, compaction.
  kChanges,         // Every change of every key, by revision: only ever appended and trimmed.
  kLeases,          // By ID.
  kAlarms,          // By member and kind.
  kAuth,            // Whether authentication is on, and its revision.
  kUsers,           // By name.
  kRoles,           // By name.
  kMembers,         // By ID.
  kRemovedMembers,  // By ID: no removed ID may come back.
};

inline constexpr size_t kBucketCount = 9;

inline constexpr const char* BucketName(Bucket bucket) {
  constexpr const char* kNames[kBucketCount] = {
      "meta", "key", "lease", "alarm", "auth", "users", "roles", "members", "members_removed"};
  return kNames[static_cast<size_t>(bucket)];
}

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_BACKEND_BUCKET_H_
