// Room: segments. Begins the next before a batch needs it, so that a full disk is noticed in time;
// gives back what no group needs, and moves what little slow groups have in the oldest.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "raftpb/wire.h"
#include "storage/errors.h"
#include "storage/log_store_impl.h"

namespace storage {

namespace {

constexpr uint64_t kMoveAtMost = 2;  // One part in so many of what is wasted.

}  // namespace

absl::Status LogStore::Impl::MakeRoom(uint64_t bytes) {
  return end_.offset + bytes <= file_bytes_ ? absl::OkStatus() : BeginSegment(bytes);
}

// A file that is a segment but for its name.
absl::StatusOr<std::unique_ptr<File>> LogStore::Impl::PrepareSegment(const std::string& path,
                                                                     uint64_t bytes) {
  absl::Status removed = fs_.Remove(path);  // Of an attempt that found no space.
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(path, OpenMode::kCreate);
  if (!file.ok()) return file.status();
  if (absl::Status s = (*file)->Allocate(bytes); !s.ok()) return s;
  if (absl::Status s = WriteFully(**file, 0, encoder_.pieces()); !s.ok()) return s;
  if (absl::Status s = (*file)->Sync(); !s.ok()) return s;
  return file;
}

absl::Status LogStore::Impl::BeginSegment(uint64_t bytes) {
  wal::Position start = end_;
  ++start.segment;
  start.offset = 0;
  const uint64_t file_bytes =
      std::max(options_.segment_bytes,
               encoder_.MaxBytes(0, 0, 1, wal::kSegmentHeadBytes, options_.block_bytes) + bytes);
  encoder_.Start(start, options_.salt, options_.block_bytes, 0);
  encoder_.AddHead({options_.identity, options_.block_bytes, options_.salt, file_bytes});
  encoder_.Finish();

  const std::string path = PathOf(start.segment);
  const std::string unfinished = absl::StrCat(path, wal::kTemporarySuffix);
  absl::StatusOr<std::unique_ptr<File>> file = PrepareSegment(unfinished, file_bytes);
  if (!file.ok()) {
    if (!IsNoSpace(file.status())) return Fail(file.status());
    (void)fs_.Remove(unfinished);  // Gives back what it got of the space.
    return file.status();
  }
  if (absl::Status s = fs_.Rename(unfinished, path); !s.ok()) return Fail(s);
  if (absl::Status s = fs_.SyncDirectory(directory_); !s.ok()) return Fail(s);

  // The space that the old segment has left is given back, if that works; else it stays zeros.
  const bool cut = file_ != nullptr && file_->Truncate(end_.offset).ok();
  {
    absl::MutexLock lock(&mutex_);
    if (cut) segments_[end_.segment].bytes = end_.offset;
    end_ = encoder_.position();
    file_ = *std::move(file);
    segments_[end_.segment] = {file_bytes, file_, ++uses_};
    ++open_segments_;
    ++stats_.syncs;
    ++stats_.segments_begun;
    stats_.bytes_written += encoder_.bytes();
  }
  file_bytes_ = file_bytes;
  segment_begun_ = true;
  // From now on a missing segment is noticed.
  return WriteMark(false, true);
}

// --- Purging -------------------------------------------------------------------------------------

absl::Status LogStore::Impl::Purge() {
  absl::MutexLock lock(&write_mutex_);
  if (absl::Status s = CheckWritable(); !s.ok()) return s;
  if (absl::Status s = WriteStaged(); !s.ok()) return s;
  return PurgeNow();
}

// The oldest segment that is needed, the groups that need it, and how much they hold.
uint64_t LogStore::Impl::OldestNeeded(std::vector<GroupId>& pinning, uint64_t& live_bytes) const {
  uint64_t oldest = end_.segment;
  pinning.clear();
  live_bytes = 0;
  for (const auto& [id, group] : groups_) {
    const uint64_t segment = group->oldest_segment();
    if (segment == 0 || segment > oldest) continue;
    if (segment < oldest) {
      oldest = segment;
      pinning.clear();
      live_bytes = 0;
    }
    pinning.push_back(id);
    live_bytes += group->live_bytes();
  }
  return oldest;
}

absl::Status LogStore::Impl::PurgeNow() {
  std::vector<GroupId> pinning;
  uint64_t pinning_bytes = 0;
  uint64_t needed = OldestNeeded(pinning, pinning_bytes);
  while (true) {
    if (absl::Status s = RemoveSegmentsBefore(needed - 1); !s.ok()) return s;  // One is kept back.
    if (needed == end_.segment || !MovingPays(pinning_bytes)) return absl::OkStatus();
    if (absl::Status s = MoveGroups(pinning); !s.ok()) return s;
    const uint64_t before = std::exchange(needed, OldestNeeded(pinning, pinning_bytes));
    if (needed == before) return absl::OkStatus();
  }
}

// While most of the disk space holds nothing, and what has to be moved is little beside that. So
// moving writes less than it gives back, and what is wasted stays within a multiple of what some
// groups have.
bool LogStore::Impl::MovingPays(uint64_t bytes) const {
  const LogStats now = stats();
  const uint64_t wasted = now.disk_bytes - std::min(now.disk_bytes, now.live_bytes);
  return wasted > now.live_bytes + 3 * options_.segment_bytes &&
         bytes <= std::max(options_.segment_bytes / 2, wasted / kMoveAtMost);
}

// Writes the whole state of groups again, at the end of the log.
absl::Status LogStore::Impl::MoveGroups(const std::vector<GroupId>& ids) {
  std::vector<raftpb::EntryList> entries;  // Hold the payloads until they are written.
  size_t payload_bytes = 0;
  for (GroupId id : ids) {
    absl::StatusOr<raftpb::EntryList> all = AllEntries(id);
    if (!all.ok()) return all.status();
    payload_bytes += all->PayloadSize();
    entries.push_back(*std::move(all));
  }
  if (absl::Status s = MakeRoom(MaxBytesToMove(ids, entries)); !s.ok()) return s;
  encoder_.Start(end_, options_.salt, options_.block_bytes, payload_bytes);
  for (size_t i = 0; i < ids.size(); ++i) EncodeGroup(ids[i], entries[i]);
  encoder_.Finish();
  if (absl::Status s = WriteEncoded(); !s.ok()) return s;
  PublishMoved(ids);
  return absl::OkStatus();
}

absl::StatusOr<raftpb::EntryList> LogStore::Impl::AllEntries(GroupId id) const {
  const raft::IndexRange all = Bounds(id);
  if (all.empty()) return raftpb::EntryList();
  return Entries(id, all, raft::kNoLimit);
}

uint64_t LogStore::Impl::MaxBytesToMove(const std::vector<GroupId>& ids,
                                        const std::vector<raftpb::EntryList>& entries) const {
  size_t entry_count = 0;
  size_t payload_bytes = 0;
  size_t items = 0;
  size_t other_bytes = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    const GroupLog& group = *groups_.find(ids[i])->second;
    entry_count += entries[i].size();
    items += 4;  // Forget, snapshot, compact, hard state; and a run for each term.
    other_bytes += 64;
    if (group.snapshot() != nullptr) other_bytes += raftpb::Encode(*group.snapshot()).size();
    raft::Term term = 0;
    for (const raftpb::Entry& entry : entries[i]) {
      payload_bytes += PayloadSize(entry);
      if (entry.term != term) ++items;
      term = entry.term;
    }
  }
  return encoder_.MaxBytes(entry_count, payload_bytes, items, other_bytes, options_.block_bytes);
}

