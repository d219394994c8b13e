#include "storage/log_store.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "raft/check.h"
#include "raft/errors.h"
#include "raftpb/wire.h"
#include "storage/errors.h"
#include "storage/group_log.h"
#include "storage/replay.h"
#include "storage/wal/encoder.h"
#include "storage/wal/format.h"
#include "storage/wal/mark.h"
#include "storage/wal/reader.h"
#include "storage/wal/recovery.h"

namespace storage {

namespace {

using wal::BatchEncoder;
using wal::ItemKind;

constexpr size_t kMaxOpenSegments = 64;
constexpr size_t kCopiedPayloadBytes = 1024;  // Smaller payloads do not keep a whole record alive.

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

class LogStore::Impl {
 public:
  Impl(FileSystem& fs, std::string directory, const LogOptions& options)
      : fs_(fs),
        directory_(std::move(directory)),
        options_(options),
        encoder_(options.record_bytes) {}

  absl::Status Create();
  absl::Status Open();

  absl::Status Write(const LogBatch& batch);
  absl::Status Stage(const LogBatch& batch);
  absl::Status Close();
  absl::Status Purge();

  absl::optional<GroupState> Find(GroupId group) const;
  std::vector<GroupId> GroupIds() const;
  absl::StatusOr<raftpb::EntryList> Entries(GroupId group, raft::IndexRange wanted,
                                            uint64_t max_bytes) const;
  absl::StatusOr<raft::Term> TermAt(GroupId group, raft::Index index) const;
  raft::IndexRange Bounds(GroupId group) const;

  const OpenReport& report() const { return report_; }
  const LogOptions& options() const { return options_; }
  absl::Status status() const {
    absl::MutexLock lock(&mutex_);
    return error_;
  }
  LogStats stats() const;

 private:
  using Change = LogBatch::Change;
  using Kind = LogBatch::Kind;

  struct Segment {
    uint64_t bytes = 0;          // Of the file.
    std::shared_ptr<File> file;  // Null until something is read from it.
    uint64_t last_use = 0;
  };

  // What checking found out about a change: who it is about, and what of it is new.
  struct Checked {
    GroupLog* group = nullptr;
    bool nothing = false;  // Everything it says is there already.
    size_t begin = 0;      // kAppend: the first entry that is not compacted.
    raft::Term term = 0;   // kCompact.
  };

  std::string PathOf(absl::string_view name) const { return JoinPath(directory_, name); }
  std::string PathOf(uint64_t segment) const { return PathOf(wal::SegmentName(segment)); }

  // Opening.
  absl::Status LockDirectory();
  absl::Status RemoveFiles(const std::vector<std::string>& names);
  absl::Status CutTornTail(const wal::LogContents& contents);
  absl::Status RewriteLastBatch(const wal::LogContents& contents);
  absl::Status RenewMark(const wal::LogContents& contents);

  // Checking.
  absl::Status CheckWritable() const;
  absl::Status Check(const LogBatch& batch);
  absl::Status CheckAppend(const LogBatch& batch, size_t i, Checked& checked);
  absl::Status CheckCompact(const LogBatch& batch, size_t i, Checked& checked);
  GroupLog& Touch(GroupId id);
  raft::Term DraftTerm(const LogBatch& batch, size_t before, const GroupLog& group,
                       raft::Index index) const;
  uint64_t MaxBytes(const LogBatch& batch) const;

  // Writing. All of these are called with write_mutex_ held; a status that they return has made the
  // log unusable unless it is NoSpace.
  absl::Status WriteBatch(const LogBatch& batch);
  absl::Status WriteStaged();
  absl::Status MakeRoom(uint64_t bytes);
  absl::Status BeginSegment(uint64_t bytes);
  absl::StatusOr<std::unique_ptr<File>> PrepareSegment(const std::string& path, uint64_t bytes);
  void Encode(const LogBatch& batch);
  void EncodeStaged();
  absl::Status WriteEncoded();
  absl::Status WriteMark(bool clean, bool sync);
  absl::Status Fail(const absl::Status& error);

