// What a member answers to other members.
#ifndef RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_PEER_SERVICE_H_
#define RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_PEER_SERVICE_H_

#include "examples/raftexample/rpc/server.h"
#include "examples/raftexample/server/executor.h"
#include "examples/raftexample/transport/peer.grpc.pb.h"
#include "examples/raftexample/transport/peer_traffic.h"
#include "examples/raftexample/transport/transport_owner.h"

namespace raftexample {

// The generated service, but for Messages, which we read and write ourselves (frame.h).
using GeneratedPeerService =
    peer::Peer::WithRawMethod_Messages<peer::Peer::WithAsyncMethod_Snapshot<
        peer::Peer::WithAsyncMethod_Members<peer::Peer::WithAsyncMethod_RenewLease<
            peer::Peer::WithAsyncMethod_LeaseTimeToLive<peer::Peer::WithAsyncMethod_PromoteMember<
                peer::Peer::WithAsyncMethod_Describe<peer::Peer::Service>>>>>>>;

class PeerService {
 public:
  // All of these outlive the server that the service is added to. Files are written on the
  // executor.
  PeerService(uint64_t cluster, raftpb::NodeId self, TransportOwner* owner, Executor* executor,
              PeerTraffic* traffic)
      : cluster_(cluster), self_(self), owner_(owner), executor_(executor), traffic_(traffic) {}

  void AddTo(rpc::Server& server);

 private:
  template <typename Request, typename Response>
  using Method = void (GeneratedPeerService::*)(grpc::ServerContext*, Request*,
                                                grpc::ServerAsyncResponseWriter<Response>*,
                                                grpc::CompletionQueue*,
                                                grpc::ServerCompletionQueue*, void*);

  void AddStreams(rpc::Server& server);
  // A call that only members of the cluster may make; `answer` is given it then.
  template <typename Request, typename Response, typename Answer>
  void AddForMembers(rpc::Server& server, const char* name, Method<Request, Response> method,
                     Answer answer);

  // Who calls, if it may.
  absl::StatusOr<raftpb::NodeId> CheckCaller(const grpc::ServerContext& context) const;

  const uint64_t cluster_;
  const raftpb::NodeId self_;
  TransportOwner* const owner_;
  Executor* const executor_;
  PeerTraffic* const traffic_;
  GeneratedPeerService service_;
};

}  // namespace raftexample

#endif  // RAFT_EXAMPLES_RAFTEXAMPLE_TRANSPORT_PEER_SERVICE_H_
