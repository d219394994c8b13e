#include "rafttest/picture.h"

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "raftpb/describe.h"

namespace rafttest {

namespace {

// rafttest/picture.html as one literal; what is to be put in its place follows.
constexpr absl::string_view kPage =
#include "rafttest/picture_page.inc"
    ;
constexpr absl::string_view kDataMark = "/*RUN*/null";
constexpr absl::string_view kTitleMark = "<!--TITLE-->";

// A literal of JSON that may stand inside a script of a page. Our texts are printable ASCII.
std::string Quoted(absl::string_view text) {
  return absl::StrCat(
      "\"",
      absl::StrReplaceAll(
          text, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}, {"\t", "\\t"}, {"<", "\\u003c"}}),
      "\"");
}

std::string Escaped(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

void AppendChange(std::string* out, const Recording::Change& change) {
  const ServerView& view = change.view;
  absl::StrAppend(out, "[", change.time, ",", change.server, ",", static_cast<int>(view.condition),
                  ",", static_cast<int>(view.role), ",");
  absl::StrAppend(out, view.term, ",", view.last, ",", view.committed, ",", view.applied, "]\n");
}

void AppendFlight(std::string* out, const Recording::Flight& flight) {
  absl::StrAppend(out, "[", flight.sent, ",");
  if (flight.arrives.has_value()) {
    absl::StrAppend(out, *flight.arrives);
  } else {
    absl::StrAppend(out, "null");
  }
  absl::StrAppend(out, ",", flight.from, ",", flight.to, ",", Quoted(Name(flight.type)), ",",
                  Quoted(flight.text), "]\n");
}

void AppendNote(std::string* out, const Recording::Note& note) {
  absl::StrAppend(out, "[", note.time, ",", note.server, ",", Quoted(note.text), "]\n");
}

// What the script of the page reads: rows whose columns it knows.
std::string Data(const Recording& run, absl::string_view details) {
  const std::string violation = run.violation().has_value()
                                    ? absl::StrCat("[", Quoted(run.violation()->invariant), ",",
                                                   Quoted(run.violation()->what), "]")
                                    : "null";
  return absl::StrCat("{\"servers\":", run.servers(), ",\"tick\":", kTick, ",\"end\":", run.end(),
                      ",\"forgotten\":", run.flights_forgotten(), ",\"details\":", Quoted(details),
                      ",\"violation\":", violation, ",\n\"changes\":[",
                      absl::StrJoin(run.changes(), ",", AppendChange), "],\n\"flights\":[",
                      absl::StrJoin(run.flights(), ",", AppendFlight), "],\n\"notes\":[",
                      absl::StrJoin(run.notes(), ",", AppendNote), "]}");
}

}  // namespace

std::string RenderPicture(const Recording& recording, absl::string_view title,
                          absl::string_view details) {
  return absl::StrReplaceAll(kPage,
                             {{kTitleMark, Escaped(title)}, {kDataMark, Data(recording, details)}});
}

absl::Status WritePicture(const std::string& file, const Recording& recording,
                          absl::string_view title, absl::string_view details) {
  const std::string page = RenderPicture(recording, title, details);
  std::FILE* out = std::fopen(file.c_str(), "w");
  if (out == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", file));
  const bool written = std::fwrite(page.data(), 1, page.size(), out) == page.size();
  if (std::fclose(out) != 0 || !written) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", file));
  }
  return absl::OkStatus();
}

}  // namespace rafttest
