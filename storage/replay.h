// Builds the groups of a log from what its files say.
#ifndef RAFT_STORAGE_REPLAY_H_
#define RAFT_STORAGE_REPLAY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "storage/group_log.h"
#include "storage/log_batch.h"
#include "storage/wal/format.h"
#include "storage/wal/recovery.h"

namespace storage {

// In ascending order, so that whatever goes through all groups does so alike every time.
using GroupMap = absl::btree_map<GroupId, std::unique_ptr<GroupLog>>;

// The group of this id, made if there is none.
GroupLog& GroupIn(GroupMap& groups, GroupId id);

// What a batch says counts when the batch is complete.
class Replay : public wal::LogVisitor {
 public:
  explicit Replay(GroupMap& groups) : groups_(groups) {}

  absl::Status OnFrame(const std::string& path, const wal::Frame& frame) override;
  absl::Status OnBatch(uint64_t batch) override;
  uint64_t first_needed_segment() const override { return first_needed_segment_; }

 private:
  struct Pending {
    uint64_t segment;
    uint64_t frame;
    uint32_t bytes;
    wal::Item item;  // Its views have ended.
  };

  void Apply(Pending& pending);

  GroupMap& groups_;
  std::vector<Pending> pending_;
  uint64_t first_needed_segment_ = 0;
};

// Whether every group can be what was acknowledged: IsGap or IsInconsistent, or OkStatus.
absl::Status CheckGroups(const GroupMap& groups);

}  // namespace storage

#endif  // RAFT_STORAGE_REPLAY_H_