  // Publishing: from the encoder's hands into the groups.
  void Publish(const LogBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PublishStaged() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PublishAppend(GroupLog& group, const Change& change, size_t begin, size_t& placed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ShrinkCaches() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Purging.
  absl::Status PurgeNow();
  uint64_t OldestNeeded(std::vector<GroupId>& pinning, uint64_t& live_bytes) const;
  absl::Status MoveGroups(const std::vector<GroupId>& ids);
  absl::Status RemoveSegmentsBefore(uint64_t segment);

  // Reading.
  absl::StatusOr<std::shared_ptr<File>> FileOf(uint64_t segment) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  struct Source {
    Run run;
    std::shared_ptr<File> file;
  };
  absl::StatusOr<raftpb::EntryList> ReadBack(const std::vector<Source>& sources,
                                             raft::IndexRange wanted, uint64_t max_bytes) const;
  absl::StatusOr<std::shared_ptr<const std::string>> FrameOf(const Source& source) const;
  const GroupLog* FindGroup(GroupId id) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  FileSystem& fs_;
  const std::string directory_;
  LogOptions options_;
  std::unique_ptr<FileLock> directory_lock_;
  OpenReport report_;

  absl::Mutex write_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  // Only under write_mutex_:
  wal::Position end_;
  std::shared_ptr<File> file_;  // The newest segment.
  uint64_t file_bytes_ = 0;     // Of it, allocated.
  std::unique_ptr<wal::MarkFile> mark_;
  BatchEncoder encoder_;
  std::vector<Checked> checked_;
  std::vector<GroupLog*> touched_;
  uint64_t drafts_ = 0;
  std::vector<GroupId> staged_;
  bool segment_begun_ = false;
  bool closed_ = false;

  mutable absl::Mutex mutex_;
  // Changed under both mutexes, so that either is enough to read:
  GroupMap groups_;
  absl::Status error_;
  mutable std::map<uint64_t, Segment> segments_ ABSL_GUARDED_BY(mutex_);
  mutable size_t open_segments_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable uint64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
  LogStats stats_ ABSL_GUARDED_BY(mutex_);
  uint64_t cached_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  GroupId shrunk_last_ ABSL_GUARDED_BY(mutex_) = 0;

  // The record that was read last: old entries are mostly read in order.
  mutable absl::Mutex frame_mutex_;
  mutable uint64_t frame_segment_ ABSL_GUARDED_BY(frame_mutex_) = 0;
  mutable uint64_t frame_offset_ ABSL_GUARDED_BY(frame_mutex_) = 0;
  mutable std::shared_ptr<const std::string> frame_ ABSL_GUARDED_BY(frame_mutex_);
};

// --- Opening -------------------------------------------------------------------------------------

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

// --- Checking ------------------------------------------------------------------------------------

absl::Status LogStore::Impl::CheckWritable() const {
  if (!error_.ok()) return error_;
  if (closed_) return absl::FailedPreconditionError(absl::StrCat(directory_, ": it was closed"));
  return absl::OkStatus();
}

// The group, with a draft of what it will be.
GroupLog& LogStore::Impl::Touch(GroupId id) {
  const auto it = groups_.find(id);
  GroupLog* group = it == groups_.end() ? nullptr : it->second.get();
  if (group == nullptr) {
    absl::MutexLock lock(&mutex_);
    group = &GroupIn(groups_, id);
  }
  if (group->draft.batch != drafts_) {
    group->draft = {drafts_,
                    group->compacted().index,
                    group->last_index(),
                    group->last_term(),
                    group->last_index(),
                    group->hard_state().commit};
    touched_.push_back(group);
  }
  return *group;
}

absl::Status LogStore::Impl::Check(const LogBatch& batch) {
  ++drafts_;
  touched_.clear();
  checked_.clear();
  for (size_t i = 0; i < batch.changes_.size(); ++i) {
    const Change& change = batch.changes_[i];
    Checked& checked = checked_.emplace_back();
    checked.group = &Touch(change.group);
    GroupLog::Draft& draft = checked.group->draft;
    absl::Status status;
    switch (change.kind) {
      case Kind::kAppend: status = CheckAppend(batch, i, checked); break;
      case Kind::kHardState: draft.commit = change.hard_state.commit; break;
      case Kind::kMarkSnapshot:
        draft.commit = std::max(draft.commit, change.snapshot->index);
        break;
      case Kind::kRestoreSnapshot:
        draft.commit = std::max(draft.commit, change.snapshot->index);
        draft.compacted = change.snapshot->index;
        draft.last = change.snapshot->index;
        draft.last_term = change.snapshot->term;
        draft.intact = 0;
        break;
      case Kind::kCompact: status = CheckCompact(batch, i, checked); break;
      case Kind::kForget:
        draft = {};
        draft.batch = drafts_;
        break;
    }
    if (!status.ok()) return status;
  }
  for (const GroupLog* group : touched_) {
    if (group->draft.commit > group->draft.last) {
      return absl::InvalidArgumentError(absl::StrCat("commit index ", group->draft.commit,
                                                     " of a log that ends at ", group->draft.last));
    }
  }
  return absl::OkStatus();
}

// The term that the entry at `index` has once the changes before `before` have happened.
raft::Term LogStore::Impl::DraftTerm(const LogBatch& batch, size_t before, const GroupLog& group,
                                     raft::Index index) const {
  const GroupLog::Draft& draft = group.draft;
  if (index == draft.last) return draft.last_term;
  for (size_t i = before; i-- > 0;) {  // Rare: a batch that replaces its own entries.
    if (checked_[i].group != &group || index <= draft.intact) continue;
    const Change& change = batch.changes_[i];
    if (change.kind != Kind::kAppend || checked_[i].nothing) continue;
    const raft::Index first = change.entries.front().index;
    if (index >= first && index - first < change.entries.size()) {
      return change.entries[index - first].term;
    }
  }
  return index >= group.compacted().index && index <= draft.intact ? group.TermAt(index) : 0;
}

absl::Status LogStore::Impl::CheckAppend(const LogBatch& batch, size_t i, Checked& checked) {
  const raftpb::EntryList& entries = batch.changes_[i].entries;
  GroupLog::Draft& draft = checked.group->draft;
  const raft::Index first = entries.front().index;
  if (first == 0 || first > raft::kMaxIndex) {
    return absl::InvalidArgumentError(absl::StrCat("entry index ", first));
  }
  raft::Index index = first;
  raft::Term term = 0;
  for (const raftpb::Entry& entry : entries) {
    if (entry.index != index || entry.term < term || entry.term > raft::kMaxTerm) {
      return absl::InvalidArgumentError(absl::StrCat("entry ", entry.index, " of term ", entry.term,
                                                     " where ", index, " of ", term,
                                                     " or later belongs"));
    }
    if (entry.data.size() > options_.max_entry_bytes) {
      return absl::InvalidArgumentError(absl::StrCat("entry ", index, " has ", entry.data.size(),
                                                     " bytes, more than the limit of ",
                                                     options_.max_entry_bytes));
    }
    term = entry.term;
    ++index;
  }
  if (entries.back().index <= draft.compacted) {
    checked.nothing = true;
    return absl::OkStatus();
  }
  checked.begin = first <= draft.compacted ? draft.compacted + 1 - first : 0;
  const raft::Index before = first + checked.begin - 1;
  if (before > draft.last) {
    return absl::InvalidArgumentError(
        absl::StrCat("entry ", before + 1, " leaves a gap: the log ends at ", draft.last));
  }
  const raft::Term term_before = DraftTerm(batch, i, *checked.group, before);
  if (entries[checked.begin].term < term_before) {
    return absl::InvalidArgumentError(absl::StrCat("entry ", before + 1, " of term ",
                                                   entries[checked.begin].term,
                                                   " after one of term ", term_before));
  }
  draft.intact = std::min(draft.intact, before);
  draft.last = entries.back().index;
  draft.last_term = term;
  return absl::OkStatus();
}

absl::Status LogStore::Impl::CheckCompact(const LogBatch& batch, size_t i, Checked& checked) {
  const raft::Index index = batch.changes_[i].index;
  GroupLog::Draft& draft = checked.group->draft;
  if (index > draft.last) {
    return absl::InvalidArgumentError(
        absl::StrCat("compacting to ", index, " a log that ends at ", draft.last));
  }
  if (index <= draft.compacted) {
    checked.nothing = true;
    return absl::OkStatus();
  }
  checked.term = DraftTerm(batch, i, *checked.group, index);
  draft.compacted = index;
  return absl::OkStatus();
}

uint64_t LogStore::Impl::MaxBytes(const LogBatch& batch) const {
  size_t items = batch.changes_.size() + 2 * staged_.size();
  size_t entries = 0;
  size_t other = 24 * items;
  for (const Change& change : batch.changes_) {
    entries += change.entries.size();
    raft::Term term = 0;
    for (const raftpb::Entry& entry : change.entries) {
      if (entry.term != term) ++items;
      term = entry.term;
    }
    if (change.snapshot != nullptr) other += raftpb::Encode(*change.snapshot).size();
  }
  return encoder_.MaxBytes(entries, batch.payload_bytes_, items, other, options_.block_bytes);
}

// --- Writing -------------------------------------------------------------------------------------

absl::Status LogStore::Impl::Fail(const absl::Status& error) {
  absl::Status sticky = error;
  // Half a batch may be there: "no space" would promise that nothing is.
  if (!IsSyncFailed(error) && !IsIoError(error)) {
    sticky = IoError(PathOf(end_.segment), absl::StrCat("after a write: ", error.message()));
  }
  RAFT_LOG(options_.logger, kError, "the log accepts nothing more: ", sticky.message());
  absl::MutexLock lock(&mutex_);
  error_ = sticky;
  return sticky;
}

absl::Status LogStore::Impl::Write(const LogBatch& batch) {
  absl::MutexLock lock(&write_mutex_);
  if (absl::Status s = CheckWritable(); !s.ok()) return s;
  if (absl::Status s = Check(batch); !s.ok()) return s;
  if (batch.empty() && staged_.empty()) return absl::OkStatus();
  if (absl::Status s = WriteBatch(batch); !s.ok()) return s;
  if (!segment_begun_) return absl::OkStatus();
  // The batch is durable, whatever comes of this: an error is told to the next one.
  segment_begun_ = false;
  const absl::Status purged = PurgeNow();
  if (!purged.ok()) RAFT_LOG(options_.logger, kWarn, "purging: ", purged.message());
  return absl::OkStatus();
}

absl::Status LogStore::Impl::WriteBatch(const LogBatch& batch) {
  if (absl::Status s = MakeRoom(MaxBytes(batch)); !s.ok()) return s;
  Encode(batch);
  if (absl::Status s = WriteEncoded(); !s.ok()) return s;
  absl::MutexLock lock(&mutex_);
  PublishStaged();
  Publish(batch);
  return absl::OkStatus();
}

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
  encoder_.Start(start, options_.salt, options_.block_bytes);
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
    stats_.bytes_written += encoder_.bytes();
  }
  file_bytes_ = file_bytes;
  segment_begun_ = true;
  // From now on a missing segment is noticed.
  return WriteMark(false, true);
}

absl::Status LogStore::Impl::WriteMark(bool clean, bool sync) {
  wal::Mark mark;
  mark.segment = end_.segment;
  mark.batch = end_.batch - 1;
  mark.sequence = end_.sequence - 1;
  mark.clean = clean;
  if (absl::Status s = mark_->Write(mark); !s.ok()) return Fail(s);
  if (!sync) return absl::OkStatus();
  if (absl::Status s = mark_->Sync(); !s.ok()) return Fail(s);
  return absl::OkStatus();
}

void LogStore::Impl::EncodeStaged() {
  for (GroupId id : staged_) {
    const auto it = groups_.find(id);
    if (it == groups_.end()) continue;  // Forgotten since.
    const GroupLog& group = *it->second;
    if (group.hard_state_staged) encoder_.AddHardState(id, group.hard_state());
    if (group.compaction_staged) encoder_.AddCompact(id, group.compacted());
  }
}

void LogStore::Impl::Encode(const LogBatch& batch) {
  encoder_.Start(end_, options_.salt, options_.block_bytes);
  EncodeStaged();
  for (size_t i = 0; i < batch.changes_.size(); ++i) {
    const Change& change = batch.changes_[i];
    if (checked_[i].nothing) continue;
    switch (change.kind) {
      case Kind::kAppend:
        encoder_.AddEntries(change.group, change.entries, checked_[i].begin);
        break;
      case Kind::kHardState: encoder_.AddHardState(change.group, change.hard_state); break;
      case Kind::kMarkSnapshot:
        encoder_.AddSnapshot(ItemKind::kMarkSnapshot, change.group, *change.snapshot);
        break;
      case Kind::kRestoreSnapshot:
        encoder_.AddSnapshot(ItemKind::kRestoreSnapshot, change.group, *change.snapshot);
        break;
      case Kind::kCompact:
        encoder_.AddCompact(change.group, {checked_[i].term, change.index});
        break;
      case Kind::kForget: encoder_.AddForget(change.group); break;
    }
  }
  encoder_.Finish();
}

// One write and one sync. The mark comes after, and needs no sync to be of use.
absl::Status LogStore::Impl::WriteEncoded() {
  RAFT_CHECK(end_.offset + encoder_.bytes() <= file_bytes_)
      << "a batch is longer than was foreseen";
  if (absl::Status s = WriteFully(*file_, end_.offset, encoder_.pieces()); !s.ok()) return Fail(s);
  if (absl::Status s = file_->Sync(); !s.ok()) return Fail(s);
  {
    absl::MutexLock lock(&mutex_);
    end_ = encoder_.position();
    ++stats_.batches;
    ++stats_.syncs;
    stats_.bytes_written += encoder_.bytes();
  }
  // The batch is durable even if this fails; then the next one is told.
  (void)WriteMark(false, false);
  return absl::OkStatus();
}

absl::Status LogStore::Impl::Stage(const LogBatch& batch) {
  absl::MutexLock lock(&write_mutex_);
  if (absl::Status s = CheckWritable(); !s.ok()) return s;
  for (const Change& change : batch.changes_) {
    if (change.kind != Kind::kHardState && change.kind != Kind::kCompact) {
      return absl::InvalidArgumentError("only hard states and compactions can be staged");
    }
  }
  if (absl::Status s = Check(batch); !s.ok()) return s;
  absl::MutexLock state_lock(&mutex_);
  for (size_t i = 0; i < batch.changes_.size(); ++i) {
    if (checked_[i].nothing) continue;
    const Change& change = batch.changes_[i];
    GroupLog& group = *checked_[i].group;
    if (!group.hard_state_staged && !group.compaction_staged) staged_.push_back(change.group);
    if (change.kind == Kind::kHardState) {
      group.SetHardState(change.hard_state, 0);
      group.hard_state_staged = true;
    } else {
      cached_bytes_ -= group.cached_bytes();
      group.Compact({checked_[i].term, change.index}, 0);
      cached_bytes_ += group.cached_bytes();
      group.compaction_staged = true;
    }
  }
  return absl::OkStatus();
}

// What is staged must be durable before anything is removed on its account.
absl::Status LogStore::Impl::WriteStaged() {
  if (staged_.empty()) return absl::OkStatus();
  const LogBatch nothing;
  if (absl::Status s = Check(nothing); !s.ok()) return s;
  if (absl::Status s = WriteBatch(nothing); !s.ok()) return s;
  return CheckWritable();
}

absl::Status LogStore::Impl::Close() {
  absl::MutexLock lock(&write_mutex_);
  if (absl::Status s = CheckWritable(); !s.ok()) return s;
  if (absl::Status s = WriteStaged(); !s.ok()) return s;
  closed_ = true;
  return WriteMark(true, true);
}

// --- Publishing ----------------------------------------------------------------------------------

void LogStore::Impl::PublishStaged() {
  for (GroupId id : staged_) {
    const auto it = groups_.find(id);
    if (it == groups_.end()) continue;
    GroupLog& group = *it->second;
    if (group.hard_state_staged) group.SetHardState(group.hard_state(), end_.segment);
    if (group.compaction_staged) group.Compact(group.compacted(), end_.segment);
    group.hard_state_staged = false;
    group.compaction_staged = false;
  }
  staged_.clear();
}

void LogStore::Impl::Publish(const LogBatch& batch) {
  size_t placed = 0;
  for (size_t i = 0; i < batch.changes_.size(); ++i) {
    const Change& change = batch.changes_[i];
    if (checked_[i].nothing) continue;
    GroupLog& group = *checked_[i].group;
    cached_bytes_ -= group.cached_bytes();
    switch (change.kind) {
      case Kind::kAppend: PublishAppend(group, change, checked_[i].begin, placed); break;
      case Kind::kHardState: group.SetHardState(change.hard_state, end_.segment); break;
      case Kind::kMarkSnapshot: group.MarkSnapshot(change.snapshot, end_.segment); break;
      case Kind::kRestoreSnapshot: group.RestoreSnapshot(change.snapshot, end_.segment); break;
      case Kind::kCompact: group.Compact({checked_[i].term, change.index}, end_.segment); break;
      case Kind::kForget: group = GroupLog(); break;
    }
    cached_bytes_ += group.cached_bytes();
  }
  for (const Change& change : batch.changes_) {
    if (change.kind != Kind::kForget) continue;
    const auto it = groups_.find(change.group);
    if (it != groups_.end() && !it->second->known()) groups_.erase(it);
  }
  if (cached_bytes_ > options_.cache_bytes) ShrinkCaches();
}

void LogStore::Impl::PublishAppend(GroupLog& group, const Change& change, size_t begin,
                                   size_t& placed) {
  raft::Index last = 0;
  while (last != change.entries.back().index) {
    const BatchEncoder::Placed& p = encoder_.placed()[placed++];
    group.Append({p.first, p.last, p.term, end_.segment, p.frame, p.item, p.bytes});
    last = p.last;
  }
  group.Cache(change.entries, begin);
  group.ShrinkCache(options_.cache_bytes_per_group);
}

// Takes memory from one group after the other, in the order of their ids.
void LogStore::Impl::ShrinkCaches() {
  auto it = groups_.upper_bound(shrunk_last_);
  for (size_t i = 0; i < 2 * groups_.size() && cached_bytes_ > options_.cache_bytes; ++i) {
    if (it == groups_.end()) it = groups_.begin();
    GroupLog& group = *it->second;
    cached_bytes_ -= group.cached_bytes();
    group.ShrinkCache(group.cached_bytes() / 2);
    cached_bytes_ += group.cached_bytes();
    shrunk_last_ = it->first;
    ++it;
  }
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
  while (needed < end_.segment) {
    const LogStats now = stats();
    // Moving pays only while most of the disk space holds nothing, and the remains are small.
    const bool wasteful = now.disk_bytes > 2 * now.live_bytes + 3 * options_.segment_bytes;
    if (!wasteful || pinning_bytes > options_.segment_bytes / 2) break;
    if (absl::Status s = MoveGroups(pinning); !s.ok()) return s;
    const uint64_t before = needed;
    needed = OldestNeeded(pinning, pinning_bytes);
    if (needed == before) break;
    if (absl::Status s = RemoveSegmentsBefore(needed - 1); !s.ok()) return s;
  }
  return RemoveSegmentsBefore(needed - 1);  // One is kept back.
}

// Writes the whole state of groups again, at the end of the log.
absl::Status LogStore::Impl::MoveGroups(const std::vector<GroupId>& ids) {
  std::vector<raftpb::EntryList> entries;  // Hold the payloads until they are written.
  size_t entry_count = 0;
  size_t payload_bytes = 0;
  size_t items = 0;
  size_t other_bytes = 0;
  for (GroupId id : ids) {
    const GroupLog& group = *groups_.find(id)->second;
    raftpb::EntryList& list = entries.emplace_back();
    if (group.last_index() >= group.first_index()) {
      absl::StatusOr<raftpb::EntryList> read =
          Entries(id, {group.first_index(), group.last_index() + 1}, raft::kNoLimit);
      if (!read.ok()) return read.status();
      list = *std::move(read);
    }
    entry_count += list.size();
    items += 4;
    other_bytes += 64;
    raft::Term term = 0;
    for (const raftpb::Entry& entry : list) {
      payload_bytes += PayloadSize(entry);
      if (entry.term != term) ++items;
      term = entry.term;
    }
    if (group.snapshot() != nullptr) other_bytes += raftpb::Encode(*group.snapshot()).size();
  }
  if (absl::Status s = MakeRoom(
          encoder_.MaxBytes(entry_count, payload_bytes, items, other_bytes, options_.block_bytes));
      !s.ok()) {
    return s;
  }
  encoder_.Start(end_, options_.salt, options_.block_bytes);
  for (size_t i = 0; i < ids.size(); ++i) {
    const GroupLog& group = *groups_.find(ids[i])->second;
    encoder_.AddForget(ids[i]);
    if (group.snapshot() != nullptr) {
      encoder_.AddSnapshot(ItemKind::kMarkSnapshot, ids[i], *group.snapshot());
    }
    if (group.compacted().index > 0) encoder_.AddCompact(ids[i], group.compacted());
    encoder_.AddEntries(ids[i], entries[i], 0);
    encoder_.AddHardState(ids[i], group.hard_state());
  }
  encoder_.Finish();
  if (absl::Status s = WriteEncoded(); !s.ok()) return s;

  absl::MutexLock lock(&mutex_);
  size_t placed = 0;
  for (GroupId id : ids) {
    std::vector<Run> runs;
    while (placed < encoder_.placed().size() && encoder_.placed()[placed].group == id) {
      const BatchEncoder::Placed& p = encoder_.placed()[placed++];
      runs.push_back({p.first, p.last, p.term, end_.segment, p.frame, p.item, p.bytes});
    }
    groups_.find(id)->second->Relocate(std::move(runs), end_.segment);
  }
  return absl::OkStatus();
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
  encoder_.Start(end_, options_.salt, options_.block_bytes);
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

// --- Reading -------------------------------------------------------------------------------------

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
      // No entry takes 16 times its EncodedSize here: what is beyond that is not looked up.
      uint64_t bytes = 0;
      for (const Run& run : group->RunsOf(on_disk.begin, on_disk.end - 1)) {
        absl::StatusOr<std::shared_ptr<File>> file = FileOf(run.segment);
        if (!file.ok()) return file.status();
        sources.push_back({run, *std::move(file)});
        bytes += sources.size() > 1 ? run.bytes : 0;
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
    if (!reader.Next(item) || item.kind != ItemKind::kEntries ||
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

// --- The door ------------------------------------------------------------------------------------

LogStore::LogStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LogStore::~LogStore() = default;

absl::StatusOr<std::unique_ptr<LogStore>> LogStore::Create(FileSystem& fs, std::string directory,
                                                           const LogOptions& options) {
  auto impl = std::make_unique<Impl>(fs, std::move(directory), options);
  if (absl::Status s = impl->Create(); !s.ok()) return s;
  return std::unique_ptr<LogStore>(new LogStore(std::move(impl)));
}

absl::StatusOr<std::unique_ptr<LogStore>> LogStore::Open(FileSystem& fs, std::string directory,
                                                         const LogOptions& options) {
  auto impl = std::make_unique<Impl>(fs, std::move(directory), options);
  if (absl::Status s = impl->Open(); !s.ok()) return s;
  return std::unique_ptr<LogStore>(new LogStore(std::move(impl)));
}

absl::Status LogStore::Write(const LogBatch& batch) { return impl_->Write(batch); }
absl::Status LogStore::Stage(const LogBatch& batch) { return impl_->Stage(batch); }
absl::Status LogStore::Close() { return impl_->Close(); }
absl::Status LogStore::Purge() { return impl_->Purge(); }

absl::optional<LogStore::GroupState> LogStore::Find(GroupId group) const {
  return impl_->Find(group);
}
std::vector<GroupId> LogStore::Groups() const { return impl_->GroupIds(); }
absl::StatusOr<raftpb::EntryList> LogStore::Entries(GroupId group, raft::IndexRange wanted,
                                                    uint64_t max_bytes) const {
  return impl_->Entries(group, wanted, max_bytes);
}
absl::StatusOr<raft::Term> LogStore::TermAt(GroupId group, raft::Index index) const {
  return impl_->TermAt(group, index);
}
raft::Index LogStore::FirstIndex(GroupId group) const { return impl_->Bounds(group).begin; }
raft::Index LogStore::LastIndex(GroupId group) const { return impl_->Bounds(group).end - 1; }

const OpenReport& LogStore::report() const { return impl_->report(); }
const LogOptions& LogStore::options() const { return impl_->options(); }
absl::Status LogStore::status() const { return impl_->status(); }
LogStats LogStore::stats() const { return impl_->stats(); }

}  // namespace storage
