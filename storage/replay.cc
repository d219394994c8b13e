#include "storage/replay.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/errors.h"

namespace storage {

using wal::ItemKind;

GroupLog& GroupIn(GroupMap& groups, GroupId id) {
  std::unique_ptr<GroupLog>& group = groups[id];
  if (group == nullptr) group = std::make_unique<GroupLog>();
  return *group;
}

absl::Status Replay::OnFrame(const std::string& path, const wal::Frame& frame) {
  wal::ItemReader reader(frame.payload);
  for (wal::Item item; reader.Next(item);) {
    pending_.push_back(
        {frame.header.segment, frame.offset,
         static_cast<uint32_t>(wal::kItemHeaderBytes + wal::kEntriesHeaderBytes +
                               item.entry_headers.size() + item.entry_payloads.size()),
         std::move(item)});
    item = {};
  }
  if (reader.error().empty()) return absl::OkStatus();
  return BadFormat(path, absl::StrCat(reader.error(), ", of the record at ", frame.offset));
}

absl::Status Replay::OnBatch(uint64_t /*batch*/) {
  for (Pending& pending : pending_) Apply(pending);
  pending_.clear();
  return absl::OkStatus();
}

void Replay::Apply(Pending& pending) {
  wal::Item& item = pending.item;
  if (item.kind == ItemKind::kPurge) {
    first_needed_segment_ = std::max(first_needed_segment_, item.segment);
    return;
  }
  if (item.kind == ItemKind::kForget) {
    groups_.erase(item.group);
    return;
  }
  GroupLog& group = GroupIn(groups_, item.group);
  switch (item.kind) {
    case ItemKind::kEntries:
      group.Append({item.first, item.last(), item.term, pending.segment, pending.frame, item.offset,
                    pending.bytes});
      break;
    case ItemKind::kHardState: group.SetHardState(item.hard_state, pending.segment); break;
    case ItemKind::kMarkSnapshot:
      group.MarkSnapshot(std::make_shared<raftpb::SnapshotMetadata>(std::move(item.snapshot)),
                         pending.segment);
      break;
    case ItemKind::kRestoreSnapshot:
      group.RestoreSnapshot(std::make_shared<raftpb::SnapshotMetadata>(std::move(item.snapshot)),
                            pending.segment);
      break;
    case ItemKind::kCompact: group.Compact(item.compacted, pending.segment); break;
    case ItemKind::kForget:
    case ItemKind::kPurge: break;
  }
}

absl::Status CheckGroups(const GroupMap& groups) {
  for (const auto& [id, group] : groups) {
    bool gap = false;
    const std::string problem = group->Problem(gap);
    if (problem.empty()) continue;
    const std::string why = absl::StrCat("group ", id, ": ", problem);
    return gap ? Gap("", why) : Inconsistent(why);
  }
  return absl::OkStatus();
}

}  // namespace storage
