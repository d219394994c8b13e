#include "raftpb/field_text.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "raftpb/conf_change.h"
#include "raftpb/conf_state.h"
#include "raftpb/describe.h"
#include "raftpb/entry.h"
#include "raftpb/hard_state.h"
#include "raftpb/message.h"
#include "raftpb/snapshot.h"

namespace raftpb {
namespace {

// Reads the text from the front. After the first error there is nothing more to read.
class FieldReader {
 public:
  explicit FieldReader(absl::string_view text) : all_(text), rest_(text) {}

  // Steps to the next field of the current message; false at its end.
  bool Next() {
    absl::ConsumePrefix(&rest_, " ");
    if (rest_.empty() || rest_[0] == '}') return false;
    const size_t colon = rest_.find(':');
    if (colon == absl::string_view::npos) return Fail("a name without a value");
    name_ = rest_.substr(0, colon);
    rest_.remove_prefix(colon + 1);
    return true;
  }
  bool Is(absl::string_view name) const { return name_ == name; }
  void Unknown() { Fail(absl::StrCat("no such field: ", name_)); }

  void Read(uint64_t& number) {
    const absl::string_view word = Word();
    if (!absl::SimpleAtoi(word, &number)) Fail(absl::StrCat("not a number: ", word));
  }
  void Read(bool& truth) {
    const absl::string_view word = Word();
    truth = word == "true";
    if (word != "true" && word != "false") Fail(absl::StrCat("neither true nor false: ", word));
  }
  void Read(std::vector<NodeId>& ids) { Read(ids.emplace_back()); }
  void Read(absl::Cord& bytes);

  template <typename Enum>
  void ReadEnum(Enum& value) {
    const absl::string_view word = Word();
    int32_t number = 0;
    while (number < 32 && Name(static_cast<Enum>(number)) != word) ++number;
    if (number == 32 && !absl::SimpleAtoi(word, &number))
      Fail(absl::StrCat("no such name: ", word));
    value = static_cast<Enum>(number);
  }

  template <typename T>
  void ReadMessage(T& value);

  absl::Status Finish() {
    if (error_.empty() && !rest_.empty()) Fail("something behind the end");
    return error_.empty() ? absl::OkStatus() : absl::InvalidArgumentError(error_);
  }

 private:
  bool Fail(absl::string_view what) {
    if (error_.empty()) error_ = absl::StrCat(what, " (in: ", all_, ")");
    rest_ = "";
    return false;
  }
  absl::string_view Word() {
    const absl::string_view word = rest_.substr(0, rest_.find_first_of(" }"));
    rest_.remove_prefix(word.size());
    return word;
  }

