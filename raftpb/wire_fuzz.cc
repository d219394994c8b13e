// Any bytes, as each type: what decodes is encoded and decoded again to the same value, by every
// way of reading and writing, and means the same to the classes generated from the schema.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "raftpb/describe.h"
#include "raftpb/frame.h"
#include "raftpb/wire.h"
#include "raftpb/wire_oracle.h"

namespace raftpb {
namespace {

void Require(bool condition, const char* promise) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

// The same bytes in pieces whose sizes depend on them.
absl::Cord InPieces(absl::string_view bytes) {
  absl::Cord cord;
  while (!bytes.empty()) {
    const absl::string_view piece = bytes.substr(0, 1 + static_cast<unsigned char>(bytes[0]) % 32);
    auto* copy = new std::string(piece);
    cord.Append(absl::MakeCordFromExternal(*copy, [copy] { delete copy; }));
    bytes.remove_prefix(piece.size());
  }
  return cord;
}

// Numbers that an enum of the schema does not list are lost to generated classes: not comparable.
template <typename T>
void CompareWithGenerated(const std::string& bytes, const T& value) {
  Generated<T> generated;
  if (!generated.ParseFromString(bytes)) return;
  const size_t size = generated.ByteSizeLong();
  generated.DiscardUnknownFields();
  if (generated.ByteSizeLong() < size) return;
  Require(FromGenerated(generated) == value, "generated classes read the same");
}

void TryOtherWays(const std::string& bytes, const absl::Status& status, const Message& value) {
  Message from_pieces;
  Require(Decode(InPieces(bytes), from_pieces) == status, "pieces decode or fail like the whole");
  if (!status.ok()) return;
  Require(from_pieces == value, "pieces decode to the same value");
  for (const size_t copied : {size_t{0}, kCopiedPayloadBytes}) {
    Frame frame(copied);
    frame.Assign(value);
    Require(absl::StrJoin(frame.pieces(), "") == Encode(value), "a frame has the same bytes");
  }
  Require(WireSize(value) == Encode(value).size(), "the size is known before");
  Require(!Describe(value).empty(), "every message can be described");
}

template <typename T>
void TryOtherWays(const std::string&, const absl::Status&, const T&) {}

template <typename T>
void Try(const std::string& bytes) {
  T value;
  const absl::Status status = Decode(absl::string_view(bytes), value);
  TryOtherWays(bytes, status, value);
  if (!status.ok()) return;
  const std::string encoded = Encode(value);
  T again;
  Require(Decode(absl::string_view(encoded), again).ok(), "what we write can be read");
  Require(again == value, "what we write means the same");
  Require(Encode(again) == encoded, "the same value has the same bytes");
  CompareWithGenerated(bytes, value);
}

}  // namespace
}  // namespace raftpb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  raftpb::Try<raftpb::Entry>(bytes);
  raftpb::Try<raftpb::SnapshotMetadata>(bytes);
  raftpb::Try<raftpb::Snapshot>(bytes);
  raftpb::Try<raftpb::Message>(bytes);
  raftpb::Try<raftpb::HardState>(bytes);
  raftpb::Try<raftpb::ConfState>(bytes);
  raftpb::Try<raftpb::ConfChange>(bytes);
  raftpb::Try<raftpb::ConfChangeSingle>(bytes);
  raftpb::Try<raftpb::ConfChangeV2>(bytes);
  return 0;
}
