#include "storage/wal/recovery.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/errors.h"
#include "storage/wal/verdict.h"

namespace storage::wal {

namespace {

// One reading of one directory.
class LogReading {
 public:
  LogReading(FileSystem& fs, const std::string& directory, const ReadLogOptions& options,
             LogVisitor& visitor)
      : fs_(fs), directory_(directory), options_(options), visitor_(visitor) {}

  absl::StatusOr<LogContents> Run() {
    if (absl::Status s = FindFiles(); !s.ok()) return s;
    if (absl::Status s = ReadMark(); !s.ok()) return s;
    if (absl::Status s = ChooseChain(); !s.ok()) return s;
    for (size_t i = 0; i < contents_.segments.size(); ++i) {
      if (absl::Status s = ReadSegment(i); !s.ok()) return s;
    }
    if (absl::Status s = CheckFirst(); !s.ok()) return s;
    return std::move(contents_);
  }

 private:
  std::string PathOf(uint64_t segment) const { return JoinPath(directory_, SegmentName(segment)); }

  absl::Status FindFiles() {
    const absl::StatusOr<std::vector<std::string>> names = fs_.List(directory_);
    if (!names.ok()) {
      return absl::IsNotFound(names.status()) ? NothingStored(directory_, "no such directory")
                                              : names.status();
    }
    for (const std::string& name : *names) {
      if (const auto segment = ParseSegmentName(name); segment.has_value()) {
        found_.push_back(*segment);
      } else if (absl::EndsWith(name, kTemporarySuffix)) {
        contents_.unfinished.push_back(name);
      }
    }
    return absl::OkStatus();  // found_ is in ascending order, as the names are.
  }

  absl::Status ReadMark() {
    const std::string path = JoinPath(directory_, kMarkName);
    absl::StatusOr<absl::optional<Mark>> mark = MarkFile::Read(fs_, path);
    if (mark.ok()) {
      contents_.mark = *mark;
    } else if (!absl::IsNotFound(mark.status())) {
      return mark.status();
    }
    if (!found_.empty()) return mark.ok() ? absl::OkStatus() : Gap(path, "the mark is missing");
    if (contents_.mark.has_value() && contents_.mark->batch > 0) {
      return Gap(PathOf(contents_.mark->segment), "no segment is left");
    }
    return NothingStored(directory_, "no log has been created here");
  }

  // The newest segment and those before it, without a gap.
  absl::Status ChooseChain() {
    const uint64_t newest = found_.back();
    if (contents_.mark.has_value() && contents_.mark->segment > newest) {
      return Gap(PathOf(contents_.mark->segment), "the newest segment is missing");
    }
    size_t begin = found_.size() - 1;
    while (begin > 0 && found_[begin - 1] + 1 == found_[begin]) --begin;
    contents_.purged_segments.assign(found_.begin(),
                                     found_.begin() + static_cast<ptrdiff_t>(begin));
    for (size_t i = begin; i < found_.size(); ++i) contents_.segments.push_back({found_[i], 0, 0});
    return absl::OkStatus();
  }

  absl::Status ReadSegment(size_t i) {
    SegmentFile& segment = contents_.segments[i];
    const std::string path = PathOf(segment.segment);
    absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(path, options_.mode);
    if (!file.ok()) return file.status();
    const absl::StatusOr<uint64_t> file_bytes = (*file)->Size();
    if (!file_bytes.ok()) return file_bytes.status();
    segment.file_bytes = *file_bytes;

    Position start = contents_.end;
    start.segment = segment.segment;
    start.offset = 0;
    SegmentReader reader(**file, *file_bytes, start, 0, i > 0);
    if (absl::Status s = ReadHead(path, i, reader); !s.ok()) return s;

    Position batch = reader.position();  // Where the batch that is being read begins.
    Frame frame;
    while (true) {
      const absl::StatusOr<Found> found = reader.Next(frame);
      if (!found.ok()) return found.status();
      if (*found != Found::kFrame) {
        segment.end = batch.offset;
        contents_.end = batch;
        return Conclude(path, i, **file, *found, reader, batch);
      }
      if (frame.header.type != FrameType::kItems) {
        return BadFormat(path, absl::StrCat("a record of unknown type at ", frame.offset));
      }
      if (absl::Status s = visitor_.OnFrame(path, frame); !s.ok()) return s;
      ++contents_.frames;
      contents_.frame_bytes += frame.header.frame_bytes();
      visitor_.OnProgress(reader.position().offset, *file_bytes);
      if (!frame.header.last_of_batch()) continue;
      if (absl::Status s = visitor_.OnBatch(frame.header.batch); !s.ok()) return s;
      contents_.last_batch = batch;
      batch = reader.position();
    }
  }

