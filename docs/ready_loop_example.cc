// The smallest honest ready loop: three servers of one group in one process, later four. Nothing is
// left out that a program with a disk and a network would need; where such a program does more, a
// comment says what. docs/ready-loop.md tells the same story in prose.
//
// Runs as a test: every step of main checks what it shows.
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "raft/raw_node.h"
#include "storage/memory_storage.h"

namespace {

using raft::NodeId;
using raftpb::Message;

void Check(bool holds, const std::string& claim) {
  std::printf("%s: %s\n", holds ? "ok" : "WRONG", claim.c_str());
  if (!holds) std::exit(1);
}

void Check(const absl::Status& status) {
  if (!status.ok()) Check(false, status.ToString());
}

// The state machine: what the log is for. It remembers up to where it has applied the log and which
// membership was in force there; a real one keeps both in the same transaction as its data.
struct Dictionary {
  raft::Index applied = 0;
  raftpb::ConfState membership;
  std::map<std::string, std::string> words;

  void Put(const absl::Cord& command) {
    const std::pair<std::string, std::string> word = absl::StrSplit(std::string(command), '=');
    words[word.first] = word.second;
  }

  absl::Cord Save() const {
    std::string out;
    for (const auto& [key, value] : words) absl::StrAppend(&out, key, "=", value, "\n");
    return absl::Cord(out);
  }

  void Restore(const raftpb::Snapshot& snapshot) {
    applied = snapshot.metadata.index;
    membership = snapshot.metadata.conf_state;
    words.clear();
    for (absl::string_view line : absl::StrSplit(std::string(snapshot.data), '\n')) {
      if (!line.empty()) Put(absl::Cord(line));
    }
  }
};

class Server {
 public:
  using Transport = std::function<void(const Message&)>;

  Server(NodeId id, bool async, Transport transport)
      : id_(id), async_(async), transport_(std::move(transport)) {}

  // Starts for the first time, or again after a crash: with what the disk and the state machine
  // have. The founders of a group all name the same peers; who joins later names none.
  void Start(const std::vector<raft::Peer>& founders = {}) {
    raft::Config config;
    config.id = id_;
    config.storage = &storage_;
    config.applied = dictionary_.applied;
    config.async_storage_writes = async_;
    storage_.SetConfState(dictionary_.membership);
    append_work_.clear();
    apply_work_.clear();
    auto node = raft::RawNode::Create(config);
    Check(node.status());
    node_ = *std::move(node);
    if (!founders.empty()) Check(node_->Bootstrap(founders));
  }

  // One turn of the loop. Whoever drives it calls it after every input: a tick, a message, a
  // proposal, or an answer from a storage thread.
  void Turn() {
    if (!node_->HasReady()) return;
    Check(node_->TakeReady(ready_));
    for (const Message& m : ready_.messages) Send(m);
    if (!async_) {
      Store(ready_.hard_state, ready_.snapshot, ready_.entries, ready_.must_sync);
      for (const Message& m : ready_.messages_after_write) Send(m);
      Apply(ready_.committed_entries);
    }
    for (const raft::ReadState& read : ready_.read_states) granted_reads_.push_back(read);
    if (!async_) node_->Advance();
    ServeReads();
  }

  // --- The disk ---

  // One write, in this order. Here it is done when the call returns; on a real disk, when the sync
  // has returned (storage/disk_storage.h). A failed write is the end of this server.
  void Store(const absl::optional<raftpb::HardState>& hard_state,
             const raftpb::SnapshotPtr& snapshot, const raftpb::EntryList& entries,
             [[maybe_unused]] bool must_sync) {
    if (snapshot != nullptr) {
      Check(storage_.ApplySnapshot(snapshot));
      dictionary_.Restore(*snapshot);
    }
    if (!entries.empty()) Check(storage_.Append(entries));
    if (hard_state.has_value()) storage_.SetHardState(*hard_state);
  }

  // --- The state machine ---

