// etcdserverpb.Cluster: members.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_API_CLUSTER_SERVICE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_API_CLUSTER_SERVICE_H_

#include "examples/raftexample/api/answering.h"
#include "examples/raftexample/proto/rpc.grpc.pb.h"
#include "examples/raftexample/rpc/server.h"

namespace raftexample {

class ClusterService {
 public:
  explicit ClusterService(const ApiContext& api) : api_(api) {}
  void AddTo(rpc::Server& server);

 private:
  using AddCall = rpc::UnaryCall<etcdserverpb::MemberAddRequest, etcdserverpb::MemberAddResponse>;
  using ListCall =
      rpc::UnaryCall<etcdserverpb::MemberListRequest, etcdserverpb::MemberListResponse>;
  using PromoteCall =
      rpc::UnaryCall<etcdserverpb::MemberPromoteRequest, etcdserverpb::MemberPromoteResponse>;

  void Add(AddCall* call);
  void List(ListCall* call);
  void Promote(PromoteCall* call);
  // Puts a change through the log, and answers with the members there are then.
  template <typename Call>
  void ChangeAndReply(Call* call, internal::MemberChange change);
  template <typename Response>
  void FillMembers(Response& response);

  const ApiContext api_;
  etcdserverpb::Cluster::AsyncService service_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_API_CLUSTER_SERVICE_H_
