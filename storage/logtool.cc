// logtool: looks at a log, checks it, and repairs it as far as that can be done.
//
//   logtool inspect [--json] [--records] DIRECTORY
//   logtool verify [--direct] DIRECTORY
//   logtool repair [--apply] DIRECTORY
//
// DIRECTORY holds the segments (log/ of a server's storage directory). inspect and verify change
// nothing, and do not lock: what a running server is just writing may look torn. repair says what
// it would do, and does it with --apply: it renames and never removes. Exit code 0: sound, or
// repaired; 1: damaged; 2: wrong usage.

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/errors.h"
#include "storage/posix_file_system.h"
#include "storage/replay.h"
#include "storage/wal/recovery.h"
#include "storage/wal/repair.h"

ABSL_FLAG(bool, json, false, "inspect: print one JSON object");
ABSL_FLAG(bool, records, false, "inspect: also print every record");
ABSL_FLAG(bool, direct, false, "verify: read what the disk has, past the page cache");
ABSL_FLAG(bool, apply, false, "repair: do it, instead of saying what would be done");

namespace storage {
namespace {

// Replays, prints records if asked to, and says from time to time how far it is.
class Watcher : public Replay {
 public:
  Watcher(GroupMap& groups, bool records) : Replay(groups), records_(records) {}

  absl::Status OnFrame(const std::string& path, const wal::Frame& frame) override {
    if (records_) Print(path, frame);
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ > std::chrono::seconds(1)) {
      last_ = now;
      std::fprintf(stderr, "%s: at byte %llu\n", path.c_str(),
                   static_cast<unsigned long long>(frame.offset));
    }
    return Replay::OnFrame(path, frame);
  }

 private:
  void Print(const std::string& path, const wal::Frame& frame) const {
    std::string line = absl::StrCat(path, " ", frame.offset, " record ", frame.header.sequence,
                                    " batch ", frame.header.batch, ":");
    wal::ItemReader reader(frame.payload);
    for (wal::Item item; reader.Next(item); item = {}) {
      absl::StrAppend(&line, " ", wal::Name(item.kind), " group ", item.group);
      if (item.kind == wal::ItemKind::kEntries) {
        absl::StrAppend(&line, " ", item.term, "/", item.first, "..", item.last());
      } else if (item.kind == wal::ItemKind::kHardState) {
        absl::StrAppend(&line, " term ", item.hard_state.term, " vote ", item.hard_state.vote,
                        " commit ", item.hard_state.commit);
      }
      line += ";";
    }
    std::printf("%s\n", line.c_str());
  }