  const absl::string_view all_;
  absl::string_view rest_;
  absl::string_view name_;
  std::string error_;
};

void FieldReader::Read(absl::Cord& bytes) {
  if (!absl::ConsumePrefix(&rest_, "\"")) return void(Fail("no string"));
  std::string text;
  while (!rest_.empty() && rest_[0] != '"') {
    if (absl::ConsumePrefix(&rest_, "\\x")) {
      text += absl::HexStringToBytes(rest_.substr(0, 2));
      rest_.remove_prefix(std::min<size_t>(2, rest_.size()));
    } else {
      text += rest_[0];
      rest_.remove_prefix(1);
    }
  }
  if (!absl::ConsumePrefix(&rest_, "\"")) return void(Fail("a string without end"));
  uint64_t times = 1;
  if (absl::ConsumePrefix(&rest_, "*")) Read(times);
  std::string all;
  for (uint64_t i = 0; i < times; ++i) all += text;
  bytes = absl::Cord(all);
}

void Read(FieldReader& in, Entry& entry) {
  while (in.Next()) {
    if (in.Is("Type")) {
      in.ReadEnum(entry.type);
    } else if (in.Is("Term")) {
      in.Read(entry.term);
    } else if (in.Is("Index")) {
      in.Read(entry.index);
    } else if (in.Is("Data")) {
      in.Read(entry.data);
    } else {
      in.Unknown();
    }
  }
}

void Read(FieldReader& in, ConfState& state) {
  while (in.Next()) {
    if (in.Is("voters")) {
      in.Read(state.voters);
    } else if (in.Is("learners")) {
      in.Read(state.learners);
    } else if (in.Is("voters_outgoing")) {
      in.Read(state.voters_outgoing);
    } else if (in.Is("learners_next")) {
      in.Read(state.learners_next);
    } else if (in.Is("auto_leave")) {
      in.Read(state.auto_leave);
    } else {
      in.Unknown();
    }
  }
}

void Read(FieldReader& in, SnapshotMetadata& metadata) {
  while (in.Next()) {
    if (in.Is("conf_state")) {
      in.ReadMessage(metadata.conf_state);
    } else if (in.Is("index")) {
      in.Read(metadata.index);
    } else if (in.Is("term")) {
      in.Read(metadata.term);
    } else {
      in.Unknown();
    }
  }
}

void Read(FieldReader& in, Snapshot& snapshot) {
  while (in.Next()) {
    if (in.Is("data")) {
      in.Read(snapshot.data);
    } else if (in.Is("metadata")) {
      in.ReadMessage(snapshot.metadata);
    } else {
      in.Unknown();
    }
  }
}

void ReadSnapshot(FieldReader& in, SnapshotPtr& snapshot) {
  Snapshot value;
  in.ReadMessage(value);
  snapshot = std::make_shared<const Snapshot>(value);
}

void ReadEntry(FieldReader& in, EntryList& entries) {
  Entry entry;
  in.ReadMessage(entry);
  entries.PushBack(entry);
}

void Read(FieldReader& in, Message& message) {
  while (in.Next()) {
    if (in.Is("type")) {
      in.ReadEnum(message.type);
    } else if (in.Is("to")) {
      in.Read(message.to);
    } else if (in.Is("from")) {
      in.Read(message.from);
    } else if (in.Is("term")) {
      in.Read(message.term);
    } else if (in.Is("logTerm")) {
      in.Read(message.log_term);
    } else if (in.Is("index")) {
      in.Read(message.index);
    } else if (in.Is("entries")) {
      ReadEntry(in, message.entries);
    } else if (in.Is("commit")) {
      in.Read(message.commit);
    } else if (in.Is("snapshot")) {
      ReadSnapshot(in, message.snapshot);
    } else if (in.Is("reject")) {
      in.Read(message.reject);
    } else if (in.Is("rejectHint")) {
      in.Read(message.reject_hint);
    } else if (in.Is("context")) {
      in.Read(message.context);
    } else if (in.Is("vote")) {
      in.Read(message.vote);
    } else if (in.Is("responses")) {
      in.ReadMessage(message.responses.emplace_back());
    } else {
      in.Unknown();
    }
  }
}

void Read(FieldReader& in, HardState& state) {
  while (in.Next()) {
    if (in.Is("term")) {
      in.Read(state.term);
    } else if (in.Is("vote")) {
      in.Read(state.vote);
    } else if (in.Is("commit")) {
      in.Read(state.commit);
    } else {
      in.Unknown();
    }
  }
}

void Read(FieldReader& in, ConfChange& change) {
  while (in.Next()) {
    if (in.Is("id")) {
      in.Read(change.id);
    } else if (in.Is("type")) {
      in.ReadEnum(change.type);
    } else if (in.Is("node_id")) {
      in.Read(change.node_id);
    } else if (in.Is("context")) {
      in.Read(change.context);
    } else {
      in.Unknown();
    }
  }
}

void Read(FieldReader& in, ConfChangeSingle& change) {
  while (in.Next()) {
    if (in.Is("type")) {
      in.ReadEnum(change.type);
    } else if (in.Is("node_id")) {
      in.Read(change.node_id);
    } else {
      in.Unknown();
    }
  }
}

void Read(FieldReader& in, ConfChangeV2& change) {
  while (in.Next()) {
    if (in.Is("transition")) {
      in.ReadEnum(change.transition);
    } else if (in.Is("changes")) {
      in.ReadMessage(change.changes.emplace_back());
    } else if (in.Is("context")) {
      in.Read(change.context);
    } else {
      in.Unknown();
    }
  }
}

template <typename T>
void FieldReader::ReadMessage(T& value) {
  if (!absl::ConsumePrefix(&rest_, "{")) return void(Fail("no message"));
  raftpb::Read(*this, value);
  if (!absl::ConsumePrefix(&rest_, "}")) Fail("a message without end");
}

}  // namespace

template <typename T>
absl::StatusOr<T> ParseFields(absl::string_view text) {
  FieldReader in(text);
  T value;
  Read(in, value);
  const absl::Status status = in.Finish();
  if (!status.ok()) return status;
  return value;
}

template absl::StatusOr<Entry> ParseFields(absl::string_view);
template absl::StatusOr<SnapshotMetadata> ParseFields(absl::string_view);
template absl::StatusOr<Snapshot> ParseFields(absl::string_view);
template absl::StatusOr<Message> ParseFields(absl::string_view);
template absl::StatusOr<HardState> ParseFields(absl::string_view);
template absl::StatusOr<ConfState> ParseFields(absl::string_view);
template absl::StatusOr<ConfChange> ParseFields(absl::string_view);
template absl::StatusOr<ConfChangeSingle> ParseFields(absl::string_view);
template absl::StatusOr<ConfChangeV2> ParseFields(absl::string_view);

}  // namespace raftpb
