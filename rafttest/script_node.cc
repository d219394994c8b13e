#include "rafttest/script_node.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "raft/errors.h"
#include "raft/raft.h"
#include "raftpb/conf_change.h"
#include "raftpb/describe.h"
#include "raftpb/wire.h"
#include "rafttest/status_macros.h"

namespace rafttest {

using raftpb::EntryType;
using raftpb::Message;
using raftpb::MessageType;

absl::StatusOr<std::unique_ptr<ScriptNode>> ScriptNode::Create(const raft::Config& config,
                                                               raftpb::SnapshotPtr start) {
  std::unique_ptr<ScriptNode> node(new ScriptNode(config, std::move(start)));
  RAFTTEST_RETURN_IF_ERROR(node->Start(config.applied));
  return node;
}

ScriptNode::ScriptNode(const raft::Config& config, raftpb::SnapshotPtr start)
    : config_(config), storage_(std::move(start)) {
  config_.storage = &storage_;
}

absl::Status ScriptNode::Start(raft::Index applied) {
  config_.applied = applied;
  RAFTTEST_ASSIGN_OR_RETURN(core_, raft::RawNode::Create(config_));
  return absl::OkStatus();
}

absl::Status ScriptNode::Deliver(const Message& message) {
  // The core takes MsgForgetLeader from itself only; etcd/raft takes it from peers, and so do the
  // scripts.
  const bool local = StaysWithinServer(message) || message.type == MessageType::kForgetLeader;
  // And the other way round for what a server tells itself: one that its group no longer tracks is
  // a stranger to itself.
  if (message.from == id() && raftpb::IsResponse(message.type) &&
      !core_->raft().membership().Tracks(id())) {
    return raft::PeerNotFound();
  }
  const absl::Status taken = local ? core_->StepLocal(message) : core_->Step(message);
  // A read that cannot be answered is lost without an error, as in etcd/raft.
  const bool lost_read = message.type == MessageType::kReadIndex && raft::IsProposalDropped(taken);
  return lost_read ? absl::OkStatus() : taken;
}

absl::Status ScriptNode::ProcessReady(ScriptOutput& output, InFlight& network) {
  RAFTTEST_RETURN_IF_ERROR(core_->TakeReady(ready_));
  output.Print(Describe(ready_));
  if (!config_.async_storage_writes) {
    RAFTTEST_RETURN_IF_ERROR(
        Store(ready_.hard_state.value_or(raftpb::HardState()), ready_.snapshot, ready_.entries));
    RAFTTEST_RETURN_IF_ERROR(Apply(ready_.committed_entries, output));
  }
  Dispatch(std::move(ready_.messages), network);
  Dispatch(std::move(ready_.messages_after_write), network);
  if (!config_.async_storage_writes) core_->Advance();
  return absl::OkStatus();
}

// The write that a Ready or an append message asks for. An empty hard state, a null snapshot or no
// entries: nothing of the kind.
absl::Status ScriptNode::Store(const raftpb::HardState& hard_state,
                               const raftpb::SnapshotPtr& snapshot,
                               const raftpb::EntryList& entries) {
  if (!hard_state.empty()) storage_.SetHardState(hard_state);
  if (snapshot == nullptr) return storage_.Append(entries);
  if (!entries.empty()) {
    return absl::InvalidArgumentError("can't apply snapshot and entries at the same time");
  }
  return storage_.ApplySnapshot(snapshot);
}

absl::Status ScriptNode::Apply(const raftpb::EntryList& committed, ScriptOutput& output) {
  for (const raftpb::Entry& entry : committed) {
    if (entry.type != EntryType::kConfChange && entry.type != EntryType::kConfChangeV2) {
      storage_.Applied(entry.id(), storage_.newest()->metadata.conf_state, entry.data);
      continue;
    }
    raftpb::ConfChangeV2 change;
    if (entry.type == EntryType::kConfChangeV2) {
      RAFTTEST_RETURN_IF_ERROR(raftpb::Decode(entry.data, change));
    } else {
      raftpb::ConfChange v1;
      RAFTTEST_RETURN_IF_ERROR(raftpb::Decode(entry.data, v1));
      change = v1.AsV2();
    }
    absl::StatusOr<raftpb::ConfState> conf_state = core_->ApplyConfChange(change);
    // A change that cannot be made is one on no server: it is applied by changing nothing.
    if (!conf_state.ok()) output.Print(absl::StrCat(conf_state.status().message(), "\n"));
    storage_.Applied(entry.id(), conf_state.value_or(storage_.newest()->metadata.conf_state),
                     change.context);
  }
  return absl::OkStatus();
}

void ScriptNode::Dispatch(std::vector<Message> messages, InFlight& network) {
  for (Message& message : messages) {
    if (message.to == raftpb::kLocalAppendThread) {
      append_work_.push_back(std::move(message));
    } else if (message.to == raftpb::kLocalApplyThread) {
      apply_work_.push_back(std::move(message));
    } else {
      network.Send(std::move(message));
    }
  }
}

absl::Status ScriptNode::ProcessAppendWork(ScriptOutput& output, InFlight& network) {
  return ProcessWork(append_work_, output, network, [this](const Message& work) {
    return Store({work.term, work.vote, work.commit}, work.snapshot, work.entries);
  });
}

absl::Status ScriptNode::ProcessApplyWork(ScriptOutput& output, InFlight& network) {
  return ProcessWork(apply_work_, output, network,
                     [&](const Message& work) { return Apply(work.entries, output); });
}

absl::Status ScriptNode::ProcessWork(std::deque<Message>& queue, ScriptOutput& output,
                                     InFlight& network,
                                     absl::FunctionRef<absl::Status(const Message&)> perform) {
  Message work = std::move(queue.front());
  queue.pop_front();
  std::vector<Message> responses = std::exchange(work.responses, {});
  output.Print(absl::StrCat("Processing:\n", Describe(work), "\n"));
  RAFTTEST_RETURN_IF_ERROR(perform(work));
  output.Print("Responses:\n");
  for (Message& response : responses) {
    output.Print(absl::StrCat(Describe(response), "\n"));
    network.Send(std::move(response));
  }
  return absl::OkStatus();
}

absl::Status ScriptNode::Restart() {
  RAFTTEST_RETURN_IF_ERROR(storage_.Crash());
  append_work_.clear();
  apply_work_.clear();
  return Start(/*applied=*/0);
}

}  // namespace rafttest
