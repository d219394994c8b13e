#include "rafttest/server_states.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "raft/check.h"
#include "raft/raft.h"
#include "raft/raw_node.h"
#include "raft/ready.h"
#include "raft/tracker/progress.h"
#include "raftpb/describe.h"
#include "raftpb/snapshot.h"
#include "storage/memory_storage.h"

namespace rafttest {

using raft::Index;
using raft::kNone;
using raft::NodeId;
using raft::Role;
using raftpb::EntryList;
using raftpb::HardState;
using raftpb::Message;
using raftpb::MessageType;

namespace {

raftpb::SnapshotPtr FoundingSnapshot() {
  auto snapshot = std::make_shared<raftpb::Snapshot>();
  snapshot->metadata = {.conf_state = {.voters = {1, 2, 3}},
                        .index = ServerStates::kFirstIndex - 1,
                        .term = ServerStates::kFoundingTerm};
  return snapshot;
}

// What is sent at once arrives in any order, and any message may arrive twice: neither the order of
// messages nor their number means anything.
void MakeSet(std::vector<Message>& messages) {
  const auto key = [](const Message& m) {
    return std::make_tuple(m.to, m.type, m.term, m.index, m.log_term, m.commit, m.reject);
  };
  std::stable_sort(messages.begin(), messages.end(),
                   [key](const Message& a, const Message& b) { return key(a) < key(b); });
  auto end = messages.begin();
  for (Message& message : messages) {
    if (std::find(messages.begin(), end, message) != end) continue;
    if (&*end != &message) *end = std::move(message);
    ++end;
  }
  messages.erase(end, messages.end());
}

// What waits in an outbox. Only an acknowledgement that is the last message to its server may still
// change (raft/outbox.h); of the others neither order nor number means anything.
std::string Waiting(const raft::Outbox& outbox) {
  const auto may_change = [](const Message& m) {
    return m.type == MessageType::kAppResp && !m.reject;
  };
  absl::btree_set<std::string> settled;
  std::array<const Message*, kSmallCluster> last{};
  for (const Message& m : outbox.now()) settled.insert(raftpb::Describe(m));
  for (const Message& m : outbox.after_write()) {
    const Message* const before = std::exchange(last[m.to - 1], &m);
    if (before != nullptr) settled.insert(raftpb::Describe(*before));
    if (!may_change(m)) settled.insert(raftpb::Describe(m));
  }
  std::string waiting = absl::StrCat("waiting\n", absl::StrJoin(settled, "\n"), "\nlast\n");
  for (const Message* m : last) {
    absl::StrAppend(&waiting, m == nullptr ? "" : raftpb::Describe(*m), "\n");
  }
  return waiting;
}

std::vector<ServerFacts::Entry> FactsOf(const EntryList& entries) {
  std::vector<ServerFacts::Entry> facts;
  for (const raftpb::Entry& entry : entries) {
    ServerFacts::Entry& fact = facts.emplace_back();
    fact.term = entry.term;
    if (!entry.data.empty()) {
      RAFT_CHECK(absl::SimpleAtoi(std::string(entry.data), &fact.number)) << "a proposed number";
    }
  }
  return facts;
}

}  // namespace

// A server that runs: the core, its disk, its state machine (which only counts).
class ServerStates::Server {
 public:
  Server(const Disk& disk, const ServerSettings& settings);

  void Take(Input input, const Message* message);

  std::string Fingerprint() const;
  ServerFacts Facts() const;
  Disk AfterCrash() const;
  std::vector<Message> TakeSent() { return std::move(sent_); }
  const absl::optional<Violation>& violation() const { return violation_; }

 private:
  bool AnswersCampaign(const Message& message) const;
  void Work();
  void Written();
  void Store();
  void Send(std::vector<Message>& messages);
  void CheckPromise(const Message& message);
  void RememberVote(raft::Term term, NodeId candidate);
  void ForgetOldVotes();
  void CheckStep();
  void Fail(absl::string_view invariant, const std::string& what) {
    if (!violation_) violation_ = Violation{std::string(invariant), absl::StrCat(id_, " ", what)};
  }
  EntryList Stored() const {
    if (storage_.LastIndex() < kFirstIndex) return {};
    return *storage_.Entries({kFirstIndex, storage_.LastIndex() + 1}, raft::kNoLimit);
  }

