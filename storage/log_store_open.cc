// Room: opening. Founds a log, or finds out what there is of one; of what a crash leaves behind it
// clears the torn tail and makes the last batch durable, and changes nothing of a log that it
// refuses.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/errors.h"
#include "storage/log_store_impl.h"
#include "storage/wal/reader.h"

namespace storage {

namespace {

absl::Status CheckOptions(const LogOptions& options) {
  const uint32_t block = options.block_bytes;
  if (block < wal::kFrameAlignment || block > wal::kMaxBlockBytes || (block & (block - 1)) != 0) {
    return absl::InvalidArgumentError("block_bytes is no power of two from 8 to 4096");
  }
  if (uint64_t{options.max_entry_bytes} + options.record_bytes > uint64_t{1} << 30) {
    return absl::InvalidArgumentError("max_entry_bytes and record_bytes are above 1 GiB");
  }
  if (options.record_bytes < 64) return absl::InvalidArgumentError("record_bytes is below 64");
  if (options.segment_bytes < wal::kMaxBlockBytes) {
    return absl::InvalidArgumentError("segment_bytes is below 4096");
  }
  return absl::OkStatus();
}

uint32_t SaltOf(const LogOptions& options) {
  if (options.salt != 0) return options.salt;
  const Identity& identity = options.identity;
  const uint64_t mixed =
      (identity.cluster_id * 0x9e3779b97f4a7c15 + identity.node_id) * 0xbf58476d1ce4e5b9;
  return static_cast<uint32_t>(mixed >> 32) | 1;
}

}  // namespace

absl::Status LogStore::Impl::LockDirectory() {
  absl::StatusOr<std::unique_ptr<FileLock>> lock = fs_.Lock(PathOf(wal::kLockName));
  if (!lock.ok()) return lock.status();
  directory_lock_ = *std::move(lock);
  return absl::OkStatus();
}

absl::Status LogStore::Impl::RemoveFiles(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (absl::Status s = fs_.Remove(PathOf(name)); !s.ok()) return s;
    report_.removed.push_back(name);
  }
  return absl::OkStatus();
}

absl::Status LogStore::Impl::Create() {
  if (absl::Status s = CheckOptions(options_); !s.ok()) return s;
  if (absl::Status s = CreateDirectories(fs_, directory_); !s.ok()) return s;
  if (absl::Status s = LockDirectory(); !s.ok()) return s;

  Replay nobody(groups_);
  const absl::StatusOr<wal::LogContents> contents =
      wal::ReadLog(fs_, directory_, {options_.identity, OpenMode::kRead}, nobody);
  if (contents.ok() || !IsNothingStored(contents.status())) {
    return absl::AlreadyExistsError(absl::StrCat(directory_, ": there is a log already"));
  }
  options_.salt = SaltOf(options_);

  // What a creation that did not finish may have left.
  const absl::StatusOr<std::vector<std::string>> names = fs_.List(directory_);
  if (!names.ok()) return names.status();
  std::vector<std::string> leftovers;
  for (const std::string& name : *names) {
    if (name != wal::kLockName) leftovers.push_back(name);
  }
  if (absl::Status s = RemoveFiles(leftovers); !s.ok()) return s;

  // The log exists when its first segment does: the mark comes before.
  const std::string mark_path = PathOf(wal::kMarkName);
  const std::string unfinished = absl::StrCat(mark_path, wal::kTemporarySuffix);
  absl::StatusOr<std::unique_ptr<wal::MarkFile>> mark =
      wal::MarkFile::Create(fs_, unfinished, wal::Mark());
  if (!mark.ok()) return mark.status();
  mark_ = *std::move(mark);
  if (absl::Status s = fs_.Rename(unfinished, mark_path); !s.ok()) return s;
  if (absl::Status s = fs_.SyncDirectory(directory_); !s.ok()) return s;
  end_.sequence = 1;
  end_.batch = 1;
  return BeginSegment(0);
}