void LogStore::Impl::EncodeGroup(GroupId id, const raftpb::EntryList& entries) {
  const GroupLog& group = *groups_.find(id)->second;
  encoder_.AddForget(id);
  if (group.snapshot() != nullptr) {
    encoder_.AddSnapshot(wal::ItemKind::kMarkSnapshot, id, *group.snapshot());
  }
  if (group.compacted().index > 0) encoder_.AddCompact(id, group.compacted());
  encoder_.AddEntries(id, entries, 0);
  encoder_.AddHardState(id, group.hard_state());
}

void LogStore::Impl::PublishMoved(const std::vector<GroupId>& ids) {
  absl::MutexLock lock(&mutex_);
  size_t placed = 0;
  for (GroupId id : ids) {
    std::vector<Run> runs;
    while (placed < encoder_.placed().size() && encoder_.placed()[placed].group == id) {
      runs.push_back(encoder_.placed()[placed++].run);
    }
    groups_.find(id)->second->Relocate(std::move(runs), end_.segment);
  }
}

// Durably not needed first, then gone: a segment that is missing is otherwise damage.
absl::Status LogStore::Impl::RemoveSegmentsBefore(uint64_t segment) {
  std::vector<uint64_t> unneeded;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, about] : segments_) {
      if (id < segment) unneeded.push_back(id);
    }
  }
  if (unneeded.empty()) return absl::OkStatus();
  if (absl::Status s = MakeRoom(encoder_.MaxBytes(0, 0, 1, 24, options_.block_bytes)); !s.ok()) {
    return s;
  }
  encoder_.Start(end_, options_.salt, options_.block_bytes, 0);
  encoder_.AddPurge(segment);
  encoder_.Finish();
  if (absl::Status s = WriteEncoded(); !s.ok()) return s;
  for (uint64_t id : unneeded) {
    if (absl::Status s = fs_.Remove(PathOf(id)); !s.ok()) return s;
    absl::MutexLock lock(&mutex_);
    if (segments_[id].file != nullptr) --open_segments_;
    segments_.erase(id);
  }
  return fs_.SyncDirectory(directory_);
}

}  // namespace storage
