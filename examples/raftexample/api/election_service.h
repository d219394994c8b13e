// v3electionpb.Election: leaders among clients, with the recipe of etcd's clients carried out by
// the server.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_API_ELECTION_SERVICE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_API_ELECTION_SERVICE_H_

#include "examples/raftexample/api/answering.h"
#include "examples/raftexample/proto/election.grpc.pb.h"
#include "examples/raftexample/rpc/server.h"

namespace raftexample {

// Whoever has the turn in the line of the election's name (place_in_line.h) leads, and the value of
// its key is what it proclaims. A candidate that leaves gives its place up.
class ElectionService {
 public:
  explicit ElectionService(const ApiContext& api) : api_(api) {}
  void AddTo(rpc::Server& server);

 private:
  using CampaignCall =
      rpc::WaitingCall<v3electionpb::CampaignRequest, v3electionpb::CampaignResponse>;
  using ProclaimCall =
      rpc::UnaryCall<v3electionpb::ProclaimRequest, v3electionpb::ProclaimResponse>;
  using LeaderCall = rpc::UnaryCall<v3electionpb::LeaderRequest, v3electionpb::LeaderResponse>;
  using ResignCall = rpc::UnaryCall<v3electionpb::ResignRequest, v3electionpb::ResignResponse>;

  void Campaign(CampaignCall* call);
  void Proclaim(ProclaimCall* call);
  void Leader(LeaderCall* call);
  void Resign(ResignCall* call);

  const ApiContext api_;
  v3electionpb::Election::AsyncService service_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_API_ELECTION_SERVICE_H_
