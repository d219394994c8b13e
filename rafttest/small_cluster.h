// One state of the cluster of the exhaustive search, what can happen in it, and what must hold.
#ifndef RAFT_RAFTTEST_SMALL_CLUSTER_H_
#define RAFT_RAFTTEST_SMALL_CLUSTER_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/optional.h"
#include "rafttest/exhaustive.h"
#include "rafttest/invariants.h"
#include "rafttest/server_states.h"

namespace rafttest {

struct SmallEvent {
  raft::NodeId server = raft::kNone;
  Input input;
};

using Network = absl::InlinedVector<MessageId, 12>;

// A value, small enough to be copied for each event.
struct SmallCluster {
  // Committed by somebody, as the ghost of the whole history remembers it.
  struct Committed {
    ServerFacts::Entry entry;
    raft::Term in_term = 0;  // Of who committed it first; 0: earlier than who may be elected yet.
  };

  std::array<StateId, kSmallCluster> servers{};
  // Sent by anybody, but for what can do nothing any more; ascending. A message may arrive at any
  // time, any number of times, or never.
  Network network;
  uint8_t proposals = 0;
  uint8_t crashes = 0;
  // Ever, by term from the first one on; kNone once nobody else can lead that term.
  absl::InlinedVector<raft::NodeId, 4> leaders;
  absl::InlinedVector<Committed, 4> committed;  // From kFirstIndex on.
};

// What a cluster is but for the names of its servers, which are alike. All that have the same
// servers under some names have the same hash; the network is that under the names of which the
// hash was made.
struct Nameless {
  uint64_t hash = 0;  // Of the servers and what is known to be led and committed.
  Network network;
};
Nameless WithoutNames(const SmallCluster& cluster, ServerStates& servers);

SmallCluster FoundSmallCluster(ServerStates& servers);

// All that can happen.
std::vector<SmallEvent> EventsIn(const SmallCluster& cluster, const SmallScope& scope,
                                 const ServerStates& servers);

// What the event makes of the cluster; a violation of what holds on the way.
absl::optional<Violation> Happen(const SmallEvent& event, ServerStates& servers,
                                 SmallCluster& cluster);
// Whether it would change nothing.
bool ChangesNothing(const SmallEvent& event, ServerStates& servers, const SmallCluster& cluster);

// What must hold in each state.
absl::optional<Violation> CheckState(const SmallCluster& cluster, const ServerStates& servers);

}  // namespace rafttest

#endif  // RAFT_RAFTTEST_SMALL_CLUSTER_H_
