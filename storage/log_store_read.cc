// Room: reading. The newest entries are in memory; older ones are read back from the segments, and
// verified again. Positions are looked up under the lock, files are read outside of it.
#include <algorithm>
#include <utility>

#include "raft/check.h"
#include "raft/errors.h"
#include "storage/errors.h"
#include "storage/log_store_impl.h"
#include "storage/wal/reader.h"

namespace storage {

namespace {

constexpr size_t kMaxOpenSegments = 64;
constexpr size_t kCopiedPayloadBytes = 1024;  // Smaller payloads do not keep a whole record alive.

}  // namespace

const GroupLog* LogStore::Impl::FindGroup(GroupId id) const {
  const auto it = groups_.find(id);
  return it == groups_.end() || !it->second->known() ? nullptr : it->second.get();
}

absl::optional<LogStore::GroupState> LogStore::Impl::Find(GroupId id) const {
  absl::MutexLock lock(&mutex_);
  const GroupLog* group = FindGroup(id);
  if (group == nullptr) return absl::nullopt;
  return GroupState{group->hard_state(),
                    group->compacted(),
                    {group->last_term(), group->last_index()},
                    group->snapshot()};
}

std::vector<GroupId> LogStore::Impl::GroupIds() const {
  absl::MutexLock lock(&mutex_);
  std::vector<GroupId> ids;
  for (const auto& [id, group] : groups_) {
    if (group->known()) ids.push_back(id);
  }
  return ids;
}

raft::IndexRange LogStore::Impl::Bounds(GroupId id) const {
  absl::MutexLock lock(&mutex_);
  const GroupLog* group = FindGroup(id);
  if (group == nullptr) return {1, 1};
  return {group->first_index(), group->last_index() + 1};
}

absl::StatusOr<raft::Term> LogStore::Impl::TermAt(GroupId id, raft::Index index) const {
  absl::MutexLock lock(&mutex_);
  const GroupLog* group = FindGroup(id);
  if (group == nullptr) return index == 0 ? absl::StatusOr<raft::Term>(0) : raft::Unavailable();
  if (index < group->compacted().index) return raft::Compacted();
  if (index > group->last_index()) return raft::Unavailable();
  return group->TermAt(index);
}

absl::StatusOr<raftpb::EntryList> LogStore::Impl::Entries(GroupId id, raft::IndexRange wanted,
                                                          uint64_t max_bytes) const {
  RAFT_CHECK(!wanted.empty()) << "asked for the entries from " << wanted.begin << " to before "
                              << wanted.end;
  raftpb::EntryList cached;
  std::vector<Source> sources;
  raft::IndexRange on_disk = wanted;
  {
    absl::MutexLock lock(&mutex_);
    const GroupLog* group = FindGroup(id);
    if (wanted.begin <= (group == nullptr ? 0 : group->compacted().index)) return raft::Compacted();
    if (group == nullptr || wanted.end > group->last_index() + 1) return raft::Unavailable();
    const raft::Index cache_first = group->cache_first();
    on_disk.end = std::clamp(cache_first, wanted.begin, wanted.end);
    if (on_disk.end < wanted.end) {
      cached = group->cache().Slice(on_disk.end - cache_first, wanted.end - cache_first);
    }
    if (!on_disk.empty()) {
      // No entry takes 16 times its EncodedSize here: what is beyond that is not looked up. (How
      // much of a run that was cut still counts is not known.)
      uint64_t bytes = 0;
      for (const Run& run : group->RunsOf(on_disk.begin, on_disk.end - 1)) {
        absl::StatusOr<std::shared_ptr<File>> file = FileOf(run.segment);
        if (!file.ok()) return file.status();
        sources.push_back({run, *std::move(file)});
        bytes += sources.size() > 1 && run.is_cut == 0 ? run.bytes : 0;
        if (max_bytes != raft::kNoLimit && bytes / 16 > max_bytes) break;
      }
      if (sources.back().run.last + 1 < on_disk.end) {
        on_disk.end = sources.back().run.last + 1;
        cached.Clear();
      }
    }
  }

  raftpb::EntryList entries;
  if (!on_disk.empty()) {
    absl::StatusOr<raftpb::EntryList> read = ReadBack(sources, on_disk, max_bytes);
    if (!read.ok()) return read.status();
    entries = *std::move(read);
    if (entries.size() < on_disk.end - on_disk.begin) return entries;
  }
  if (max_bytes == raft::kNoLimit) {
    entries.Append(cached);
    return entries;
  }
  uint64_t bytes = 0;
  for (const raftpb::Entry& entry : entries) bytes += EncodedSize(entry);
  size_t taken = 0;
  for (const raftpb::Entry& entry : cached) {
    bytes += EncodedSize(entry);
    if (bytes > max_bytes && entries.size() + taken > 0) break;
    ++taken;
  }
  cached.DropBack(cached.size() - taken);
  entries.Append(cached);
  return entries;
}

absl::StatusOr<std::shared_ptr<File>> LogStore::Impl::FileOf(uint64_t segment) const {
  Segment& about = segments_[segment];
  about.last_use = ++uses_;
  if (about.file != nullptr) return about.file;
  if (open_segments_ >= kMaxOpenSegments) {
    Segment* oldest = nullptr;
    for (auto& [id, other] : segments_) {
      if (other.file == nullptr || id == segments_.rbegin()->first) continue;
      if (oldest == nullptr || other.last_use < oldest->last_use) oldest = &other;
    }
    oldest->file = nullptr;
    --open_segments_;
  }
  absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(PathOf(segment), OpenMode::kRead);
  if (!file.ok()) return file.status();
  about.file = *std::move(file);
  ++open_segments_;
  return about.file;
}

absl::StatusOr<std::shared_ptr<const std::string>> LogStore::Impl::FrameOf(
    const Source& source) const {
  {
    absl::MutexLock lock(&frame_mutex_);
    if (frame_segment_ == source.run.segment && frame_offset_ == source.run.frame &&
        frame_ != nullptr) {
      return frame_;
    }
  }
  auto frame = std::make_shared<std::string>();
  wal::FrameHeader header;
  if (absl::Status s = wal::ReadFrame(*source.file, PathOf(source.run.segment), source.run.segment,
                                      source.run.frame, options_.salt, *frame, header);
      !s.ok()) {
    return s;
  }
  frame->resize(wal::kFrameHeaderBytes + header.payload_bytes);  // Without the padding.
  absl::MutexLock lock(&frame_mutex_);
  frame_segment_ = source.run.segment;
  frame_offset_ = source.run.frame;
  frame_ = frame;
  return frame;
}

absl::StatusOr<raftpb::EntryList> LogStore::Impl::ReadBack(const std::vector<Source>& sources,
                                                           raft::IndexRange wanted,
                                                           uint64_t max_bytes) const {
  raftpb::EntryList entries;
  uint64_t bytes = 0;
  for (const Source& source : sources) {
    const absl::StatusOr<std::shared_ptr<const std::string>> frame = FrameOf(source);
    if (!frame.ok()) return frame.status();
    const absl::string_view payload = absl::string_view(**frame).substr(wal::kFrameHeaderBytes);
    wal::ItemReader reader(payload, source.run.item);
    wal::Item item;
    if (!reader.Next(item) || item.kind != wal::ItemKind::kEntries ||
        item.first > std::max(source.run.first, wanted.begin) || item.last() < source.run.last ||
        item.term != source.run.term) {
      return Misplaced(PathOf(source.run.segment), source.run.frame,
                       "a record without the entries that were in it when the log was opened");
    }
    wal::EntryReader entry_reader(item);
    raftpb::Entry entry;
    for (absl::string_view data; entry_reader.Next(entry, data);) {
      if (entry.index < std::max(source.run.first, wanted.begin)) continue;
      if (entry.index > source.run.last || entry.index >= wanted.end) break;
      if (data.size() <= kCopiedPayloadBytes) {
        entry.data = absl::Cord(data);
      } else {
        entry.data = absl::MakeCordFromExternal(data, [holder = *frame] {});
      }
      bytes += EncodedSize(entry);
      if (bytes > max_bytes && !entries.empty()) return entries;
      entries.PushBack(entry);
    }
  }
  return entries;
}

LogStats LogStore::Impl::stats() const {
  absl::MutexLock lock(&mutex_);
  LogStats stats = stats_;
  stats.segments = segments_.size();
  stats.cached_bytes = cached_bytes_;
  for (const auto& [id, about] : segments_) stats.disk_bytes += about.bytes;
  for (const auto& [id, group] : groups_) stats.live_bytes += group->live_bytes();
  return stats;
}

}  // namespace storage
