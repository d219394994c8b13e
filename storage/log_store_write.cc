// Room: writing. A batch that was found sound is encoded, written and synced, and only then
// visible. Whatever fails on the way is final (Q7 of docs/storage-format.md).
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/check.h"
#include "storage/errors.h"
#include "storage/log_store_impl.h"

namespace storage {

namespace {

// In changes: while the memory for one comes, others are worked on.
constexpr size_t kAhead = 16;

}  // namespace

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
  encoder_.Start(end_, options_.salt, options_.block_bytes, batch.payload_bytes());
  EncodeStaged();
  const size_t count = batch.changes_.size();
  for (size_t i = 0; i < count; ++i) {
    const Change& change = batch.changes_[i];
    if (i + kAhead < count) batch.changes_[i + kAhead].PrefetchEntries();
    if (checked_[i].nothing) continue;
    switch (change.kind) {
      case Kind::kAppend:
        encoder_.AddEntries(change.group, change.entries, checked_[i].begin);
        break;
      case Kind::kHardState: encoder_.AddHardState(change.group, change.hard_state); break;
      case Kind::kMarkSnapshot:
        encoder_.AddSnapshot(wal::ItemKind::kMarkSnapshot, change.group, *change.snapshot);
        break;
      case Kind::kRestoreSnapshot:
        encoder_.AddSnapshot(wal::ItemKind::kRestoreSnapshot, change.group, *change.snapshot);
        break;
      case Kind::kCompact:
        encoder_.AddCompact(change.group, {checked_[i].term, change.last_index});
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
  if (absl::Status s = file_->WriteDurably(end_.offset, encoder_.pieces()); !s.ok()) return Fail(s);
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
      group.Compact({checked_[i].term, change.last_index}, 0);
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

// --- Publishing: from the encoder's hands into the groups ----------------------------------------

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
  bool forgets = false;
  const size_t count = batch.changes_.size();
  for (size_t i = 0; i < count; ++i) {
    const Change& change = batch.changes_[i];
    if (i + kAhead < count) checked_[i + kAhead].group->PrefetchForPublish();
    if (i + kAhead / 2 < count) checked_[i + kAhead / 2].group->PrefetchEnd();
    if (checked_[i].nothing) continue;
    GroupLog& group = *checked_[i].group;
    cached_bytes_ -= group.cached_bytes();
    switch (change.kind) {
      case Kind::kAppend: PublishAppend(change, checked_[i], placed); break;
      case Kind::kHardState: group.SetHardState(change.hard_state, end_.segment); break;
      case Kind::kMarkSnapshot: group.MarkSnapshot(change.snapshot, end_.segment); break;
      case Kind::kRestoreSnapshot: group.RestoreSnapshot(change.snapshot, end_.segment); break;
      case Kind::kCompact:
        group.Compact({checked_[i].term, change.last_index}, end_.segment);
        break;
      case Kind::kForget:
        group = GroupLog();
        forgets = true;
        break;
    }
    cached_bytes_ += group.cached_bytes();
  }
  if (forgets) RemoveForgotten(batch);
  if (cached_bytes_ > options_.cache_bytes) ShrinkCaches();
}

// Looks at no entry: after a sync they are in no cache of the processor, and LogBatch has noted
// what is needed here.
void LogStore::Impl::PublishAppend(const Change& change, const Checked& checked, size_t& placed) {
  GroupLog& group = *checked.group;
  raft::Index last = 0;
  while (last != change.last_index) {
    const Run& run = encoder_.placed()[placed++].run;
    group.Append(run);
    last = run.last;
  }
  if (checked.begin == 0) {
    group.Cache(change.entries, change.payload_bytes);
  } else {
    CachePart(change, checked);
  }
  group.ShrinkCache(options_.cache_bytes_per_group);
}

void LogStore::Impl::CachePart(const Change& change, const Checked& checked) {
  const raftpb::EntryList rest = change.entries.Slice(checked.begin, change.entries.size());
  checked.group->Cache(rest, rest.PayloadSize());
}

// The groups that a batch has forgotten, and not begun anew.
void LogStore::Impl::RemoveForgotten(const LogBatch& batch) {
  for (const Change& change : batch.changes_) {
    if (change.kind != Kind::kForget) continue;
    const auto it = groups_.find(change.group);
    if (it != groups_.end() && !it->second->known()) groups_.erase(it);
  }
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

}  // namespace storage
