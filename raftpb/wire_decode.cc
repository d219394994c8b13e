#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "raftpb/usual_entry.h"
#include "raftpb/wire.h"
#include "raftpb/wire_reader.h"
#include "raftpb/wire_source.h"

namespace raftpb {
namespace {

constexpr uint32_t VarintField(uint32_t number) { return Tag(number, kVarint); }
constexpr uint32_t BytesField(uint32_t number) { return Tag(number, kLengthDelimited); }

// An enum on the wire is a number of 32 bits with sign; what is longer is cut, as protobuf does.
template <typename In, typename Enum>
void ReadEnum(In& in, Enum& value) {
  value = static_cast<Enum>(static_cast<int32_t>(in.Number()));
}

template <typename In>
void ReadPacked(In& in, std::vector<NodeId>& ids) {
  in.Nested([&] {
    while (in.More()) ids.push_back(in.Number());
  });
}

// Each Read takes the fields of the current message into a value, on top of what it has: so that
// an embedded message that comes in pieces is merged.

template <typename In>
void Read(In& in, Entry& entry) {
  while (const uint32_t tag = in.Next()) {
    switch (tag) {
      case VarintField(1):
        ReadEnum(in, entry.type);
        entry.type_is_explicit = true;
        break;
      case VarintField(2): entry.term = in.Number(); break;
      case VarintField(3): entry.index = in.Number(); break;
      case BytesField(4): entry.data = in.Bytes(); break;
      default: in.Skip(tag);
    }
  }
}

template <typename In>
void Read(In& in, ConfState& state) {
  while (const uint32_t tag = in.Next()) {
    switch (tag) {
      case VarintField(1): state.voters.push_back(in.Number()); break;
      case VarintField(2): state.learners.push_back(in.Number()); break;
      case VarintField(3): state.voters_outgoing.push_back(in.Number()); break;
      case VarintField(4): state.learners_next.push_back(in.Number()); break;
      case BytesField(1): ReadPacked(in, state.voters); break;
      case BytesField(2): ReadPacked(in, state.learners); break;
      case BytesField(3): ReadPacked(in, state.voters_outgoing); break;
      case BytesField(4): ReadPacked(in, state.learners_next); break;
      case VarintField(5): state.auto_leave = in.Number() != 0; break;
      default: in.Skip(tag);
    }
  }
}

template <typename In>
void Read(In& in, SnapshotMetadata& metadata) {
  while (const uint32_t tag = in.Next()) {
    switch (tag) {
      case BytesField(1): in.Nested([&] { Read(in, metadata.conf_state); }); break;
      case VarintField(2): metadata.index = in.Number(); break;
      case VarintField(3): metadata.term = in.Number(); break;
      default: in.Skip(tag);
    }
  }
}

template <typename In>
void Read(In& in, Snapshot& snapshot) {
  while (const uint32_t tag = in.Next()) {
    switch (tag) {
      case BytesField(1): snapshot.data = in.Bytes(); break;
      case BytesField(2): in.Nested([&] { Read(in, snapshot.metadata); }); break;
      default: in.Skip(tag);
    }
  }
}

// Reads an element of a repeated field of entries.
template <typename In>
void ReadEntry(In& in, EntryList& entries) {
  Entry entry;
  in.Nested([&] { Read(in, entry); });
  entries.PushBack(std::move(entry));
}

// Most of a decoder's time goes in here. A usual entry is read with all that matters in registers,
// and its payload is put straight into its place.
void ReadEntry(WireReader<FlatSource>& in, EntryList& entries) {
  const size_t length = in.Length();
  const UsualEntry usual = ReadUsualEntry(in.source().Peek(length));
  if (usual.is_usual) {
    in.source().Skip(length - usual.data_size);
    entries.EmplaceBack([&] {
      return Entry{.term = usual.term,
                   .index = usual.index,
                   .type = usual.type,
                   .type_is_explicit = usual.has_type,
                   .data = in.source().Take(usual.data_size)};
    });
  } else {
    Entry entry;
    in.Nested(length, [&] { Read(in, entry); });
    entries.PushBack(std::move(entry));
  }
}

// Elements in a row.
template <typename In>
void ReadEntries(In& in, uint32_t tag, EntryList& entries) {
  if (entries.empty()) entries.Reserve(in.CountRun(tag));
  do {
    ReadEntry(in, entries);
  } while (in.NextIs(tag));
}

template <typename In>
void Read(In& in, Message& message) {
  std::shared_ptr<Snapshot> snapshot;
  while (const uint32_t tag = in.Next()) {
    switch (tag) {
      case VarintField(1): ReadEnum(in, message.type); break;
      case VarintField(2): message.to = in.Number(); break;
      case VarintField(3): message.from = in.Number(); break;
      case VarintField(4): message.term = in.Number(); break;
      case VarintField(5): message.log_term = in.Number(); break;
      case VarintField(6): message.index = in.Number(); break;
      case BytesField(7): ReadEntries(in, tag, message.entries); break;
      case VarintField(8): message.commit = in.Number(); break;
      case BytesField(9):
        if (snapshot == nullptr) snapshot = std::make_shared<Snapshot>();
        in.Nested([&] { Read(in, *snapshot); });
        break;
      case VarintField(10): message.reject = in.Number() != 0; break;
      case VarintField(11): message.reject_hint = in.Number(); break;
      case BytesField(12): message.context = in.Bytes(); break;
      case VarintField(13): message.vote = in.Number(); break;
      case BytesField(14):
        in.CountHeavy();
        message.responses.emplace_back();
        in.Nested([&] { Read(in, message.responses.back()); });
        break;
      default: in.Skip(tag);
    }
  }
  message.snapshot = std::move(snapshot);
}

template <typename In>
void Read(In& in, HardState& state) {
  while (const uint32_t tag = in.Next()) {
    switch (tag) {
      case VarintField(1): state.term = in.Number(); break;
      case VarintField(2): state.vote = in.Number(); break;
      case VarintField(3): state.commit = in.Number(); break;
      default: in.Skip(tag);
    }
  }
}

template <typename In>
void Read(In& in, ConfChange& change) {
  while (const uint32_t tag = in.Next()) {
    switch (tag) {
      case VarintField(1): change.id = in.Number(); break;
      case VarintField(2): ReadEnum(in, change.type); break;
      case VarintField(3): change.node_id = in.Number(); break;
      case BytesField(4): change.context = in.Bytes(); break;
      default: in.Skip(tag);
    }
  }
}

template <typename In>
void Read(In& in, ConfChangeSingle& change) {
  while (const uint32_t tag = in.Next()) {
    switch (tag) {
      case VarintField(1): ReadEnum(in, change.type); break;
      case VarintField(2): change.node_id = in.Number(); break;
      default: in.Skip(tag);
    }
  }
}

template <typename In>
void Read(In& in, ConfChangeV2& change) {
  while (const uint32_t tag = in.Next()) {
    switch (tag) {
      case VarintField(1): ReadEnum(in, change.transition); break;
      case BytesField(2):
        change.changes.emplace_back();
        in.Nested([&] { Read(in, change.changes.back()); });
        break;
      case BytesField(3): change.context = in.Bytes(); break;
      default: in.Skip(tag);
    }
  }
}

template <typename Source, typename T>
absl::Status DecodeFrom(Source source, T& value) {
  value = T();
  WireReader<Source> in(std::move(source));
  Read(in, value);
  return in.status();
}

template <typename T>
absl::Status DecodeFlat(absl::string_view bytes, T& value) {
  return DecodeFrom(FlatSource(bytes), value);
}

template <typename T>
absl::Status DecodeCord(const absl::Cord& bytes, T& value) {
  const absl::optional<absl::string_view> flat = bytes.TryFlat();
  if (flat.has_value()) return DecodeFrom(FlatSource(*flat, &bytes), value);
  return DecodeFrom(CordSource(bytes), value);
}

}  // namespace

absl::Status Decode(absl::string_view bytes, Entry& value) { return DecodeFlat(bytes, value); }
absl::Status Decode(absl::string_view bytes, Message& value) { return DecodeFlat(bytes, value); }
absl::Status Decode(absl::string_view bytes, Snapshot& value) { return DecodeFlat(bytes, value); }
absl::Status Decode(absl::string_view bytes, SnapshotMetadata& value) {
  return DecodeFlat(bytes, value);
}
absl::Status Decode(absl::string_view bytes, HardState& value) { return DecodeFlat(bytes, value); }
absl::Status Decode(absl::string_view bytes, ConfState& value) { return DecodeFlat(bytes, value); }
absl::Status Decode(absl::string_view bytes, ConfChange& value) { return DecodeFlat(bytes, value); }
absl::Status Decode(absl::string_view bytes, ConfChangeSingle& value) {
  return DecodeFlat(bytes, value);
}
absl::Status Decode(absl::string_view bytes, ConfChangeV2& value) {
  return DecodeFlat(bytes, value);
}

absl::Status Decode(const absl::Cord& bytes, ConfChange& value) { return DecodeCord(bytes, value); }
absl::Status Decode(const absl::Cord& bytes, ConfChangeV2& value) {
  return DecodeCord(bytes, value);
}
absl::Status Decode(const absl::Cord& frame, Message& value) { return DecodeCord(frame, value); }

}  // namespace raftpb
