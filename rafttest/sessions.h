// Commands that clients repeat take effect once (§6.3).
#ifndef RAFT_RAFTTEST_SESSIONS_H_
#define RAFT_RAFTTEST_SESSIONS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "rafttest/application.h"

namespace rafttest {

// What goes into the log for a client's command: who, the how-manieth of its commands, and which.
std::string EncodeSessionCommand(uint64_t client, uint64_t sequence, absl::string_view command);

// A state machine around another one that remembers, for each client, its last command and the
// answer. The memory is part of the state and travels in snapshots.
class Sessions : public StateMachine {
 public:
  explicit Sessions(std::unique_ptr<StateMachine> machine) : machine_(std::move(machine)) {}

  // Of EncodeSessionCommand; anything else changes nothing. A client has one command under way at a
  // time, so that one answer each is enough.
  std::string Apply(absl::string_view command) override;
  std::string Query(absl::string_view query) const override { return machine_->Query(query); }
  std::string Save() const override;
  void Load(absl::string_view saved) override;

 private:
  struct Last {
    uint64_t sequence = 0;
    std::string answer;
  };

  std::unique_ptr<StateMachine> machine_;
  std::map<uint64_t, Last> clients_;
};

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SESSIONS_H_
