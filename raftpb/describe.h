// One line of text per value: the language of log lines and test scripts, that of etcd/raft.
//
// Ids are hexadecimal in messages and in Hex(), decimal elsewhere; all other numbers are decimal.
#ifndef RAFT_RAFTPB_DESCRIBE_H_
#define RAFT_RAFTPB_DESCRIBE_H_

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "raftpb/conf_change.h"
#include "raftpb/conf_state.h"
#include "raftpb/entry.h"
#include "raftpb/hard_state.h"
#include "raftpb/message.h"
#include "raftpb/snapshot.h"

namespace raftpb {

// "MsgApp", "EntryNormal", "ConfChangeAddNode", "ConfChangeTransitionAuto"; an unknown value is
// its number.
std::string Name(MessageType type);
std::string Name(EntryType type);
std::string Name(ConfChangeType type);
std::string Name(ConfChangeTransition transition);

// Lower case, without prefix.
std::string Hex(NodeId id);

// A string literal in double quotes: printable UTF-8 as it is, the rest escaped.
std::string Quoted(absl::string_view bytes);
std::string Quoted(const absl::Cord& bytes);

// `1/3 EntryNormal "x"`; configuration changes in their notation: `1/4 EntryConfChangeV2 v3 l4`.
std::string Describe(const Entry& entry);

// One entry per line, each line ended.
std::string Describe(const EntryList& entries);

// `1->2 MsgApp Term:1 Log:1/3 Commit:4 Entries:[1/4 EntryNormal "x"]`; entries, snapshot and
// responses may take further lines, which are indented. No newline at the end.
std::string Describe(const Message& message);

std::string Describe(const HardState& state);    // `Term:1 Vote:1 Commit:4`
std::string Describe(const ConfState& state);    // `Voters:[1 2 3] VotersOutgoing:[] ..`
std::string Describe(const Snapshot& snapshot);  // `Index:5 Term:1 ConfState:..`

// `v1 l2 r3 u4`: the operations in the notation of scripts.
std::string Notation(absl::Span<const ConfChangeSingle> changes);

// `transition:ConfChangeTransitionAuto changes:{type:ConfChangeAddNode node_id:2} context:".."`
std::string Describe(const ConfChangeV2& change);

}  // namespace raftpb

#endif  // RAFT_RAFTPB_DESCRIBE_H_