  void Apply(const raftpb::EntryList& entries) {
    for (const raftpb::Entry& entry : entries) {
      // What does not follow is covered by a snapshot that was faster, or is about to be.
      if (entry.index != dictionary_.applied + 1) continue;
      if (raftpb::IsConfChange(entry)) {
        absl::StatusOr<raftpb::ConfState> changed = node_->ApplyConfChange(entry);
        if (absl::IsAborted(changed.status())) return;  // Such a snapshot is on its way.
        // Another error is the same on every server: the change was a mistake, and did not happen.
        if (changed.ok()) dictionary_.membership = *std::move(changed);
      } else if (!entry.data.empty()) {  // A new leader's first entry is empty.
        dictionary_.Put(entry.data);
      }
      dictionary_.applied = entry.index;
    }
  }

  // Makes the log short again. When, is a matter of taste: every ten thousand entries, say.
  void TakeSnapshot() {
    const raft::Index index = dictionary_.applied;
    Check(storage_.CreateSnapshot(index, dictionary_.membership, dictionary_.Save()).status());
    Check(storage_.Compact(index));
  }

  // --- Reads ---

  // Sees everything that was acknowledged to anybody before the call. `answer` may never be called:
  // when the leader changes, ask again.
  void Get(const std::string& key, std::function<void(std::string)> answer) {
    const std::string ticket = absl::StrCat(++tickets_);
    asked_reads_[ticket] = {key, std::move(answer)};
    Check(node_->ReadIndex(absl::Cord(ticket)));
  }

  void ServeReads() {
    while (!granted_reads_.empty() && granted_reads_.front().index <= dictionary_.applied) {
      const auto asked = asked_reads_.find(std::string(granted_reads_.front().context));
      granted_reads_.pop_front();
      if (asked == asked_reads_.end()) continue;
      asked->second.answer(dictionary_.words[asked->second.key]);
      asked_reads_.erase(asked);
    }
  }

  // --- Messages ---

  void Send(const Message& m) {
    if (m.to == raft::kLocalAppendThread) return append_work_.push_back(m);
    if (m.to == raft::kLocalApplyThread) return apply_work_.push_back(m);
    transport_(m);
    // Snapshots are large, and travel on their own: the transport says how that ended.
    if (m.type == raftpb::MessageType::kSnap) {
      node_->ReportSnapshot(m.to, raft::SnapshotOutcome::kFinished);
    }
  }

  // From the network: anything. A refusal is for a counter and a log line, and changes nothing;
  // except that a broken promise means that a disk has lost what it had confirmed.
  void Receive(const Message& m) { node_->Step(m).IgnoreError(); }

  // --- Storage threads, with Config::async_storage_writes ---

  // In a real program each is a thread with a queue, and what is for this server goes back through
  // the queue of the thread that drives the node.
  void AppendThread() {
    while (!append_work_.empty()) {
      const Message work = std::move(append_work_.front());
      append_work_.pop_front();
      absl::optional<raftpb::HardState> hard_state;
      if (work.term != 0) hard_state = raftpb::HardState{work.term, work.vote, work.commit};
      Store(hard_state, work.snapshot, work.entries, /*must_sync=*/true);
      Respond(work.responses);
    }
  }

  void ApplyThread() {
    while (!apply_work_.empty()) {
      const Message work = std::move(apply_work_.front());
      apply_work_.pop_front();
      Apply(work.entries);
      Respond(work.responses);
    }
    ServeReads();
  }

  void Respond(const std::vector<Message>& responses) {
    for (const Message& m : responses) {
      if (m.to == id_) {
        Check(node_->StepLocal(m));
      } else {
        Send(m);
      }
    }
  }

  raft::RawNode& node() { return *node_; }
  const Dictionary& dictionary() const { return dictionary_; }
  bool leads() const { return node_->GetBasicStatus().soft_state.role == raft::Role::kLeader; }

 private:
  struct AskedRead {
    std::string key;
    std::function<void(std::string)> answer;
  };

  const NodeId id_;
  const bool async_;
  const Transport transport_;
  storage::MemoryStorage storage_;  // Survives a crash, for this example.
  Dictionary dictionary_;           // So does this.
  std::unique_ptr<raft::RawNode> node_;
  raft::Ready ready_;  // Kept, so that its memory is used again.
  std::map<std::string, AskedRead> asked_reads_;
  std::deque<raft::ReadState> granted_reads_;  // In the order of their indexes.
  uint64_t tickets_ = 0;
  std::deque<Message> append_work_;
  std::deque<Message> apply_work_;
};

// All servers, on one thread, and the network between them.
class Group {
 public:
  explicit Group(bool async) : async_(async) {}

