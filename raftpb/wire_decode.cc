#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "raftpb/wire.h"
#include "raftpb/wire_reader.h"

namespace raftpb {
namespace {

constexpr uint32_t VarintField(uint32_t number) { return Tag(number, kVarint); }
constexpr uint32_t BytesField(uint32_t number) { return Tag(number, kLengthDelimited); }

// An enum on the wire is a number of 32 bits with sign; what is longer is cut, as protobuf does.
template <typename Enum>
void ReadEnum(WireReader& in, Enum& value) {
  value = static_cast<Enum>(static_cast<int32_t>(in.Number()));
}

void ReadPacked(WireReader& in, std::vector<NodeId>& ids) {
  in.Nested([&] {
    while (in.More()) ids.push_back(in.Number());
  });
}

// Each Read takes the fields of the current message into a value, on top of what it has: so that
// an embedded message that comes in pieces is merged.

void Read(WireReader& in, Entry& entry) {
  for (uint32_t tag; in.Next(tag);) {
    switch (tag) {
      case VarintField(1):
        ReadEnum(in, entry.type);
        entry.type_is_explicit = true;
        break;
      case VarintField(2):
        entry.term = in.Number();
        break;
      case VarintField(3):
        entry.index = in.Number();
        break;
      case BytesField(4):
        entry.data = in.Bytes();
        break;
      default:
        in.Skip(tag);
    }
  }
}

void Read(WireReader& in, ConfState& state) {
  for (uint32_t tag; in.Next(tag);) {
    switch (tag) {
      case VarintField(1):
        state.voters.push_back(in.Number());
        break;
      case VarintField(2):
        state.learners.push_back(in.Number());
        break;
      case VarintField(3):
        state.voters_outgoing.push_back(in.Number());
        break;
      case VarintField(4):
        state.learners_next.push_back(in.Number());
        break;
      case BytesField(1):
        ReadPacked(in, state.voters);
        break;
      case BytesField(2):
        ReadPacked(in, state.learners);
        break;
      case BytesField(3):
        ReadPacked(in, state.voters_outgoing);
        break;
      case BytesField(4):
        ReadPacked(in, state.learners_next);
        break;
      case VarintField(5):
        state.auto_leave = in.Number() != 0;
        break;
      default:
        in.Skip(tag);
    }
  }
}

void Read(WireReader& in, SnapshotMetadata& metadata) {
  for (uint32_t tag; in.Next(tag);) {
    switch (tag) {
      case BytesField(1):
        in.Nested([&] { Read(in, metadata.conf_state); });
        break;
      case VarintField(2):
        metadata.index = in.Number();
        break;
      case VarintField(3):
        metadata.term = in.Number();
        break;
      default:
        in.Skip(tag);
    }
  }
}

void Read(WireReader& in, Snapshot& snapshot) {
  for (uint32_t tag; in.Next(tag);) {
    switch (tag) {
      case BytesField(1):
        snapshot.data = in.Bytes();
        break;
      case BytesField(2):
        in.Nested([&] { Read(in, snapshot.metadata); });
        break;
      default:
        in.Skip(tag);
    }
  }
}

void ReadEntry(WireReader& in, EntryList& entries) {
  Entry entry;
  in.Nested([&] { Read(in, entry); });
  entries.PushBack(std::move(entry));
}

void Read(WireReader& in, Message& message) {
  std::shared_ptr<Snapshot> snapshot;
  for (uint32_t tag; in.Next(tag);) {
    switch (tag) {
      case VarintField(1):
        ReadEnum(in, message.type);
        break;
      case VarintField(2):
        message.to = in.Number();
        break;
      case VarintField(3):
        message.from = in.Number();
        break;
      case VarintField(4):
        message.term = in.Number();
        break;
      case VarintField(5):
        message.log_term = in.Number();
        break;
      case VarintField(6):
        message.index = in.Number();
        break;
      case BytesField(7):
        if (message.entries.empty()) message.entries.Reserve(in.CountRun(tag));
        ReadEntry(in, message.entries);
        break;
      case VarintField(8):
        message.commit = in.Number();
        break;
      case BytesField(9):
        if (snapshot == nullptr) snapshot = std::make_shared<Snapshot>();
        in.Nested([&] { Read(in, *snapshot); });
        break;
      case VarintField(10):
        message.reject = in.Number() != 0;
        break;
      case VarintField(11):
        message.reject_hint = in.Number();
        break;
      case BytesField(12):
        message.context = in.Bytes();
        break;
      case VarintField(13):
        message.vote = in.Number();
        break;
      case BytesField(14):
        in.CountHeavy();
        message.responses.emplace_back();
        in.Nested([&] { Read(in, message.responses.back()); });
        break;
      default:
        in.Skip(tag);
    }
  }
  message.snapshot = std::move(snapshot);
}

void Read(WireReader& in, HardState& state) {
  for (uint32_t tag; in.Next(tag);) {
    switch (tag) {
      case VarintField(1):
        state.term = in.Number();
        break;
      case VarintField(2):
        state.vote = in.Number();
        break;
      case VarintField(3):
        state.commit = in.Number();
        break;
      default:
        in.Skip(tag);
    }
  }
}

void Read(WireReader& in, ConfChange& change) {
  for (uint32_t tag; in.Next(tag);) {
    switch (tag) {
      case VarintField(1):
        change.id = in.Number();
        break;
      case VarintField(2):
        ReadEnum(in, change.type);
        break;
      case VarintField(3):
        change.node_id = in.Number();
        break;
      case BytesField(4):
        change.context = in.Bytes();
        break;
      default:
        in.Skip(tag);
    }
  }
}

void Read(WireReader& in, ConfChangeSingle& change) {
  for (uint32_t tag; in.Next(tag);) {
    switch (tag) {
      case VarintField(1):
        ReadEnum(in, change.type);
        break;
      case VarintField(2):
        change.node_id = in.Number();
        break;
      default:
        in.Skip(tag);
    }
  }
}

void Read(WireReader& in, ConfChangeV2& change) {
  for (uint32_t tag; in.Next(tag);) {
    switch (tag) {
      case VarintField(1):
        ReadEnum(in, change.transition);
        break;
      case BytesField(2):
        change.changes.emplace_back();
        in.Nested([&] { Read(in, change.changes.back()); });
        break;
      case BytesField(3):
        change.context = in.Bytes();
        break;
      default:
        in.Skip(tag);
    }
  }
}

template <typename T>
absl::Status DecodeFlat(absl::string_view bytes, const absl::Cord* owner, T& value) {
  value = T();
  WireReader in(bytes, owner);
  Read(in, value);
  return in.status();
}

template <typename T>
absl::Status DecodeCord(const absl::Cord& bytes, T& value) {
  absl::Cord flat = bytes;
  return DecodeFlat(flat.Flatten(), &flat, value);
}

}  // namespace

absl::Status Decode(absl::string_view bytes, Entry& value) {
  return DecodeFlat(bytes, nullptr, value);
}
absl::Status Decode(absl::string_view bytes, Message& value) {
  return DecodeFlat(bytes, nullptr, value);
}
absl::Status Decode(absl::string_view bytes, Snapshot& value) {
  return DecodeFlat(bytes, nullptr, value);
}
absl::Status Decode(absl::string_view bytes, SnapshotMetadata& value) {
  return DecodeFlat(bytes, nullptr, value);
}
absl::Status Decode(absl::string_view bytes, HardState& value) {
  return DecodeFlat(bytes, nullptr, value);
}
absl::Status Decode(absl::string_view bytes, ConfState& value) {
  return DecodeFlat(bytes, nullptr, value);
}
absl::Status Decode(absl::string_view bytes, ConfChange& value) {
  return DecodeFlat(bytes, nullptr, value);
}
absl::Status Decode(absl::string_view bytes, ConfChangeSingle& value) {
  return DecodeFlat(bytes, nullptr, value);
}
absl::Status Decode(absl::string_view bytes, ConfChangeV2& value) {
  return DecodeFlat(bytes, nullptr, value);
}

absl::Status Decode(const absl::Cord& bytes, ConfChange& value) { return DecodeCord(bytes, value); }
absl::Status Decode(const absl::Cord& bytes, ConfChangeV2& value) {
  return DecodeCord(bytes, value);
}
absl::Status Decode(const absl::Cord& frame, Message& value) { return DecodeCord(frame, value); }

}  // namespace raftpb
