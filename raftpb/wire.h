// Values to protobuf bytes and back, byte-compatible with etcd's raftpb (schema: raft.proto).
//
// Encoding writes a field if and only if it is neither zero nor empty. Decoding takes what any
// protobuf writer may produce: unknown fields are skipped (a known field with a wrong wire type
// counts as unknown), the last value of a singular field counts, embedded messages are merged,
// repeated numbers may be packed. Anything else is an InvalidArgument that says what and at which
// byte; no input makes a decoder abort, or allocate more than a small multiple of its size.
#ifndef RAFT_RAFTPB_WIRE_H_
#define RAFT_RAFTPB_WIRE_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "raftpb/conf_change.h"
#include "raftpb/conf_state.h"
#include "raftpb/entry.h"
#include "raftpb/hard_state.h"
#include "raftpb/message.h"
#include "raftpb/snapshot.h"

namespace raftpb {

// Appends the encoding of a value to `out`.
void EncodeTo(const Entry& value, std::string& out);
void EncodeTo(const Message& value, std::string& out);
void EncodeTo(const Snapshot& value, std::string& out);
void EncodeTo(const SnapshotMetadata& value, std::string& out);
void EncodeTo(const HardState& value, std::string& out);
void EncodeTo(const ConfState& value, std::string& out);
void EncodeTo(const ConfChange& value, std::string& out);
void EncodeTo(const ConfChangeSingle& value, std::string& out);
void EncodeTo(const ConfChangeV2& value, std::string& out);

// The encoding of a value, alone. Messages to be sent are better put into a Frame (frame.h).
template <typename T>
std::string Encode(const T& value) {
  std::string out;
  EncodeTo(value, out);
  return out;
}

// Bytes that EncodeTo will append for a message; exact.
size_t WireSize(const Message& value);
size_t WireSize(const Entry& value);

// Replaces `value` by what the bytes say. After an error `value` is unspecified but valid.
// Payloads are copied out of `bytes`.
absl::Status Decode(absl::string_view bytes, Entry& value);
absl::Status Decode(absl::string_view bytes, Message& value);
absl::Status Decode(absl::string_view bytes, Snapshot& value);
absl::Status Decode(absl::string_view bytes, SnapshotMetadata& value);
absl::Status Decode(absl::string_view bytes, HardState& value);
absl::Status Decode(absl::string_view bytes, ConfState& value);
absl::Status Decode(absl::string_view bytes, ConfChange& value);
absl::Status Decode(absl::string_view bytes, ConfChangeSingle& value);
absl::Status Decode(absl::string_view bytes, ConfChangeV2& value);

// The same from a Cord, for changes that sit in the payload of an entry.
absl::Status Decode(const absl::Cord& bytes, ConfChange& value);
absl::Status Decode(const absl::Cord& bytes, ConfChangeV2& value);

// The same from a received frame, without copying large payloads: they share the frame's memory.
// Payloads of up to kCopiedPayloadBytes are copied, so that a small entry that is kept does not
// pin a large frame.
inline constexpr size_t kCopiedPayloadBytes = 1024;
absl::Status Decode(const absl::Cord& frame, Message& value);

}  // namespace raftpb

#endif  // RAFT_RAFTPB_WIRE_H_
