// The other opinion about the wire format: classes generated from raft.proto, made comparable with
// our values. For tests and tools only.
#ifndef RAFT_RAFTPB_WIRE_ORACLE_H_
#define RAFT_RAFTPB_WIRE_ORACLE_H_

#include <random>
#include <string>

#include "google/protobuf/message.h"
#include "raftpb/conf_change.h"
#include "raftpb/conf_state.h"
#include "raftpb/entry.h"
#include "raftpb/hard_state.h"
#include "raftpb/message.h"
#include "raftpb/raft.pb.h"
#include "raftpb/snapshot.h"

namespace raftpb {

// The generated class for a value.
template <typename T>
struct GeneratedFor;
template <>
struct GeneratedFor<Entry> : std::type_identity<wire::Entry> {};
template <>
struct GeneratedFor<SnapshotMetadata> : std::type_identity<wire::SnapshotMetadata> {};
template <>
struct GeneratedFor<Snapshot> : std::type_identity<wire::Snapshot> {};
template <>
struct GeneratedFor<Message> : std::type_identity<wire::Message> {};
template <>
struct GeneratedFor<HardState> : std::type_identity<wire::HardState> {};
template <>
struct GeneratedFor<ConfState> : std::type_identity<wire::ConfState> {};
template <>
struct GeneratedFor<ConfChange> : std::type_identity<wire::ConfChange> {};
template <>
struct GeneratedFor<ConfChangeSingle> : std::type_identity<wire::ConfChangeSingle> {};
template <>
struct GeneratedFor<ConfChangeV2> : std::type_identity<wire::ConfChangeV2> {};

template <typename T>
using Generated = typename GeneratedFor<T>::type;

// The value that a generated message stands for. Numbers of an enum that the schema does not list
// are not in it: generated classes do not keep them with the field.
Entry FromGenerated(const wire::Entry& from);
SnapshotMetadata FromGenerated(const wire::SnapshotMetadata& from);
Snapshot FromGenerated(const wire::Snapshot& from);
Message FromGenerated(const wire::Message& from);
HardState FromGenerated(const wire::HardState& from);
ConfState FromGenerated(const wire::ConfState& from);
ConfChange FromGenerated(const wire::ConfChange& from);
ConfChangeSingle FromGenerated(const wire::ConfChangeSingle& from);
ConfChangeV2 FromGenerated(const wire::ConfChangeV2& from);

// Fills a message at random: fields that are absent, zero, small, large, repeated, nested.
void FillAtRandom(std::mt19937_64& random, google::protobuf::Message& message, int depth = 3);

// The name of a field, on any level, that is present and zero or empty; "" if there is none.
std::string FieldPresentForNothing(const google::protobuf::Message& message);

}  // namespace raftpb

#endif  // RAFT_RAFTPB_WIRE_ORACLE_H_