  const bool records_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

std::string Quote(absl::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppend(&quoted, "\\u", absl::Hex(c, absl::kZeroPad4));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string ErrorAsJson(const absl::Status& status) {
  const absl::optional<ErrorInfo> info = ErrorInfoOf(status);
  std::string json = absl::StrCat("{\"error\":{\"message\":", Quote(status.message()));
  if (info.has_value()) {
    absl::StrAppend(&json, ",\"kind\":", Quote(Name(info->kind)), ",\"file\":", Quote(info->file),
                    ",\"offset\":", info->offset);
  }
  return json + "}}";
}

std::string AsJson(const wal::LogContents& log, const GroupMap& groups) {
  std::vector<std::string> segments;
  for (const wal::SegmentFile& segment : log.segments) {
    segments.push_back(absl::StrCat("{\"segment\":", segment.segment, ",\"file_bytes\":",
                                    segment.file_bytes, ",\"end\":", segment.end, "}"));
  }
  std::vector<std::string> group_list;
  for (const auto& [id, group] : groups) {
    const raftpb::HardState& hard_state = group->hard_state();
    group_list.push_back(absl::StrCat(
        "{\"group\":", id, ",\"term\":", hard_state.term, ",\"vote\":", hard_state.vote,
        ",\"commit\":", hard_state.commit, ",\"compacted\":", group->compacted().index,
        ",\"last\":", group->last_index(), ",\"last_term\":", group->last_term(),
        ",\"snapshot\":", group->snapshot() == nullptr ? 0 : group->snapshot()->index, "}"));
  }
  return absl::StrCat(
      "{\"cluster\":", log.head.identity.cluster_id, ",\"server\":", log.head.identity.node_id,
      ",\"records\":", log.frames, ",\"bytes\":", log.frame_bytes,
      ",\"next_record\":", log.end.sequence, ",\"next_batch\":", log.end.batch,
      ",\"marked_batch\":", log.mark.has_value() ? log.mark->batch : 0, ",\"clean\":",
      log.mark.has_value() && log.mark->clean && log.mark->batch + 1 == log.end.batch ? "true"
                                                                                      : "false",
      ",\"torn_bytes\":", log.torn_tail.has_value() ? log.torn_tail->bytes : 0, ",\"segments\":[",
      absl::StrJoin(segments, ","), "],\"groups\":[", absl::StrJoin(group_list, ","), "]}");
}

void PrintText(const wal::LogContents& log, const GroupMap& groups) {
  std::printf("server %llu of cluster %llu\n",
              static_cast<unsigned long long>(log.head.identity.node_id),
              static_cast<unsigned long long>(log.head.identity.cluster_id));
  std::printf("%llu records, %llu bytes; the next is record %llu of batch %llu\n",
              static_cast<unsigned long long>(log.frames),
              static_cast<unsigned long long>(log.frame_bytes),
              static_cast<unsigned long long>(log.end.sequence),
              static_cast<unsigned long long>(log.end.batch));
  if (log.mark.has_value()) {
    std::printf("marked durable up to batch %llu%s\n",
                static_cast<unsigned long long>(log.mark->batch),
                log.mark->clean ? ", closed there" : "");
  } else {
    std::printf("the mark is unreadable\n");
  }
  if (log.torn_tail.has_value()) {
    std::printf("torn tail: %llu bytes at %llu of %s, never acknowledged; opening cuts them\n",
                static_cast<unsigned long long>(log.torn_tail->bytes),
                static_cast<unsigned long long>(log.torn_tail->offset),
                log.torn_tail->file.c_str());
  }
  for (const wal::SegmentFile& segment : log.segments) {
    std::printf("  %s  %llu of %llu bytes\n", wal::SegmentName(segment.segment).c_str(),
                static_cast<unsigned long long>(segment.end),
                static_cast<unsigned long long>(segment.file_bytes));
  }
  for (const auto& [id, group] : groups) {
    std::printf(
        "group %llu: term %llu vote %llu commit %llu, entries %llu to %llu, snapshot %llu\n",
        static_cast<unsigned long long>(id),
        static_cast<unsigned long long>(group->hard_state().term),
        static_cast<unsigned long long>(group->hard_state().vote),
        static_cast<unsigned long long>(group->hard_state().commit),
        static_cast<unsigned long long>(group->first_index()),
        static_cast<unsigned long long>(group->last_index()),
        static_cast<unsigned long long>(group->snapshot() == nullptr ? 0
                                                                     : group->snapshot()->index));
  }
}

int Report(const absl::Status& status) {
  if (absl::GetFlag(FLAGS_json)) {
    std::printf("%s\n", ErrorAsJson(status).c_str());
  } else {
    std::printf("%s\n", std::string(status.message()).c_str());
  }
  return 1;
}

int Look(const std::string& directory, bool print) {
  GroupMap groups;
  Watcher watcher(groups, print && absl::GetFlag(FLAGS_records));
  wal::ReadLogOptions options;
  options.mode = absl::GetFlag(FLAGS_direct) ? OpenMode::kReadDirect : OpenMode::kRead;
  const absl::StatusOr<wal::LogContents> log =
      wal::ReadLog(PosixFileSystem(), directory, options, watcher);
  if (!log.ok()) return Report(log.status());
  if (absl::Status s = CheckGroups(groups); !s.ok()) return Report(s);
  if (print && absl::GetFlag(FLAGS_json)) {
    std::printf("%s\n", AsJson(*log, groups).c_str());
  } else if (print) {
    PrintText(*log, groups);
  } else {
    std::printf("sound: %llu records, %llu bytes, %zu segments, %zu groups%s\n",
                static_cast<unsigned long long>(log->frames),
                static_cast<unsigned long long>(log->frame_bytes), log->segments.size(),
                groups.size(), log->torn_tail.has_value() ? ", and a torn tail" : "");
  }
  return 0;
}

int RunRepair(const std::string& directory) {
  const bool apply = absl::GetFlag(FLAGS_apply);
  const absl::StatusOr<wal::RepairReport> report = wal::Repair(PosixFileSystem(), directory, apply);
  if (!report.ok()) return Report(report.status());
  if (!report->needed) {
    std::printf("nothing to repair\n");
    return 0;
  }
  std::printf("%s\n\n%s:\n", report->reason.c_str(), apply ? "done" : "would do, with --apply");
  for (const std::string& action : report->actions) std::printf("  %s\n", action.c_str());
  std::printf("%s:\n", apply ? "lost" : "would be lost");
  for (const std::string& lost : report->lost) std::printf("  %s\n", lost.c_str());
  std::printf(
      "\nA server that continues with this log has forgotten what it promised to its peers.\n"
      "Remove it from its groups and add it anew, unless they are known to have everything.\n");
  return apply ? 0 : 1;
}

int Main(const std::vector<char*>& arguments) {
  const std::string command = arguments.size() == 3 ? arguments[1] : "";
  if (command == "inspect") return Look(arguments[2], true);
  if (command == "verify") return Look(arguments[2], false);
  if (command == "repair") return RunRepair(arguments[2]);
  std::fprintf(stderr,
               "usage: logtool inspect [--json] [--records] DIRECTORY\n"
               "       logtool verify [--direct] DIRECTORY\n"
               "       logtool repair [--apply] DIRECTORY\n");
  return 2;
}

}  // namespace
}  // namespace storage

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("logtool inspect|verify|repair [flags] DIRECTORY");
  return storage::Main(absl::ParseCommandLine(argc, argv));
}
