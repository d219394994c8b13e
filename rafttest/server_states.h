// All states that one server can be in, and what each input makes of each: the real core, run once
// for every pair of them. The servers of the exhaustive search (exhaustive.h) move in this table.
#ifndef RAFT_RAFTTEST_SERVER_STATES_H_
#define RAFT_RAFTTEST_SERVER_STATES_H_

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "raft/types.h"
#include "raftpb/entry_list.h"
#include "raftpb/hard_state.h"
#include "raftpb/message.h"
#include "rafttest/invariants.h"

namespace rafttest {

constexpr size_t kSmallCluster = 3;  // Servers 1, 2 and 3.

// Other names for the servers: [id - 1] is the new id of each.
using Renaming = std::array<raft::NodeId, kSmallCluster>;
inline constexpr std::array<Renaming, 6> kRenamings = {
    {{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}}};  // The first: the same.

// Defects to put into the servers' surroundings: what the search must find.
enum class Sabotage : uint8_t {
  kNone,
  kForgetsVote,   // A restart finds the term, but not the vote.
  kForgetsLog,    // A restart finds the log without its last entry.
  kSendsTooEarly  // What promises something leaves before it is durable.
};

struct ServerSettings {
  bool pre_vote = false;
  // A write that must be synced is an event of its own, before which the server can get messages
  // and crash. Otherwise it is done at once.
  bool slow_disk = true;
  Sabotage sabotage = Sabotage::kNone;
};

using StateId = uint32_t;
using MessageId = uint32_t;

// What can happen to one server.
struct Input {
  enum class Kind : uint8_t { kMessage, kCampaign, kPropose, kWritten, kRestart };
  Kind kind = Kind::kMessage;
  uint32_t detail = 0;  // The message; the number that is proposed.
};

// What the checks need to know of a state.
struct ServerFacts {
  struct Entry {
    raft::Term term = 0;
    uint32_t number = 0;  // Proposed, its place in the log; 0: what a leader begins with.
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  raft::NodeId id = raft::kNone;
  raft::Role role = raft::Role::kFollower;
  raft::Term term = 0;
  raft::Index committed = 0;
  bool writing = false;
  raft::Term durable_term = 0;
  raft::NodeId durable_vote = raft::kNone;
  std::vector<Entry> log;                          // In memory; the first has index kFirstIndex.
  std::vector<Entry> durable;                      // On disk.
  std::array<raft::Index, kSmallCluster> match{};  // Of each server, while leading.
};

class ServerStates {
 public:
  // The group is founded with a snapshot before this index, of the term before the first one that
  // anybody can lead.
  static constexpr raft::Index kFirstIndex = 2;
  static constexpr raft::Term kFoundingTerm = 1;

  struct Step {
    StateId to = 0;
    std::vector<MessageId> sent;
    absl::optional<Violation> violation;  // Of what one server alone has to keep.
  };

  explicit ServerStates(const ServerSettings& settings) : settings_(settings) {}

  StateId Founding(raft::NodeId id);
  // The same for the same arguments. The reference stays good.
  const Step& After(StateId from, Input input);

  // The same state, of the server that `kRenamings[renaming]` makes of it: what comes of the same
  // inputs, renamed. The servers are alike: the core visits peers by id, but what it does for one
  // does not depend on what it did for another.
  StateId Renamed(StateId state, size_t renaming);
  MessageId RenamedMessage(MessageId message, size_t renaming);

  const ServerFacts& facts(StateId state) const { return states_[state].facts; }
  const raftpb::Message& message(MessageId id) const { return messages_[id]; }
  std::string Describe(Input input) const;

  size_t size() const { return states_.size(); }
  size_t messages() const { return messages_.size(); }
  uint64_t steps() const { return steps_.size(); }

 private:
  class Server;

  // What a server was ever known to vote, by term: told, or durable. A ghost.
  using Votes = absl::InlinedVector<raft::NodeId, 4>;
  // How to come to a state: what the disk had at the last start, and what has happened since.
  struct Disk {
    raft::NodeId id = raft::kNone;
    raftpb::HardState hard_state;
    raftpb::EntryList entries;
    Votes votes;
  };
  struct History {
    uint32_t disk = 0;
    std::vector<Input> inputs;
  };
  struct State {
    ServerFacts facts;
    History history;
    absl::optional<History> other;  // A different way to the same state.
  };
  struct Outcome {
    std::string fingerprint;
    ServerFacts facts;
    History history;
    std::vector<MessageId> sent;
    absl::optional<Violation> violation;
  };

  Outcome Run(const History& history, Input input);
  StateId Rename(StateId state, size_t renaming);
  StateId Intern(const Outcome& outcome);
  MessageId Intern(const raftpb::Message& message);

  const ServerSettings settings_;
  std::vector<Disk> disks_;
  std::deque<State> states_;
  absl::flat_hash_map<std::string, StateId> by_fingerprint_;
  std::deque<raftpb::Message> messages_;
  absl::flat_hash_map<std::string, MessageId> by_text_;
  absl::flat_hash_map<uint64_t, uint32_t> known_;  // State and input -> step.
  std::deque<Step> steps_;
  // By state and by message, for each renaming: 1 + what it makes of it; 0: not known yet.
  std::vector<std::array<uint32_t, kRenamings.size()>> renamed_states_;
  std::vector<std::array<uint32_t, kRenamings.size()>> renamed_messages_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SERVER_STATES_H_
