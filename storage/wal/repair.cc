#include "storage/wal/repair.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "storage/errors.h"
#include "storage/wal/bytes.h"
#include "storage/wal/format.h"
#include "storage/wal/mark.h"
#include "storage/wal/reader.h"
#include "storage/wal/recovery.h"

namespace storage::wal {

namespace {

// Accepts everything, and remembers what was purged.
class Nobody : public LogVisitor {
 public:
  absl::Status OnFrame(const std::string& path, const Frame& frame) override {
    ItemReader reader(frame.payload);
    for (Item item; reader.Next(item); item = {}) {
      if (item.kind == ItemKind::kPurge) pending_ = std::max(pending_, item.segment);
    }
    if (reader.error().empty()) return absl::OkStatus();
    return BadFormat(path, reader.error());
  }
  absl::Status OnBatch(uint64_t /*batch*/) override {
    first_needed_ = pending_;
    return absl::OkStatus();
  }
  uint64_t first_needed_segment() const override { return first_needed_; }

 private:
  uint64_t pending_ = 0;
  uint64_t first_needed_ = 0;
};

class Repairing {
 public:
  Repairing(FileSystem& fs, const std::string& directory, bool apply)
      : fs_(fs), directory_(directory), apply_(apply) {}

  absl::StatusOr<RepairReport> Run() {
    const absl::StatusOr<std::unique_ptr<FileLock>> lock =
        fs_.Lock(JoinPath(directory_, kLockName));
    if (!lock.ok()) return lock.status();
    Nobody nobody;
    const absl::Status status = ReadLog(fs_, directory_, {}, nobody).status();
    if (status.ok() || IsNothingStored(status)) return report_;
    report_.needed = true;
    report_.reason = std::string(status.message());
    if (absl::Status s = FindPrefix(); !s.ok()) return s;
    if (absl::Status s = FindLost(); !s.ok()) return s;
    if (absl::Status s = Cut(); !s.ok()) return s;
    return report_;
  }

 private:
  struct Known {
    uint64_t segment = 0;
    uint64_t file_bytes = 0;
    std::unique_ptr<File> file;
  };

  std::string PathOf(uint64_t segment) const { return JoinPath(directory_, SegmentName(segment)); }

  // Reads from the oldest segment on until something is wrong.
  absl::Status FindPrefix() {
    const absl::StatusOr<std::vector<std::string>> names = fs_.List(directory_);
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) {
      const absl::optional<uint64_t> segment = ParseSegmentName(name);
      if (!segment.has_value()) continue;
      absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(PathOf(*segment), OpenMode::kRead);
      if (!file.ok()) return file.status();
      const absl::StatusOr<uint64_t> bytes = (*file)->Size();
      if (!bytes.ok()) return bytes.status();
      segments_.push_back({*segment, *bytes, *std::move(file)});
    }
    for (size_t i = 0; i < segments_.size(); ++i) {
      if (i > 0 && segments_[i].segment != segments_[i - 1].segment + 1) break;
      const absl::StatusOr<bool> whole = ReadSegment(i);
      if (!whole.ok()) return whole.status();
      if (!*whole) break;
    }
    return absl::OkStatus();
  }

  // False if the segment ends in anything but zeros.
  absl::StatusOr<bool> ReadSegment(size_t i) {
    const Known& known = segments_[i];
    Position start = good_;
    start.segment = known.segment;
    start.offset = 0;
    SegmentReader reader(*known.file, known.file_bytes, start, 0, i > 0);
    Frame frame;
    absl::StatusOr<Found> found = reader.Next(frame);
    if (!found.ok()) return found.status();
    const absl::optional<SegmentHead> head =
        *found == Found::kFrame ? DecodeSegmentHead(frame.payload) : absl::nullopt;
    if (!head.has_value() || frame.header.type != FrameType::kHead) return false;
    kept_ = i + 1;
    head_ = *head;
    good_ = reader.position();
    reader.set_salt(head->salt);
    while (true) {
      found = reader.Next(frame);
      if (!found.ok()) return found.status();
      if (*found != Found::kFrame) break;
      if (frame.header.last_of_batch()) good_ = reader.position();
    }
    if (*found != Found::kEnd || reader.position().batch_open) return false;
    const absl::StatusOr<Tail> tail =
        ScanTail(*known.file, known.file_bytes, reader.position(), head->salt);
    if (!tail.ok()) return tail.status();
    return tail->nonzero_end == reader.position().offset;
  }