  Server& Add(NodeId id) {
    const auto transport = [this](const Message& m) { in_flight_.push_back(m); };
    return *(servers_[id] = std::make_unique<Server>(id, async_, transport));
  }
  Server& at(NodeId id) { return *servers_.at(id); }

  Server* leader() {
    for (auto& [id, server] : servers_) {
      if (server->leads()) return server.get();
    }
    return nullptr;
  }

  // A tenth of a second, say.
  void OneTick() {
    for (auto& [id, server] : servers_) server->node().Tick();
    for (int round = 0; round < 10; ++round) {
      for (auto& [id, server] : servers_) {
        server->Turn();
        server->AppendThread();
        server->ApplyThread();
      }
      for (std::deque<Message> arrived = std::exchange(in_flight_, {}); !arrived.empty();
           arrived.pop_front()) {
        const auto to = servers_.find(arrived.front().to);
        if (to != servers_.end()) to->second->Receive(arrived.front());
      }
    }
  }

  void RunUntil(const std::string& claim, const std::function<bool()>& holds) {
    for (int tick = 0; tick < 200 && !holds(); ++tick) OneTick();
    Check(holds(), claim);
  }

 private:
  const bool async_;
  std::map<NodeId, std::unique_ptr<Server>> servers_;
  std::deque<Message> in_flight_;
};

void Run(bool async) {
  std::printf("--- %s storage writes\n", async ? "asynchronous" : "synchronous");
  Group group(async);
  const auto knows = [&group](NodeId id, const std::string& key, const std::string& value) {
    const auto& words = group.at(id).dictionary().words;
    return words.count(key) == 1 && words.at(key) == value;
  };

  const std::vector<raft::Peer> founders = {{1, {}}, {2, {}}, {3, {}}};
  for (const raft::Peer& peer : founders) group.Add(peer.id).Start(founders);
  group.RunUntil("a leader is elected", [&] { return group.leader() != nullptr; });

  // A write. Ok means that it is in the leader's log; it has happened when it is applied.
  Check(group.leader()->node().Propose(absl::Cord("sky=blue")));
  group.RunUntil("every server has applied it", [&] {
    return knows(1, "sky", "blue") && knows(2, "sky", "blue") && knows(3, "sky", "blue");
  });

  // A read, at any server.
  std::string answer;
  group.at(3).Get("sky", [&answer](std::string value) { answer = std::move(value); });
  group.RunUntil("a read sees what was written", [&] { return answer == "blue"; });

  // A crash: what was in memory is gone, what was promised is not.
  group.at(2).Start();
  group.RunUntil("there is a leader", [&] { return group.leader() != nullptr; });
  Check(group.leader()->node().Propose(absl::Cord("sea=green")));
  group.RunUntil("the server that crashed has everything",
                 [&] { return knows(2, "sky", "blue") && knows(2, "sea", "green"); });

  // A new server learns before it votes: until it has caught up it could only slow the others down
  // (thesis §4.2.1). What it needs is no longer in the log, so it gets a snapshot first; one that
  // was taken after the change, or it would not find itself in there.
  const auto propose = [&group](raftpb::ConfChangeType type) {
    raftpb::ConfChangeV2 change;
    change.changes.push_back({type, 4});
    Check(group.leader()->node().ProposeConfChange(change));
  };
  propose(raftpb::ConfChangeType::kAddLearnerNode);
  group.RunUntil("a learner is added",
                 [&] { return !group.leader()->dictionary().membership.learners.empty(); });
  group.leader()->TakeSnapshot();
  group.Add(4).Start();
  group.RunUntil("the learner has everything",
                 [&] { return knows(4, "sky", "blue") && knows(4, "sea", "green"); });
  propose(raftpb::ConfChangeType::kAddNode);
  group.RunUntil("the learner is a voter",
                 [&] { return group.at(4).dictionary().membership.voters.size() == 4; });

  Check(group.leader()->node().TransferLeadership(4));
  group.RunUntil("and a leader, when it is asked to be", [&] { return group.at(4).leads(); });
}

}  // namespace

int main() {
  Run(/*async=*/false);
  Run(/*async=*/true);
}