  const NodeId id_;
  const ServerSettings settings_;
  storage::MemoryStorage storage_{FoundingSnapshot()};
  HardState synced_;  // Of what is stored, what a crash does not take back.
  Votes votes_;
  std::unique_ptr<raft::RawNode> node_;
  raft::Ready ready_;
  bool writing_ = false;  // What ready_ asks for.
  Index applied_ = kFirstIndex - 1;
  HardState before_;  // The last input.
  std::vector<Message> sent_;
  absl::optional<Violation> violation_;
  // Of what the core remembers and does not show:
  std::vector<Message> answers_;                     // to its campaign, and
  std::array<Index, kSmallCluster> told_commits_{};  // what it told, leading.
};

ServerStates::Server::Server(const Disk& disk, const ServerSettings& settings)
    : id_(disk.id), settings_(settings), synced_(disk.hard_state), votes_(disk.votes) {
  storage_.SetHardState(synced_);
  if (!disk.entries.empty()) RAFT_CHECK(storage_.Append(disk.entries).ok());
  raft::Config config;
  config.id = id_;
  config.seed = id_;  // Chance decides only about time, which does not pass here.
  config.storage = &storage_;
  config.applied = applied_;
  config.pre_vote = settings.pre_vote;
  config.check_quorum = false;
  node_ = *raft::RawNode::Create(config);
  before_ = node_->raft().hard_state();
  Work();
}

void ServerStates::Server::Take(Input input, const Message* message) {
  const Role role = node_->raft().role();
  switch (input.kind) {
    case Input::Kind::kMessage:
      if (AnswersCampaign(*message)) answers_.push_back(*message);
      if (absl::Status s = node_->Step(*message); absl::IsInvalidArgument(s)) {
        Fail("D5", std::string(s.message()));
      }
      break;
    case Input::Kind::kCampaign: node_->Campaign().IgnoreError(); break;
    case Input::Kind::kPropose:
      RAFT_CHECK(node_->Propose(absl::Cord(absl::StrCat(input.detail))).ok()) << "to a leader";
      break;
    case Input::Kind::kWritten: Written(); break;
    case Input::Kind::kRestart: break;  // The caller starts another one from this one's disk.
  }
  const raft::Raft& raft = node_->raft();
  if (raft.role() != role || raft.term() != before_.term) {
    told_commits_ = {};
    answers_.clear();
  }
  CheckStep();
  Work();
}

bool ServerStates::Server::AnswersCampaign(const Message& message) const {
  const raft::Raft& raft = node_->raft();
  if (message.type == MessageType::kVoteResp) {
    return raft.role() == Role::kCandidate && message.term == raft.term();
  }
  return message.type == MessageType::kPreVoteResp && raft.role() == Role::kPreCandidate &&
         message.term == raft.term() + (message.reject ? 0 : 1);
}

// S8: within a life nothing goes back, and the indexes keep their order.
void ServerStates::Server::CheckStep() {
  const HardState now = node_->raft().hard_state();
  const raft::log::RaftLog& log = node_->raft().log();
  if (now.term < before_.term || now.commit < before_.commit ||
      (now.term == before_.term && before_.vote != kNone && now.vote != before_.vote) ||
      log.applied() > log.applying() || log.applying() > log.committed() ||
      log.committed() > log.LastIndex()) {
    Fail("S8", absl::StrCat("went from ", raftpb::Describe(before_), " to ", raftpb::Describe(now),
                            ", ", log.Describe()));
  }
  before_ = now;
}

void ServerStates::Server::Work() {
  while (!writing_ && node_->HasReady()) {
    RAFT_CHECK(node_->TakeReady(ready_).ok());
    MakeSet(ready_.messages);
    MakeSet(ready_.messages_after_write);
    Send(ready_.messages);
    if (settings_.sabotage == Sabotage::kSendsTooEarly) Send(ready_.messages_after_write);
    writing_ = true;
    if (!settings_.slow_disk || !ready_.must_sync) Written();
  }
}

void ServerStates::Server::Written() {
  Store();
  Send(ready_.messages_after_write);
  for (const raftpb::Entry& entry : ready_.committed_entries) {
    if (entry.index != applied_ + 1) Fail("S8", absl::StrCat("applies ", entry.index));
    applied_ = entry.index;
  }
  writing_ = false;
  node_->Advance();
  CheckStep();
}

void ServerStates::Server::Store() {
  if (!ready_.entries.empty()) RAFT_CHECK(storage_.Append(ready_.entries).ok());
  if (ready_.hard_state) storage_.SetHardState(*ready_.hard_state);
  if (!ready_.must_sync) return;
  synced_ = storage_.hard_state();
  if (synced_.vote != kNone) RememberVote(synced_.term, synced_.vote);
  ForgetOldVotes();
}

// A server whose disk has a later term gives no vote in an earlier one, for which CheckPromise
// looks; only on a slow disk one that was given before may leave after that.
void ServerStates::Server::ForgetOldVotes() {
  if (settings_.slow_disk) return;
  for (size_t at = 0; at < votes_.size() && at + kFoundingTerm < synced_.term; ++at) {
    votes_[at] = kNone;
  }
}

// S2: one vote per term, over all lives (§3.4).
void ServerStates::Server::RememberVote(raft::Term term, NodeId candidate) {
  const size_t at = term - kFoundingTerm;
  if (votes_.size() <= at) votes_.resize(at + 1, kNone);
  if (votes_[at] != kNone && votes_[at] != candidate) {
    Fail("S2",
         absl::StrCat("votes in term ", term, " for ", candidate, ", and did for ", votes_[at]));
  }
  votes_[at] = candidate;
}

void ServerStates::Server::Send(std::vector<Message>& messages) {
  for (Message& message : messages) {
    CheckPromise(message);
    if (message.type == MessageType::kApp) {
      Index& told = told_commits_[message.to - 1];
      told = std::max(told, message.commit);
    }
    sent_.push_back(std::move(message));
  }
  messages.clear();
}

// S3: a crash takes back nothing that was promised (§3.8, Figure 3.1).
void ServerStates::Server::CheckPromise(const Message& m) {
  const bool what_if = m.type == MessageType::kPreVote || m.type == MessageType::kPreVoteResp;
  const bool term_lost = !what_if && m.term > synced_.term;
  const bool vote = m.type == MessageType::kVoteResp && !m.reject;
  const bool vote_lost = vote && m.term == synced_.term && m.to != synced_.vote;
  // Or the disk has a later term already: then it never votes in this one again.
  if (vote && m.term < synced_.term) {
    if (!settings_.slow_disk) Fail("S2", absl::StrCat("votes in term ", m.term, ", long left"));
    RememberVote(m.term, m.to);
  }
  const bool log_lost =
      m.type == MessageType::kAppResp && !m.reject && m.index > storage_.LastIndex();
  if (term_lost || vote_lost || log_lost) {
    Fail("S3", absl::StrCat("sends ", raftpb::Describe(m), " with ", raftpb::Describe(synced_),
                            " and entries up to ", storage_.LastIndex(), " on disk"));
  }
}

std::string ServerStates::Server::Fingerprint() const {
  const raft::Raft& raft = node_->raft();
  const raft::log::RaftLog& log = raft.log();
  std::string print = absl::StrCat(
      id_, "\n", raftpb::Describe(raft.hard_state()), "\n", raft::Describe(raft.soft_state()), "\n",
      log.Describe(), "\n", raftpb::Describe(*log.EntriesFrom(kFirstIndex, raft::kNoLimit)),
      "disk ", raftpb::Describe(synced_), ", ", raftpb::Describe(storage_.hard_state()), "\n",
      raftpb::Describe(Stored()), "applied ", applied_, "\n");
  absl::StrAppend(&print, "votes ", absl::StrJoin(votes_, " "), "\n");
  if (writing_) absl::StrAppend(&print, "writing ", raft::Describe(ready_), "\n");
  if (raft.progress() != nullptr) {
    for (const auto& [peer, progress] : *raft.progress()) {
      absl::StrAppend(&print, peer, ": ", raft::tracker::Describe(progress, false), ", told ",
                      told_commits_[peer - 1], "\n");
    }
  }
  absl::StrAppend(&print, Waiting(raft.outbox()));
  // Of several answers of one server the first counts, and only whether it is a yes.
  std::array<char, kSmallCluster + 1> votes{"..."};
  for (const Message& m : answers_) {
    if (votes[m.from - 1] == '.') votes[m.from - 1] = m.reject ? 'n' : 'y';
  }
  absl::StrAppend(&print, votes.data());
  return print;
}

ServerFacts ServerStates::Server::Facts() const {
  const raft::Raft& raft = node_->raft();
  ServerFacts facts = {.id = id_,
                       .role = raft.role(),
                       .term = raft.term(),
                       .committed = raft.log().committed(),
                       .writing = writing_,
                       .durable_term = synced_.term,
                       .durable_vote = synced_.vote,
                       .log = FactsOf(*raft.log().EntriesFrom(kFirstIndex, raft::kNoLimit)),
                       .durable = FactsOf(Stored())};
  if (raft.progress() == nullptr) return facts;
  for (const auto& [peer, progress] : *raft.progress()) facts.match[peer - 1] = progress.match();
  return facts;
}

ServerStates::Disk ServerStates::Server::AfterCrash() const {
  Disk disk = {.id = id_, .hard_state = synced_, .entries = Stored(), .votes = votes_};
  if (settings_.sabotage == Sabotage::kForgetsVote) disk.hard_state.vote = kNone;
  if (settings_.sabotage == Sabotage::kForgetsLog && storage_.LastIndex() > synced_.commit) {
    disk.entries.DropBack(1);
  }
  return disk;
}

// --- The table -----------------------------------------------------------------------------------

StateId ServerStates::Founding(NodeId id) {
  disks_.push_back({.id = id, .hard_state = {.term = kFoundingTerm, .commit = kFirstIndex - 1}});
  const History history = {.disk = static_cast<uint32_t>(disks_.size() - 1)};
  const Server server(disks_[history.disk], settings_);
  return Intern({.fingerprint = server.Fingerprint(), .facts = server.Facts(), .history = history});
}

const ServerStates::Step& ServerStates::After(StateId from, Input input) {
  const uint64_t key =
      uint64_t{from} << 32 | uint64_t{input.detail} << 3 | static_cast<uint64_t>(input.kind);
  if (const auto it = known_.find(key); it != known_.end()) return steps_[it->second];
  Outcome outcome = Run(states_[from].history, input);
  if (states_[from].other) {
    const Outcome again = Run(*states_[from].other, input);
    RAFT_CHECK(again.fingerprint == outcome.fingerprint && again.sent == outcome.sent)
        << "two ways to what looks like one state go on differently: the fingerprint misses "
           "something. "
        << Describe(input) << " makes of it\n"
        << outcome.fingerprint << "\nor\n"
        << again.fingerprint;
  }
  Step& step = steps_.emplace_back();
  step.to = Intern(outcome);
  step.sent = std::move(outcome.sent);
  step.violation = std::move(outcome.violation);
  known_.emplace(key, steps_.size() - 1);
  return step;
}

// The core cannot be copied: it is brought to the state again.
ServerStates::Outcome ServerStates::Run(const History& history, Input input) {
  const auto message_of = [this](Input each) {
    return each.kind == Input::Kind::kMessage ? &messages_[each.detail] : nullptr;
  };
  auto server = std::make_unique<Server>(disks_[history.disk], settings_);
  for (const Input& each : history.inputs) server->Take(each, message_of(each));
  Outcome outcome;
  if (input.kind == Input::Kind::kRestart) {
    disks_.push_back(server->AfterCrash());
    outcome.history.disk = static_cast<uint32_t>(disks_.size() - 1);
    server = std::make_unique<Server>(disks_.back(), settings_);
  } else {
    server->TakeSent();  // Of the way here.
    server->Take(input, message_of(input));
    outcome.history = history;
    outcome.history.inputs.push_back(input);
  }
  outcome.fingerprint = server->Fingerprint();
  outcome.facts = server->Facts();
  outcome.violation = server->violation();
  for (const Message& message : server->TakeSent()) outcome.sent.push_back(Intern(message));
  std::sort(outcome.sent.begin(), outcome.sent.end());
  outcome.sent.erase(std::unique(outcome.sent.begin(), outcome.sent.end()), outcome.sent.end());
  return outcome;
}

namespace {

NodeId NewName(NodeId id, const Renaming& renaming) { return id == kNone ? id : renaming[id - 1]; }

// The entry of the table for this id, which grows as needed.
template <typename Table>
uint32_t& EntryOf(Table& table, uint32_t id, size_t renaming) {
  if (table.size() <= id) table.resize(id + 1);
  return table[id][renaming];
}

}  // namespace

StateId ServerStates::Renamed(StateId state, size_t renaming) {
  if (renaming == 0) return state;
  if (const uint32_t known = EntryOf(renamed_states_, state, renaming); known != 0)
    return known - 1;
  const StateId renamed = Rename(state, renaming);
  EntryOf(renamed_states_, state, renaming) = renamed + 1;
  return renamed;
}

StateId ServerStates::Rename(StateId state, size_t renaming) {
  const Renaming& names = kRenamings[renaming];
  History history = states_[state].history;
  Disk disk = disks_[history.disk];
  disk.id = NewName(disk.id, names);
  disk.hard_state.vote = NewName(disk.hard_state.vote, names);
  for (NodeId& vote : disk.votes) vote = NewName(vote, names);
  disks_.push_back(std::move(disk));
  history.disk = static_cast<uint32_t>(disks_.size() - 1);
  Server server(disks_.back(), settings_);
  for (Input& each : history.inputs) {
    const bool is_message = each.kind == Input::Kind::kMessage;
    if (is_message) each.detail = RenamedMessage(each.detail, renaming);
    server.Take(each, is_message ? &messages_[each.detail] : nullptr);
  }
  return Intern({.fingerprint = server.Fingerprint(), .facts = server.Facts(), .history = history});
}

MessageId ServerStates::RenamedMessage(MessageId message, size_t renaming) {
  if (renaming == 0) return message;
  if (const uint32_t known = EntryOf(renamed_messages_, message, renaming); known != 0) {
    return known - 1;
  }
  Message renamed = messages_[message];
  renamed.from = NewName(renamed.from, kRenamings[renaming]);
  renamed.to = NewName(renamed.to, kRenamings[renaming]);
  const MessageId id = Intern(renamed);
  EntryOf(renamed_messages_, message, renaming) = id + 1;
  return id;
}

StateId ServerStates::Intern(const Outcome& outcome) {
  const auto [it, is_new] =
      by_fingerprint_.emplace(outcome.fingerprint, static_cast<StateId>(states_.size()));
  if (is_new) {
    states_.push_back({.facts = outcome.facts, .history = outcome.history});
  } else if (!states_[it->second].other) {
    states_[it->second].other = outcome.history;
  }
  return it->second;
}

MessageId ServerStates::Intern(const Message& message) {
  const auto [it, is_new] =
      by_text_.emplace(raftpb::Describe(message), static_cast<MessageId>(messages_.size()));
  if (is_new) messages_.push_back(message);
  RAFT_CHECK(messages_[it->second] == message) << "two messages are described alike";
  return it->second;
}

std::string ServerStates::Describe(Input input) const {
  switch (input.kind) {
    case Input::Kind::kMessage:
      return absl::StrCat("gets ", raftpb::Describe(messages_[input.detail]));
    case Input::Kind::kCampaign: return "campaigns";
    case Input::Kind::kPropose: return absl::StrCat("proposes ", input.detail);
    case Input::Kind::kWritten: return "has written";
    case Input::Kind::kRestart: return "crashes, and starts again";
  }
  return "";
}

}  // namespace rafttest
