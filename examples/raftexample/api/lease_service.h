// etcdserverpb.Lease.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_API_LEASE_SERVICE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_API_LEASE_SERVICE_H_

#include "examples/raftexample/api/answering.h"
#include "examples/raftexample/api/leader_watch.h"
#include "examples/raftexample/proto/rpc.grpc.pb.h"
#include "examples/raftexample/rpc/server.h"

namespace raftexample {

// Which leases there are is in the log; how much is left of one only the leader knows, so those
// questions go to it, wherever it is.
class LeaseService {
 public:
  LeaseService(const ApiContext& api, LeaderWatch* leader_watch)
      : api_(api), leader_watch_(leader_watch) {}
  void AddTo(rpc::Server& server);

 private:
  using GrantCall =
      rpc::UnaryCall<etcdserverpb::LeaseGrantRequest, etcdserverpb::LeaseGrantResponse>;
  using TimeToLiveCall =
      rpc::UnaryCall<etcdserverpb::LeaseTimeToLiveRequest, etcdserverpb::LeaseTimeToLiveResponse>;

  void Grant(GrantCall* call);
  void TimeToLive(TimeToLiveCall* call);

  const ApiContext api_;
  LeaderWatch* const leader_watch_;
  etcdserverpb::Lease::AsyncService service_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_API_LEASE_SERVICE_H_
