// What happened in a run, as data, for those who want to look at it: a picture (picture.h), a test.
#ifndef RAFT_RAFTTEST_RECORDING_H_
#define RAFT_RAFTTEST_RECORDING_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "raft/ready.h"
#include "raft/types.h"
#include "raftpb/message.h"
#include "rafttest/faults.h"
#include "rafttest/invariants.h"

namespace rafttest {

// One server as seen from outside, at one time.
struct ServerView {
  enum class Condition : uint8_t { kDown, kPaused, kRuns };

  Condition condition = Condition::kDown;
  raft::Role role = raft::Role::kFollower;
  raft::Term term = 0;
  raft::Index last = 0;
  raft::Index committed = 0;
  raft::Index applied = 0;

  friend bool operator==(const ServerView&, const ServerView&) = default;
};

// Filled by a Simulation whose options name it. Long runs have more messages than anybody can look
// at: only the latest are kept.
class Recording {
 public:
  struct Change {  // A server looks like this from then on.
    SimTime time;
    raft::NodeId server;
    ServerView view;
  };
  struct Flight {  // A message under way.
    SimTime sent;
    absl::optional<SimTime> arrives;  // None: it was lost.
    raft::NodeId from;
    raft::NodeId to;
    raftpb::MessageType type;
    std::string text;  // raftpb::Describe
  };
  struct Note {  // Something that a person did, or fate.
    SimTime time;
    raft::NodeId server;  // kNone: the whole cluster.
    std::string text;     // "crashes", "partition: bridge", ..
  };

  explicit Recording(size_t max_flights = 20'000) : max_flights_(max_flights) {}

  void Server(SimTime now, raft::NodeId server, const ServerView& view);
  // Copies arrive after each of `delays`.
  void Message(SimTime now, const raftpb::Message& message, absl::Span<const SimTime> delays);
  void Event(SimTime now, raft::NodeId server, std::string text);
  void End(SimTime now, const absl::optional<Violation>& violation);

  const std::vector<Change>& changes() const { return changes_; }
  const std::deque<Flight>& flights() const { return flights_; }
  const std::vector<Note>& notes() const { return notes_; }
  uint64_t flights_forgotten() const { return forgotten_; }
  size_t servers() const { return latest_.size(); }  // The highest number of a server seen.
  SimTime end() const { return end_; }
  const absl::optional<Violation>& violation() const { return violation_; }

 private:
  void Add(Flight flight);

  size_t max_flights_;
  std::vector<Change> changes_;
  std::deque<Flight> flights_;
  std::vector<Note> notes_;
  std::vector<absl::optional<ServerView>> latest_;  // By server.
  uint64_t forgotten_ = 0;
  SimTime end_ = 0;
  absl::optional<Violation> violation_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_RECORDING_H_
