// Hosts with very many groups in one process, for tests and benchmarks: a network and disks that
// can be made as bad as wanted, and invariants that are checked at everything that is applied.
#ifndef RAFT_RAFT_HOST_FLEET_H_
#define RAFT_RAFT_HOST_FLEET_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "raft/config.h"
#include "raft/host/host.h"
#include "raft/host/host_message.h"
#include "raft/test_random.h"
#include "raft/types.h"
#include "raftpb/hard_state.h"
#include "raftpb/snapshot.h"
#include "storage/memory_storage.h"

namespace raft::testing {

struct FleetOptions {
  HostId hosts = 3;    // Named 1, 2, .. Every group has a server on each of them.
  size_t groups = 10;  // Named 1, 2, ..
  uint64_t seed = 1;   // Of everything that is left to chance.
  HostOptions host;    // But for id and life.
  std::function<void(Config&)> configure = [](Config&) {};  // All servers alike.

  // The network, in steps; one tick has four. Every message takes 1 to max_delay of them.
  uint32_t max_delay = 1;
  uint32_t drop_one_in = 0;        // 0: none.
  uint32_t repeat_one_in = 0;      // Arrives twice.
  uint32_t fail_write_one_in = 0;  // The host crashes in the middle of a write, which is lost.

  // Each server drops its log after so many entries, so that who lags behind gets a snapshot.
  Index compact_every = kNoLimit;
};

// The state machine of a group is a hash over everything that was applied, and durable; a commit
// index that was not synced is lost with its host. A violated invariant is kept, not thrown:
// violations() is empty, or the test has failed.
class Fleet {
 public:
  explicit Fleet(FleetOptions options);
  ~Fleet();

  Host& host(HostId id);  // Requires that it is up.
  bool IsUp(HostId id) const;

  // --- Time ---

  void Tick(uint32_t n = 1);  // Everywhere; with all that follows in four steps of the network.
  void Step();                // Delivers what is due, and lets everybody work.
  // Until nobody has work and nothing is under way.
  void Settle();

  // --- Faults ---

  void Crash(HostId id);
  void Restart(HostId id);  // With what was stored; a new life.
  void Cut(HostId from, HostId to) { cuts_[{from, to}] = true; }  // One direction.
  void Isolate(HostId id);
  // An honest network and honest disks from now on, and everybody up.
  void Heal();
  // What happens to each host message that is sent: true loses it.
  void Drop(std::function<bool(const HostMessage&)> lost) { lost_ = std::move(lost); }

  // --- Groups ---

  // Proposes at the group's leader, as far as there is one that anybody knows. Whether it was
  // taken.
  bool Propose(GroupId group, absl::Cord data);
  // The host whose server leads in the latest term; 0 if none does.
  HostId LeaderOf(GroupId group) const;
  void Campaign(HostId host, GroupId group);
  Index Applied(HostId host, GroupId group) const;
  size_t Asleep() const;  // Servers, on all hosts.

  // --- Looking ---

  const std::vector<std::string>& violations() const { return violations_; }
  uint64_t applied_entries() const { return applied_entries_; }  // By each server that did.
  // Entries that carry something, each counted when the first server applies it.
  uint64_t committed_commands() const { return committed_commands_; }
  uint64_t crashes() const { return crashes_; }
  // Everybody has applied everything that anybody ever has. What is missing becomes a violation.
  void ExpectNothingLost();
  uint64_t messages() const { return messages_; }

 private:
  // One server's disk and state machine.
  struct Replica {
    storage::MemoryStorage log;
    raftpb::HardState synced;
    Index applied = 0;
    uint64_t hash = 0;
  };

  struct Machine;

  std::unique_ptr<RawNode> MakeNode(HostId host, GroupId group, Replica& replica);
  void Start(Machine& machine);
  void Work(Machine& machine);
  void OnSend(HostMessage& message);
  void OnApply(Machine& machine, GroupId group, const Ready& ready);
  bool Agree(HostId host, GroupId group, Index index, uint64_t hash);
  bool OneIn(uint32_t n) { return n != 0 && random_.OneIn(n); }
  void Violated(std::string what);

  FleetOptions options_;
  TestRandom random_;
  raftpb::SnapshotPtr founding_;
  std::shared_ptr<const Config> shared_;  // By all servers.
  std::vector<std::unique_ptr<Machine>> machines_;
  std::multimap<uint64_t, HostMessage> wire_;  // By the step at which they arrive.
  std::map<std::pair<HostId, HostId>, bool> cuts_;
  std::function<bool(const HostMessage&)> lost_;
  uint64_t step_ = 0;
  uint64_t lives_ = 0;
  uint64_t messages_ = 0;
  uint64_t applied_entries_ = 0;
  uint64_t committed_commands_ = 0;
  uint64_t crashes_ = 0;
  // Of each group, the hash after every index that anybody has applied.
  std::vector<std::vector<uint64_t>> agreed_;
  std::vector<std::map<Term, HostId>> leaders_;
  std::vector<std::string> violations_;
};

}  // namespace raft::testing

#endif  // RAFT_RAFT_HOST_FLEET_H_