  absl::Status ReadHead(const std::string& path, size_t i, SegmentReader& reader) {
    const Position start = reader.position();
    Frame frame;
    const absl::StatusOr<Found> found = reader.Next(frame);
    if (!found.ok()) return found.status();
    switch (*found) {
      case Found::kFrame: break;
      case Found::kUnknownVersion: return BadFormat(path, reader.why());
      case Found::kMisplaced:
        if (IsHeadOf(path, start.segment)) {
          return Gap(path, absl::StrCat("it does not continue the segment before: ", reader.why()));
        }
        return Misplaced(path, 0, reader.why());
      case Found::kEnd: return Corruption(path, 0, Damage::kHeader, "the segment is empty");
      case Found::kDamaged: return Corruption(path, 0, reader.damage(), reader.why());
    }
    const absl::optional<SegmentHead> head = DecodeSegmentHead(frame.payload);
    if (frame.header.type != FrameType::kHead || !head.has_value()) {
      return BadFormat(path, "it does not begin like a segment");
    }
    const Identity& expected = options_.identity.value_or(head->identity);
    if (head->identity != expected) {
      return Foreign(path, absl::StrCat("it belongs to server ", head->identity.node_id,
                                        " of cluster ", head->identity.cluster_id, ", not to ",
                                        expected.node_id, " of ", expected.cluster_id));
    }
    if (i > 0 && !head->SameLog(contents_.head)) return Foreign(path, "it belongs to another log");
    const uint64_t file_bytes = contents_.segments[i].file_bytes;
    if (i + 1 == contents_.segments.size() && file_bytes < head->file_bytes) {
      return Corruption(
          path, file_bytes, Damage::kPayload,
          absl::StrCat("the file was cut: it was made with ", head->file_bytes, " bytes"));
    }
    contents_.head = *head;
    contents_.last_batch = start;
    contents_.last_batch.sequence = frame.header.sequence;
    contents_.last_batch.batch = frame.header.batch;
    reader.set_salt(head->salt);
    ++contents_.frames;
    contents_.frame_bytes += frame.header.frame_bytes();
    return absl::OkStatus();
  }

  // Whether the file begins with a sound head of this segment, in whatever place of the log.
  bool IsHeadOf(const std::string& path, uint64_t segment) {
    const absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(path, OpenMode::kRead);
    char bytes[kFrameHeaderBytes];
    if (!file.ok()) return false;
    const absl::StatusOr<size_t> read = ReadFully(**file, 0, bytes, sizeof(bytes));
    if (!read.ok() || *read != sizeof(bytes)) return false;
    const absl::optional<FrameHeader> header = DecodeHeader(bytes, 0);
    return header.has_value() && header->segment == segment && header->type == FrameType::kHead;
  }

  // The segment could not be read beyond reader.position(); the batch there began at `batch`.
  absl::Status Conclude(const std::string& path, size_t i, const File& file, Found found,
                        const SegmentReader& reader, const Position& batch) {
    const Position& stop = reader.position();
    const uint64_t file_bytes = contents_.segments[i].file_bytes;
    absl::StatusOr<Tail> tail = ScanTail(file, file_bytes, stop, contents_.head.salt);
    if (!tail.ok()) return tail.status();

    Findings findings;
    findings.found = found;
    findings.last_segment = i + 1 == contents_.segments.size();
    findings.batch_open = stop.batch_open;
    findings.bytes_behind = tail->nonzero_end > stop.offset;
    findings.later_batch = tail->later_batch;
    findings.below_mark = contents_.mark.has_value() && contents_.mark->batch >= stop.batch;
    switch (Judge(findings)) {
      case Verdict::kNextSegment:
      case Verdict::kEndOfLog: return absl::OkStatus();
      case Verdict::kTornTail:
        contents_.torn_tail =
            TornTail{path, batch.offset, tail->nonzero_end - batch.offset, batch.sequence};
        return absl::OkStatus();
      case Verdict::kMisplaced: return Misplaced(path, stop.offset, reader.why());
      case Verdict::kBadFormat: return BadFormat(path, reader.why());
      case Verdict::kCorruption:
        return Corruption(path, stop.offset, DamageOf(found, reader),
                          Explain(findings, *tail, reader));
    }
    return absl::InternalError("unreachable");
  }

  static Damage DamageOf(Found found, const SegmentReader& reader) {
    return found == Found::kDamaged ? reader.damage() : Damage::kHeader;
  }

  static std::string Explain(const Findings& findings, const Tail& tail,
                             const SegmentReader& reader) {
    const std::string what = findings.found == Found::kDamaged
                                 ? reader.why()
                                 : std::string("nothing where a record should be");
    if (!findings.last_segment) return absl::StrCat(what, ", before a later segment");
    if (findings.later_batch) {
      return absl::StrCat(what, ", before a later batch at ", tail.later_offset);
    }
    return absl::StrCat(what, ", though batch ", reader.position().batch, " was durable");
  }

  // Whether what is missing in front of the oldest segment was purged.
  absl::Status CheckFirst() {
    const uint64_t oldest = contents_.segments.front().segment;
    const uint64_t newest = contents_.segments.back().segment;
    const uint64_t needed = std::max<uint64_t>(visitor_.first_needed_segment(), 1);
    if (needed > newest)
      return Inconsistent(absl::StrCat("segment ", needed, " is to be the first"));
    if (oldest > needed) return Gap(PathOf(oldest - 1), "the segment is missing");
    for (uint64_t segment = oldest; segment < needed; ++segment) {
      contents_.purged_segments.push_back(segment);
    }
    contents_.segments.erase(contents_.segments.begin(),
                             contents_.segments.begin() + static_cast<ptrdiff_t>(needed - oldest));
    return absl::OkStatus();
  }

  FileSystem& fs_;
  const std::string& directory_;
  const ReadLogOptions& options_;
  LogVisitor& visitor_;
  std::vector<uint64_t> found_;
  LogContents contents_;
};

}  // namespace

absl::StatusOr<LogContents> ReadLog(FileSystem& fs, const std::string& directory,
                                    const ReadLogOptions& options, LogVisitor& visitor) {
  return LogReading(fs, directory, options, visitor).Run();
}

}  // namespace storage::wal
