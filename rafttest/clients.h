// The clients of a simulated cluster: what they ask, whom, what they are told, and the history of
// it all.
#ifndef RAFT_RAFTTEST_CLIENTS_H_
#define RAFT_RAFTTEST_CLIENTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "raft/types.h"
#include "rafttest/application.h"
#include "rafttest/faults.h"
#include "rafttest/linearizability.h"
#include "rafttest/random.h"

namespace rafttest {

// Each client has one request under way at a time. If there is no answer for a while it asks
// another server, or gives up: then nobody knows whether its command took effect, and it goes on
// under another name.
class Clients {
 public:
  Clients(const Application& application, size_t count, SimTime patience, Random random);

  // Something to be handed to a server.
  struct Attempt {
    bool read = false;     // Else a proposal, of
    std::string command;   // this (sessions.h).
    std::string describe;  // For traces.
  };
  // A client turns to server `at`; the attempt will be known by `number`. Nothing if the client
  // still waits.
  absl::optional<Attempt> Act(SimTime now, raft::NodeId at, uint64_t number);

  // The server did not even take it.
  void OnRefused(uint64_t number);
  // The server that was asked has applied the proposal.
  void OnApplied(SimTime now, raft::NodeId at, uint64_t number, absl::string_view answer);
  // The server that was asked may answer the read once it has applied `index`; it has now applied
  // so much.
  void OnReadIndex(SimTime now, raft::NodeId at, uint64_t number, raft::Index index,
                   raft::Index applied, const StateMachine& machine);
  void OnProgress(SimTime now, raft::NodeId at, raft::Index applied, const StateMachine& machine);
  // What it was asked is forgotten.
  void OnCrashed(raft::NodeId at);

  // All that was asked so far; reads without an answer, and what was refused every time, left out.
  std::vector<Operation> History() const;
  uint64_t answered() const { return answered_; }
  uint64_t given_up() const { return given_up_; }

 private:
  struct Client {
    uint64_t name = 0;
    uint64_t sequence = 0;
    bool busy = false;
    Request request;
    SimTime tried = 0;     // When the last attempt began.
    size_t taken = 0;      // Attempts that no server refused.
    size_t operation = 0;  // In history_.
  };
  struct Pending {
    size_t client = 0;
    raft::NodeId at = raft::kNone;
    bool has_index = false;
    raft::Index index = 0;  // Of a read.
  };

  Attempt Try(SimTime now, raft::NodeId at, uint64_t number, size_t which);
  void Begin(SimTime now, uint64_t number, Client& client);
  void Answer(SimTime now, size_t which, absl::string_view answer);
  void ForgetAttempts(size_t which);

  const Application& application_;
  const SimTime patience_;
  Random random_;
  std::vector<Client> clients_;
  std::map<uint64_t, Pending> pending_;  // Attempts, by number, of requests that are under way.
  std::vector<Operation> history_;
  std::vector<bool> counts_;  // Of history_: whether it may have happened.
  uint64_t next_name_ = 1;
  uint64_t answered_ = 0;
  uint64_t given_up_ = 0;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_CLIENTS_H_
