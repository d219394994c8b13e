// Only for log_store*.cc: what a LogStore remembers, and one banner of functions per room.
//
//   log_store_open.cc      what is there, and what a crash has left of it
//   log_store_check.cc     whether a batch makes sense, before anything of it is written
//   log_store_write.cc     a batch: encoded, written, synced, and only then visible
//   log_store_segments.cc  the files: a new one in time, old ones given back
//   log_store_read.cc      entries from memory and from disk
#ifndef RAFT_STORAGE_LOG_STORE_IMPL_H_
#define RAFT_STORAGE_LOG_STORE_IMPL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "raft/types.h"
#include "raftpb/entry_list.h"
#include "storage/file_system.h"
#include "storage/group_log.h"
#include "storage/log_batch.h"
#include "storage/log_store.h"
#include "storage/open_report.h"
#include "storage/replay.h"
#include "storage/wal/encoder.h"
#include "storage/wal/format.h"
#include "storage/wal/mark.h"
#include "storage/wal/recovery.h"

namespace storage {

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
  bool AreSound(const Change& change) const;
  bool GoesOn(const Change& change, const GroupLog::Draft& draft) const;
  absl::Status WhatIsWrong(const Change& change) const;
  absl::Status CheckAppend(const LogBatch& batch, size_t i, Checked& checked);
  void CheckMark(const Change& change, Checked& checked);
  absl::Status CheckCompact(const LogBatch& batch, size_t i, Checked& checked);
  void FindGroups(const LogBatch& batch);
  GroupLog::Draft& DraftOf(GroupLog& group);
  raft::Term DraftTerm(const LogBatch& batch, size_t before, const GroupLog& group,
                       raft::Index index) const;
  uint64_t MaxBytes(const LogBatch& batch) const;

  // Writing. All of these are called with write_mutex_ held; a status that they return has made the
  // log unusable unless it is NoSpace.
  absl::Status WriteBatch(const LogBatch& batch);
  absl::Status WriteStaged();
  void Encode(const LogBatch& batch);
  void EncodeStaged();
  absl::Status WriteEncoded();
  absl::Status WriteMark(bool clean, bool sync);
  absl::Status Fail(const absl::Status& error);

  // Publishing, the end of writing: from the encoder's hands into the groups.
  void Publish(const LogBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PublishStaged() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PublishAppend(const Change& change, const Checked& checked, size_t& placed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void CachePart(const Change& change, const Checked& checked);
  void RemoveForgotten(const LogBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ShrinkCaches() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Segments, under write_mutex_ as well.
  absl::Status MakeRoom(uint64_t bytes);
  absl::Status BeginSegment(uint64_t bytes);
  absl::StatusOr<std::unique_ptr<File>> PrepareSegment(const std::string& path, uint64_t bytes);
  absl::Status PurgeNow();
  bool MovingPays(uint64_t bytes) const;
  uint64_t OldestNeeded(std::vector<GroupId>& pinning, uint64_t& live_bytes) const;
  absl::Status MoveGroups(const std::vector<GroupId>& ids);
  absl::StatusOr<raftpb::EntryList> AllEntries(GroupId id) const;
  uint64_t MaxBytesToMove(const std::vector<GroupId>& ids,
                          const std::vector<raftpb::EntryList>& entries) const;
  void EncodeGroup(GroupId id, const raftpb::EntryList& entries);
  void PublishMoved(const std::vector<GroupId>& ids);
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
  wal::BatchEncoder encoder_;
  std::vector<Checked> checked_;
  std::vector<GroupLog*>
      commit_in_doubt_;  // Whose commit index may have come to lie beyond the log.
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

}  // namespace storage

#endif  // RAFT_STORAGE_LOG_STORE_IMPL_H_