  // What is still legible behind the damage, for whoever wants to know what is gone.
  absl::Status FindLost() {
    std::map<GroupId, std::pair<raft::Index, raft::Index>> entries;
    uint64_t records = 0;
    for (size_t i = kept_ == 0 ? 0 : kept_ - 1; i < segments_.size(); ++i) {
      const Known& known = segments_[i];
      const bool cut = kept_ > 0 && i == kept_ - 1;
      std::string frame;
      FrameHeader header;
      std::string word(4, '\0');
      for (uint64_t at = cut ? good_.offset : 0; at + kFrameHeaderBytes <= known.file_bytes;) {
        const absl::StatusOr<size_t> read = ReadFully(*known.file, at, word.data(), word.size());
        if (!read.ok()) return read.status();
        if (LoadLittleEndian<uint32_t>(word.data()) != kFrameMagic ||
            !ReadFrame(*known.file, "", known.segment, at, head_.salt, frame, header).ok()) {
          at += kFrameAlignment;
          continue;
        }
        at += header.frame_bytes();
        if (header.type != FrameType::kItems) continue;
        ++records;
        ItemReader reader(absl::string_view(frame).substr(kFrameHeaderBytes, header.payload_bytes));
        for (Item item; reader.Next(item); item = {}) {
          if (item.kind != ItemKind::kEntries) continue;
          auto& range = entries.try_emplace(item.group, item.first, item.last()).first->second;
          range.first = std::min(range.first, item.first);
          range.second = std::max(range.second, item.last());
        }
      }
    }
    report_.lost.push_back(
        absl::StrCat("everything from batch ", good_.batch, " (record ", good_.sequence, ") on"));
    report_.lost.push_back(absl::StrCat(records, " sound records behind the damage"));
    for (const auto& [group, range] : entries) {
      report_.lost.push_back(absl::StrCat("of group ", group, " entries between ", range.first,
                                          " and ", range.second));
    }
    return absl::OkStatus();
  }

  absl::Status SetAside(const std::string& name) {
    std::string aside;
    for (int n = 1;; ++n) {
      aside = absl::StrCat(name, ".damaged-", n);
      const absl::StatusOr<bool> taken = Exists(fs_, JoinPath(directory_, aside));
      if (!taken.ok()) return taken.status();
      if (!*taken) break;
    }
    report_.actions.push_back(absl::StrCat("rename ", name, " to ", aside));
    if (!apply_) return absl::OkStatus();
    return fs_.Rename(JoinPath(directory_, name), JoinPath(directory_, aside));
  }

  // A new file with the sound part of the last segment that is kept, under a temporary name.
  absl::Status CopyPrefix(const Known& from, const std::string& to) {
    const absl::Status removed = fs_.Remove(to);  // Of a repair that did not finish.
    if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
    const absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(to, OpenMode::kCreate);
    if (!file.ok()) return file.status();
    if (absl::Status s = (*file)->Allocate(std::max(head_.file_bytes, good_.offset)); !s.ok()) {
      return s;
    }
    std::string bytes;
    for (uint64_t at = 0; at < good_.offset; at += bytes.size()) {
      bytes.resize(std::min<uint64_t>(good_.offset - at, 1 << 20));
      const absl::StatusOr<size_t> read = ReadFully(*from.file, at, bytes.data(), bytes.size());
      if (!read.ok()) return read.status();
      const absl::string_view piece = bytes;
      if (absl::Status s = WriteFully(**file, at, {&piece, 1}); !s.ok()) return s;
    }
    return (*file)->Sync();
  }

  // The new files first: at every moment either the old log or the repaired one is there, with the
  // old files beside it.
  absl::Status Cut() {
    if (kept_ == 0) {
      return Corruption(PathOf(segments_.empty() ? 1 : segments_.front().segment), 0,
                        Damage::kHeader,
                        "not even the first segment begins soundly: nothing to keep");
    }
    const Known& last = segments_[kept_ - 1];
    const std::string name = SegmentName(last.segment);
    const std::string unfinished = JoinPath(directory_, absl::StrCat(name, kTemporarySuffix));
    report_.actions.push_back(absl::StrCat("copy the first ", good_.offset, " bytes of ", name));
    if (apply_) {
      if (absl::Status s = CopyPrefix(last, unfinished); !s.ok()) return s;
    }
    for (size_t i = segments_.size(); i-- > kept_;) {  // Newest first: never a gap.
      if (absl::Status s = SetAside(SegmentName(segments_[i].segment)); !s.ok()) return s;
    }
    const absl::StatusOr<bool> marked = Exists(fs_, JoinPath(directory_, kMarkName));
    if (!marked.ok()) return marked.status();
    if (*marked) {
      if (absl::Status s = SetAside(std::string(kMarkName)); !s.ok()) return s;
    }
    if (absl::Status s = SetAside(name); !s.ok()) return s;
    report_.actions.push_back(
        absl::StrCat("name the copy ", name, ", and write a new ", kMarkName));
    if (!apply_) return absl::OkStatus();
    if (absl::Status s = fs_.Rename(unfinished, JoinPath(directory_, name)); !s.ok()) return s;
    Mark mark;
    mark.segment = last.segment;
    mark.batch = good_.batch - 1;
    mark.sequence = good_.sequence - 1;
    const std::string mark_path = JoinPath(directory_, kMarkName);
    const absl::StatusOr<std::unique_ptr<MarkFile>> file = MarkFile::Create(fs_, mark_path, mark);
    if (!file.ok()) return file.status();
    return fs_.SyncDirectory(directory_);
  }

  FileSystem& fs_;
  const std::string& directory_;
  const bool apply_;
  RepairReport report_;
  std::vector<Known> segments_;
  size_t kept_ = 0;   // Segments, the last of them in part.
  SegmentHead head_;  // Of the last that is kept.
  Position good_;     // Behind the last batch that is kept.
};

}  // namespace

absl::StatusOr<RepairReport> Repair(FileSystem& fs, const std::string& directory, bool apply) {
  return Repairing(fs, directory, apply).Run();
}

}  // namespace storage::wal
