// etcdserverpb.Maintenance: the member itself, and moving the leader.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_API_MAINTENANCE_SERVICE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_API_MAINTENANCE_SERVICE_H_

#include "examples/raftexample/api/answering.h"
#include "examples/raftexample/proto/rpc.grpc.pb.h"
#include "examples/raftexample/rpc/server.h"

namespace raftexample {

class MaintenanceService {
 public:
  explicit MaintenanceService(const ApiContext& api) : api_(api) {}
  void AddTo(rpc::Server& server);

 private:
  using StatusCall = rpc::UnaryCall<etcdserverpb::StatusRequest, etcdserverpb::StatusResponse>;
  using AlarmCall = rpc::UnaryCall<etcdserverpb::AlarmRequest, etcdserverpb::AlarmResponse>;
  using DefragmentCall =
      rpc::UnaryCall<etcdserverpb::DefragmentRequest, etcdserverpb::DefragmentResponse>;
  using HashCall = rpc::UnaryCall<etcdserverpb::HashRequest, etcdserverpb::HashResponse>;
  using HashKVCall = rpc::UnaryCall<etcdserverpb::HashKVRequest, etcdserverpb::HashKVResponse>;
  using MoveLeaderCall =
      rpc::UnaryCall<etcdserverpb::MoveLeaderRequest, etcdserverpb::MoveLeaderResponse>;
  using DowngradeCall =
      rpc::UnaryCall<etcdserverpb::DowngradeRequest, etcdserverpb::DowngradeResponse>;

  void Status(StatusCall* call);
  void Alarm(AlarmCall* call);
  void Defragment(DefragmentCall* call);
  void Hash(HashCall* call);
  void HashKV(HashKVCall* call);
  void MoveLeader(MoveLeaderCall* call);
  void Downgrade(DowngradeCall* call);

  const ApiContext api_;
  etcdserverpb::Maintenance::AsyncService service_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_API_MAINTENANCE_SERVICE_H_
