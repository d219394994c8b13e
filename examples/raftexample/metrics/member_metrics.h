// What a member can be asked about itself, as metrics.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_MEMBER_METRICS_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_MEMBER_METRICS_H_

#include "examples/raftexample/metrics/families.h"
#include "examples/raftexample/server/server.h"
#include "prometheus/collectable.h"

namespace raftexample {

// Asks when somebody wants to know, and costs nothing before. The server outlives it. Any thread.
class MemberMetrics final : public prometheus::Collectable {
 public:
  explicit MemberMetrics(Server* server) : server_(server) {}
  Families Collect() const override;

 private:
  void AddRaft(FamilyList& list) const;
  void AddStore(FamilyList& list) const;
  void AddNetwork(FamilyList& list) const;

  Server* const server_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_METRICS_MEMBER_METRICS_H_