absl::Status LogStore::Impl::Open() {
  absl::Status locked = LockDirectory();
  if (absl::IsNotFound(locked)) return NothingStored(directory_, "no such directory");
  if (!locked.ok()) return locked;

  Replay replay(groups_);
  const absl::StatusOr<wal::LogContents> contents =
      wal::ReadLog(fs_, directory_, {options_.identity, OpenMode::kRead}, replay);
  if (!contents.ok()) return contents.status();
  if (absl::Status s = CheckGroups(groups_); !s.ok()) return s;

  options_.block_bytes = contents->head.block_bytes;
  options_.salt = contents->head.salt;
  end_ = contents->end;
  report_.torn_tail = contents->torn_tail;
  report_.clean = contents->mark.has_value() && contents->mark->clean &&
                  contents->mark->batch + 1 == end_.batch;
  report_.mark_unreadable = !contents->mark.has_value();
  report_.segments = contents->segments.size();
  report_.records = contents->frames;
  report_.bytes = contents->frame_bytes;

  // From here on the directory is changed, by nothing that could not be done again.
  if (absl::Status s = RemoveFiles(contents->unfinished); !s.ok()) return s;
  if (absl::Status s = fs_.SyncDirectory(directory_); !s.ok()) return s;
  {
    absl::MutexLock lock(&mutex_);
    for (const wal::SegmentFile& segment : contents->segments) {
      segments_[segment.segment].bytes = segment.file_bytes;
    }
    stats_.torn_tails = contents->torn_tail.has_value() ? 1 : 0;
  }
  absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(PathOf(end_.segment), OpenMode::kWrite);
  if (!file.ok()) return file.status();
  file_ = *std::move(file);
  file_bytes_ = contents->segments.back().file_bytes;
  if (absl::Status s = CutTornTail(*contents); !s.ok()) return s;
  if (absl::Status s = RewriteLastBatch(*contents); !s.ok()) return s;
  if (absl::Status s = RenewMark(*contents); !s.ok()) return s;
  {
    absl::MutexLock lock(&mutex_);
    Segment& newest = segments_[end_.segment];
    newest.file = file_;
    newest.bytes = file_bytes_;
    ++open_segments_;
  }
  std::vector<std::string> purged;
  for (uint64_t segment : contents->purged_segments) purged.push_back(wal::SegmentName(segment));
  return RemoveFiles(purged);
}

// Zeros what was being written, before anything is written there again: otherwise its remains could
// be taken for something later. The file keeps its length and its space.
absl::Status LogStore::Impl::CutTornTail(const wal::LogContents& contents) {
  if (!contents.torn_tail.has_value()) return absl::OkStatus();
  const TornTail& torn = *contents.torn_tail;
  RAFT_LOG(options_.logger, kWarn, torn.file, ": cut ", torn.bytes, " bytes at ", torn.offset,
           ", a batch that was not finished, from record ", torn.sequence, " on");
  const std::string zeros(std::min<uint64_t>(torn.bytes, 1 << 20), '\0');
  for (uint64_t done = 0; done < torn.bytes;) {
    const absl::string_view piece =
        absl::string_view(zeros).substr(0, std::min<uint64_t>(torn.bytes - done, zeros.size()));
    if (absl::Status s = WriteFully(*file_, torn.offset + done, {&piece, 1}); !s.ok()) return s;
    done += piece.size();
  }
  return file_->Sync();
}

// The last batch may have been read from the page cache alone: its sync may never have happened, or
// have failed. Nothing may be promised on its account before it is on disk. All batches before it
// are, because each was synced before the next was written.
absl::Status LogStore::Impl::RewriteLastBatch(const wal::LogContents& contents) {
  if (contents.mark.has_value() && contents.mark->batch >= contents.last_batch.batch) {
    return absl::OkStatus();
  }
  std::string bytes;
  for (uint64_t at = contents.last_batch.offset; at < end_.offset;) {
    bytes.resize(std::min<uint64_t>(end_.offset - at, 1 << 20));
    const absl::StatusOr<size_t> read = ReadFully(*file_, at, bytes.data(), bytes.size());
    if (!read.ok()) return read.status();
    if (*read != bytes.size()) return IoError(PathOf(end_.segment), "it shrank while it was read");
    const absl::string_view piece = bytes;
    if (absl::Status s = WriteFully(*file_, at, {&piece, 1}); !s.ok()) return s;
    at += bytes.size();
  }
  return file_->Sync();
}

absl::Status LogStore::Impl::RenewMark(const wal::LogContents& contents) {
  absl::StatusOr<std::unique_ptr<wal::MarkFile>> mark =
      wal::MarkFile::Open(fs_, PathOf(wal::kMarkName));
  if (!mark.ok()) return mark.status();
  mark_ = *std::move(mark);
  if (contents.mark.has_value() && contents.mark->batch + 1 == end_.batch &&
      contents.mark->segment == end_.segment) {
    return absl::OkStatus();
  }
  return WriteMark(false, true);
}

}  // namespace storage
