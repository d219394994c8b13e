#include "rafttest/sim_network.h"

#include <algorithm>

namespace rafttest {

using raft::NodeId;

void SimNetwork::Deliveries(NodeId from, const raftpb::Message& message, Random& random,
                            std::vector<SimTime>& delays) const {
  const NodeId to = message.to;
  delays.clear();
  if (!Reaches(from, to) || random.Chance(faults_.drop)) return;
  const int copies = random.Chance(faults_.duplicate) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    SimTime delay = 1 + random.Exponential(faults_.delay);
    if (random.Chance(faults_.heavy_tail)) delay *= 100;
    if (faults_.slow_type == static_cast<uint32_t>(message.type)) delay *= 100;
    if (clogged_[Link(from, to)] > 0) delay += random.Below(clogged_[Link(from, to)]);
    delays.push_back(delay);
  }
}

const char* SimNetwork::CutSome(Random& random, NodeId leader) {
  const NodeId n = servers_;
  const NodeId victim = leader != raft::kNone && random.Chance(0.5) ? leader : 1 + random.Below(n);
  switch (random.Below(6)) {
    case 0: {  // Two sides, neither empty.
      const uint64_t side = n < 2 ? 0 : 1 + random.Below((uint64_t{1} << n) - 2);
      for (NodeId a = 1; a <= n; ++a) {
        for (NodeId b = a + 1; b <= n; ++b) {
          if ((side >> (a - 1) & 1) != (side >> (b - 1) & 1)) CutBoth(a, b);
        }
      }
      return "two sides";
    }
    case 1:  // One server alone.
      for (NodeId other = 1; other <= n; ++other) {
        if (other != victim) CutBoth(victim, other);
      }
      return "one alone";
    case 2:  // One server is heard, and does not hear.
      for (NodeId other = 1; other <= n; ++other) {
        if (other != victim) Cut(other, victim);
      }
      return "one deaf";
    case 3:  // One server hears, and is not heard.
      for (NodeId other = 1; other <= n; ++other) {
        if (other != victim) Cut(victim, other);
      }
      return "one mute";
    case 4:  // A bridge: the victim reaches all, the others only it.
      for (NodeId a = 1; a <= n; ++a) {
        for (NodeId b = a + 1; b <= n; ++b) {
          if (a != victim && b != victim && (a + b) % 2 == 1) CutBoth(a, b);
        }
      }
      return "bridge";
    default:  // Some links, each way by itself.
      for (NodeId a = 1; a <= n; ++a) {
        for (NodeId b = 1; b <= n; ++b) {
          if (a != b && random.Chance(0.3)) Cut(a, b);
        }
      }
      return "some links";
  }
}

}  // namespace rafttest
