// Which fields each value has on the wire: the schema of raft.proto, once, for all that writes.
//
// Fields(value, out) gives the fields to `out` in the order of their numbers. `out` decides what to
// do with them (wire_writer.h), and leaves out numbers that are zero and bytes that are empty;
// embedded messages that are empty are left out here. Entries, which come in numbers, have a writer
// of their own (entry_header.h). Private to the encoder.
#ifndef RAFT_RAFTPB_WIRE_FIELDS_H_
#define RAFT_RAFTPB_WIRE_FIELDS_H_

#include "raftpb/conf_change.h"
#include "raftpb/conf_state.h"
#include "raftpb/hard_state.h"
#include "raftpb/message.h"
#include "raftpb/snapshot.h"
#include "raftpb/wire_tag.h"

namespace raftpb {

template <typename Out>
void Fields(const ConfState& state, Out& out) {
  for (const NodeId id : state.voters) out.RepeatedNumber(1, id);
  for (const NodeId id : state.learners) out.RepeatedNumber(2, id);
  for (const NodeId id : state.voters_outgoing) out.RepeatedNumber(3, id);
  for (const NodeId id : state.learners_next) out.RepeatedNumber(4, id);
  out.Number(5, state.auto_leave);
}

template <typename Out>
void Fields(const SnapshotMetadata& metadata, Out& out) {
  if (!metadata.conf_state.empty()) out.Embedded(1, metadata.conf_state);
  out.Number(2, metadata.index);
  out.Number(3, metadata.term);
}

template <typename Out>
void Fields(const Snapshot& snapshot, Out& out) {
  out.Bytes(1, snapshot.data);
  if (snapshot.metadata != SnapshotMetadata{}) out.Embedded(2, snapshot.metadata);
}

template <typename Out>
void Fields(const Message& message, Out& out) {
  out.Number(1, Code(message.type));
  out.Number(2, message.to);
  out.Number(3, message.from);
  out.Number(4, message.term);
  out.Number(5, message.log_term);
  out.Number(6, message.index);
  out.Entries(7, message.entries);
  out.Number(8, message.commit);
  if (message.snapshot != nullptr && *message.snapshot != Snapshot{}) {
    out.Embedded(9, *message.snapshot);
  }
  out.Number(10, message.reject);
  out.Number(11, message.reject_hint);
  out.Bytes(12, message.context);
  out.Number(13, message.vote);
  for (const Message& response : message.responses) out.Embedded(14, response);
}

template <typename Out>
void Fields(const HardState& state, Out& out) {
  out.Number(1, state.term);
  out.Number(2, state.vote);
  out.Number(3, state.commit);
}

template <typename Out>
void Fields(const ConfChange& change, Out& out) {
  out.Number(1, change.id);
  out.Number(2, Code(change.type));
  out.Number(3, change.node_id);
  out.Bytes(4, change.context);
}

template <typename Out>
void Fields(const ConfChangeSingle& change, Out& out) {
  out.Number(1, Code(change.type));
  out.Number(2, change.node_id);
}

template <typename Out>
void Fields(const ConfChangeV2& change, Out& out) {
  out.Number(1, Code(change.transition));
  for (const ConfChangeSingle& single : change.changes) out.Embedded(2, single);
  out.Bytes(3, change.context);
}

}  // namespace raftpb

#endif  // RAFT_RAFTPB_WIRE_FIELDS_H_
