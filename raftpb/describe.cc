#include "raftpb/describe.h"

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "raftpb/wire.h"

namespace raftpb {

std::string Name(MessageType type) {
  switch (type) {
    case MessageType::kHup: return "MsgHup";
    case MessageType::kBeat: return "MsgBeat";
    case MessageType::kProp: return "MsgProp";
    case MessageType::kApp: return "MsgApp";
    case MessageType::kAppResp: return "MsgAppResp";
    case MessageType::kVote: return "MsgVote";
    case MessageType::kVoteResp: return "MsgVoteResp";
    case MessageType::kSnap: return "MsgSnap";
    case MessageType::kHeartbeat: return "MsgHeartbeat";
    case MessageType::kHeartbeatResp: return "MsgHeartbeatResp";
    case MessageType::kUnreachable: return "MsgUnreachable";
    case MessageType::kSnapStatus: return "MsgSnapStatus";
    case MessageType::kCheckQuorum: return "MsgCheckQuorum";
    case MessageType::kTransferLeader: return "MsgTransferLeader";
    case MessageType::kTimeoutNow: return "MsgTimeoutNow";
    case MessageType::kReadIndex: return "MsgReadIndex";
    case MessageType::kReadIndexResp: return "MsgReadIndexResp";
    case MessageType::kPreVote: return "MsgPreVote";
    case MessageType::kPreVoteResp: return "MsgPreVoteResp";
    case MessageType::kStorageAppend: return "MsgStorageAppend";
    case MessageType::kStorageAppendResp: return "MsgStorageAppendResp";
    case MessageType::kStorageApply: return "MsgStorageApply";
    case MessageType::kStorageApplyResp: return "MsgStorageApplyResp";
    case MessageType::kForgetLeader: return "MsgForgetLeader";
  }
  return absl::StrCat(static_cast<int32_t>(type));
}

std::string Name(EntryType type) {
  switch (type) {
    case EntryType::kNormal: return "EntryNormal";
    case EntryType::kConfChange: return "EntryConfChange";
    case EntryType::kConfChangeV2: return "EntryConfChangeV2";
  }
  return absl::StrCat(static_cast<int32_t>(type));
}

std::string Name(ConfChangeType type) {
  switch (type) {
    case ConfChangeType::kAddNode: return "ConfChangeAddNode";
    case ConfChangeType::kRemoveNode: return "ConfChangeRemoveNode";
    case ConfChangeType::kUpdateNode: return "ConfChangeUpdateNode";
    case ConfChangeType::kAddLearnerNode: return "ConfChangeAddLearnerNode";
  }
  return absl::StrCat(static_cast<int32_t>(type));
}

std::string Name(ConfChangeTransition transition) {
  switch (transition) {
    case ConfChangeTransition::kAuto: return "ConfChangeTransitionAuto";
    case ConfChangeTransition::kJointImplicit: return "ConfChangeTransitionJointImplicit";
    case ConfChangeTransition::kJointExplicit: return "ConfChangeTransitionJointExplicit";
  }
  return absl::StrCat(static_cast<int32_t>(transition));
}

std::string Hex(NodeId id) { return absl::StrCat(absl::Hex(id)); }

namespace {

// One change in the notation of scripts: what is done, and to whom.
std::string Notation(const ConfChangeSingle& change) {
  switch (change.type) {
    case ConfChangeType::kAddNode: return absl::StrCat("v", change.node_id);
    case ConfChangeType::kRemoveNode: return absl::StrCat("r", change.node_id);
    case ConfChangeType::kUpdateNode: return absl::StrCat("u", change.node_id);
    case ConfChangeType::kAddLearnerNode: return absl::StrCat("l", change.node_id);
  }
  return absl::StrCat("?", change.node_id);
}

// The payload of a configuration change entry, as far as it can be understood.
template <typename Change>
std::string PayloadText(const absl::Cord& data) {
  Change change;
  if (!Decode(data, change).ok()) return absl::StrCat("malformed ", Quoted(data));
  if constexpr (std::is_same_v<Change, ConfChange>) {
    return Notation(change.AsV2().changes);
  } else {
    return Notation(change.changes);
  }
}

std::string PayloadText(const Entry& entry) {
  switch (entry.type) {
    case EntryType::kConfChange: return PayloadText<ConfChange>(entry.data);
    case EntryType::kConfChangeV2: return PayloadText<ConfChangeV2>(entry.data);
    default: return Quoted(entry.data);
  }
}

// The address of a message: a server, one of its own threads, or nobody.
std::string Address(NodeId id) {
  switch (id) {
    case kNone: return "None";
    case kLocalAppendThread: return "AppendThread";
    case kLocalApplyThread: return "ApplyThread";
    default: return Hex(id);
  }
}

std::string List(const std::vector<NodeId>& ids) {
  return absl::StrCat("[", absl::StrJoin(ids, " "), "]");
}

void AppendEntries(const EntryList& entries, const std::string& indent, std::string& out) {
  if (entries.empty()) return;
  absl::StrAppend(&out, " Entries:[");
  if (entries.size() == 1) {
    absl::StrAppend(&out, Describe(entries.front()), "]");
    return;
  }
  for (const Entry& entry : entries) absl::StrAppend(&out, "\n", indent, "  ", Describe(entry));
  absl::StrAppend(&out, "\n", indent, "]");
}

void AppendMessage(const Message& m, const std::string& indent, std::string& out) {
  absl::StrAppend(&out, indent, Address(m.from), "->", Address(m.to), " ", Name(m.type));
  absl::StrAppend(&out, " Term:", m.term, " Log:", m.log_term, "/", m.index);
  if (m.reject) absl::StrAppend(&out, " Rejected (Hint: ", m.reject_hint, ")");
  if (m.commit != 0) absl::StrAppend(&out, " Commit:", m.commit);
  if (m.vote != 0) absl::StrAppend(&out, " Vote:", m.vote);
  AppendEntries(m.entries, indent, out);
  if (m.snapshot != nullptr && !m.snapshot->empty()) {
    absl::StrAppend(&out, "\n", indent, "  Snapshot: ", Describe(*m.snapshot));
  }
  if (m.responses.empty()) return;
  absl::StrAppend(&out, " Responses:[");
  for (const Message& response : m.responses) {
    absl::StrAppend(&out, "\n");
    AppendMessage(response, indent + "  ", out);
  }
  absl::StrAppend(&out, "\n", indent, "]");
}

}  // namespace

std::string Describe(const Entry& entry) {
  std::string out = absl::StrCat(entry.term, "/", entry.index, " ", Name(entry.type));
  const std::string text = PayloadText(entry);
  if (!text.empty()) absl::StrAppend(&out, " ", text);
  return out;
}

std::string Describe(const EntryList& entries) {
  std::string out;
  for (const Entry& entry : entries) absl::StrAppend(&out, Describe(entry), "\n");
  return out;
}

std::string Describe(const Message& message) {
  std::string out;
  AppendMessage(message, "", out);
  return out;
}

std::string Describe(const HardState& state) {
  std::string out = absl::StrCat("Term:", state.term);
  if (state.vote != kNone) absl::StrAppend(&out, " Vote:", state.vote);
  absl::StrAppend(&out, " Commit:", state.commit);
  return out;
}

std::string Describe(const ConfState& state) {
  return absl::StrCat(
      "Voters:", List(state.voters), " VotersOutgoing:", List(state.voters_outgoing),
      " Learners:", List(state.learners), " LearnersNext:", List(state.learners_next),
      " AutoLeave:", state.auto_leave ? "true" : "false");
}

std::string Describe(const Snapshot& snapshot) {
  const SnapshotMetadata& metadata = snapshot.metadata;
  return absl::StrCat("Index:", metadata.index, " Term:", metadata.term,
                      " ConfState:", Describe(metadata.conf_state));
}

std::string Notation(absl::Span<const ConfChangeSingle> changes) {
  return absl::StrJoin(changes, " ", [](std::string* out, const ConfChangeSingle& change) {
    absl::StrAppend(out, Notation(change));
  });
}

std::string Describe(const ConfChangeV2& change) {
  std::string out = absl::StrCat("transition:", Name(change.transition));
  for (const ConfChangeSingle& single : change.changes) {
    absl::StrAppend(&out, " changes:{type:", Name(single.type), " node_id:", single.node_id, "}");
  }
  if (!change.context.empty()) absl::StrAppend(&out, " context:", Quoted(change.context));
  return out;
}

}  // namespace raftpb
